"""Outcomes of methods → ``Comparison``: who is better, what margin is kept, what was missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from experiments.plans.plan import MetricDefinition
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.independent import independent_outcome
from experiments.results.comparisons.paired import paired_outcome
from experiments.results.comparisons.question import Question
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import MetricValues, UnitTable
from experiments.stats.equivalence import margin_state, non_inferiority
from experiments.stats.estimates import Comparison, Estimate, Interval, NotEstimable, Outcome, State, WithoutLargest
from experiments.stats.multiplicity import benjamini_hochberg
from experiments.stats.sequential import Reading
from experiments.vocabulary import Design, Direction, MetricKind

WORTH_A_LOOK = 0.10


def outcome_of(question: Question, design: Design) -> Outcome:
    """The outcome of one question; preferences are always paired by item."""
    if design is Design.PAIRED or question.kind is MetricKind.PREFERENCE:
        return paired_outcome(question)
    return independent_outcome(question)


def as_comparison(
    outcome: Outcome,
    *,
    target: Target,
    definition: MetricDefinition,
    control: str,
    treatment: str,
    reading: Reading | None,
    slice_label: str | None = None,
    n_missing: dict[str, int] | None = None,
    unit: str | None = None,
) -> Comparison:
    """The comparison that an outcome amounts to; without a reading there is only progress."""
    bare = Comparison(
        metric=target.metric,
        kind=definition.kind,
        direction=definition.direction,
        unit=unit or definition.unit,
        role=target.role,
        aggregate=target.aggregate,
        slice=slice_label,
        control=control,
        treatment=treatment,
        status=State.NOT_YET,
        method=None,
        interval=1 - (reading.alpha if reading else 0.05),
        sequential=bool(reading and reading.sequential),
        n_units=0,
        n_clusters=0,
        n_missing=n_missing or {},
        better="unclear",
        margin=target.margin,
        margin_relative=target.margin_relative,
        swap_goal=target.swap_goal,
    )
    if isinstance(outcome, NotEstimable):
        return _without_range(replace(bare, status=outcome.state, warnings=(outcome.message,)), outcome)
    return with_judgement(
        replace(
            bare,
            status=State.OK,
            method=outcome.method,
            estimate=outcome.estimate,
            lower=outcome.lower,
            upper=outcome.upper,
            p_value=outcome.p_value,
            adjusted_p_value=outcome.p_value,
            standard_error=outcome.standard_error,
            relative=outcome.relative,
            control_mean=outcome.control,
            treatment_mean=outcome.treatment,
            n_units=outcome.n_units,
            n_clusters=outcome.n_clusters,
            details=outcome.details,
            warnings=outcome.warnings,
            without_largest=_named_largest(outcome, control, treatment),
        )
    )


def _without_range(comparison: Comparison, outcome: NotEstimable) -> Comparison:
    """The comparison with the two values and their difference, where those are known without a range."""
    if outcome.control is None or outcome.treatment is None:
        return comparison
    difference = outcome.treatment - outcome.control
    return replace(comparison, control_mean=outcome.control, treatment_mean=outcome.treatment, estimate=difference)


def _named_largest(outcome: Estimate, control: str, treatment: str) -> WithoutLargest | None:
    found = outcome.without_largest
    return found and replace(found, variant={"control": control, "treatment": treatment}[found.variant])


def with_judgement(comparison: Comparison) -> Comparison:
    """The comparison with ``better`` and the state of its margin read from its interval."""
    gain = comparison.gain()
    if gain is None:
        return comparison
    better = "treatment" if gain.lower > 0 else "control" if gain.upper < 0 else "unclear"
    comparison = replace(comparison, better=better)
    if comparison.margin is None:
        return comparison
    against = comparison.gain(relative=comparison.margin_relative)
    if against is None:
        warning = "the control is too close to 0 for a margin in per cent"
        return replace(comparison, margin_state="unclear", warnings=(*comparison.warnings, warning))
    return replace(
        comparison,
        margin_state=margin_state(against, comparison.margin),
        margin_p_value=_margin_p(comparison, against),
    )


def _margin_p(comparison: Comparison, gain: Interval) -> float | None:
    """One-sided p-value that ``gain`` is above −margin, from the interval shown: small exactly where that says "held".

    The distance to the lower limit stands for the error, whatever method made the interval (for t limits it is the
    standard error). None for watched results and for intervals without width.
    """
    reach = gain.estimate - gain.lower
    if comparison.margin is None or comparison.sequential or reach <= 0:
        return None
    df = max(1, comparison.n_clusters - 1)
    error = reach / float(stats.t.isf((1 - comparison.interval) / 2, df))
    return non_inferiority(gain.estimate, error, df, margin=comparison.margin)


def missing_of(
    values: MetricValues, table: UnitTable, names: Sequence[str], mask: Flags, *, paired: bool
) -> dict[str, int]:
    """Units without a usable value, per variant: of all units either variant has when paired, else of its own."""
    codes = [table.code(name) for name in names]
    present = values.present[codes]
    seen = present.any(axis=0) if paired else None
    missing = {}
    for name, code in zip(names, codes, strict=True):
        expected = values.present[code] if seen is None else seen
        missing[name] = int((mask & expected & ~np.isfinite(values.value[code])).sum())
    return missing


def shown_unit(values: MetricValues, design: Design) -> str:
    """The unit to show: points only where the values are shares."""
    definition = values.definition
    if definition.kind is MetricKind.PREFERENCE:
        return "points"
    if definition.kind is MetricKind.ORDINAL and design is Design.INDEPENDENT:
        return "points"
    shares = not len(values.rows.value) or float(np.abs(values.rows.value).max()) <= 1
    return definition.unit if definition.unit != "points" or shares or definition.kind is MetricKind.RATIO else "score"


def with_false_discovery(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Adjusted by Benjamini–Hochberg as one family; ``better`` only where it is worth a look at 10 %."""
    tested = [c for c in comparisons if c.p_value is not None]
    adjusted = iter(benjamini_hochberg([c.p_value for c in tested if c.p_value is not None]))
    found = []
    for comparison in comparisons:
        if comparison.p_value is None or comparison.estimate is None:
            found.append(comparison)
            continue
        p_value = next(adjusted)
        gain = comparison.estimate if comparison.direction is Direction.HIGHER else -comparison.estimate
        better = "unclear" if p_value > WORTH_A_LOOK else "treatment" if gain > 0 else "control"
        found.append(replace(comparison, adjusted_p_value=p_value, better=better))
    return found
