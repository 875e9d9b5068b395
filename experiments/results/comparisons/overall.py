"""All comparisons of an analysis: overall with the error shared among challengers, between challengers, per slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from experiments.plans.plan import MetricDefinition
from experiments.results.comparisons.columns import Flags, Texts
from experiments.results.comparisons.compare import as_comparison, missing_of, shown_unit, with_false_discovery
from experiments.results.comparisons.families import NOT_YET, family_outcomes, outcome_for
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.stats.estimates import Comparison, NotEstimable, Outcome, State
from experiments.stats.sequential import Reading
from experiments.vocabulary import Design, MetricRole

FEWEST_ROWS_IN_SLICE = 20
MOST_SLICES = 30


def overall_comparisons(
    study: Study, targets: Sequence[Target], definitions: Mapping[str, MetricDefinition]
) -> list[Comparison]:
    """Every target against every challenger over all units, in the order of the plan."""
    found: list[Comparison] = []
    for target in targets:
        outcomes, adjusted = family_outcomes(study, target)
        for treatment in study.challengers:
            comparison = comparison_of(study, target, treatment, outcomes[treatment], definitions)
            if target.deciding and treatment in adjusted:
                comparison = replace(comparison, adjusted_p_value=adjusted[treatment])
            found.append(comparison)
    informative = [c for c in found if c.role is MetricRole.SECONDARY and not c.swap_goal]
    discovered = iter(with_false_discovery(informative))
    return [next(discovered) if c.role is MetricRole.SECONDARY and not c.swap_goal else c for c in found]


def comparison_of(
    study: Study,
    target: Target,
    treatment: str,
    outcome: Outcome,
    definitions: Mapping[str, MetricDefinition],
    *,
    mask: Flags | None = None,
    slice_label: str | None = None,
    control: str | None = None,
) -> Comparison:
    """One comparison with its counts of missing units."""
    values = study.table.metrics.get(target.metric)
    against = control or study.control
    known = [name for name in (against, treatment) if study.table.has(name)]
    missing = {}
    if values is not None and len(known) == 2:
        chosen = study.mask if mask is None else study.mask & mask
        paired = study.design is Design.PAIRED
        missing = missing_of(values, study.table, known, chosen, paired=paired)
    return as_comparison(
        outcome,
        target=target,
        definition=definitions[target.metric],
        control=against,
        treatment=treatment,
        reading=study.reading,
        slice_label=slice_label,
        n_missing=missing,
        unit=None if values is None else shown_unit(values, study.design),
    )


def slice_comparisons(
    study: Study, targets: Sequence[Target], definitions: Mapping[str, MetricDefinition]
) -> list[Comparison]:
    """Means of the primary metric and the guardrails in every slice, as one family per metric (worth a look, no more).

    Slices under 20 units are named, not computed; of a column with many values the 30 largest are taken.
    """
    found: list[Comparison] = []
    chosen = [t for t in targets if t.role is not MetricRole.SECONDARY and t.aggregate == "mean"]
    slices = [part for column, texts in study.table.slices.items() for part in _parts(study, column, texts)]
    for target in chosen:
        family = [
            _in_slice(study, target, treatment, definitions, label=label, mask=mask)
            for label, mask in slices
            for treatment in study.challengers
        ]
        found += with_false_discovery(family)
    return found


def _parts(study: Study, column: str, texts: Texts) -> list[tuple[str, Flags]]:
    seen = texts[study.mask].astype(str)
    names, counts = np.unique(seen[seen != ""], return_counts=True)
    largest = sorted(zip(-counts, names, strict=True))[:MOST_SLICES]
    return [(f"{column}={name}", texts == name) for name in sorted(str(name) for _, name in largest)]


def _in_slice(
    study: Study,
    target: Target,
    treatment: str,
    definitions: Mapping[str, MetricDefinition],
    *,
    label: str,
    mask: Flags,
) -> Comparison:
    n_units = int((mask & study.mask).sum())
    outcome: Outcome
    if study.reading is None:
        outcome = NOT_YET
    elif n_units < FEWEST_ROWS_IN_SLICE:
        outcome = NotEstimable(State.TOO_FEW_UNITS, f"too few rows: {n_units}")
    else:
        reading = Reading(study.plan.alpha, study.reading.horizon)
        outcome = outcome_for(study, target, treatment, reading, mask=mask)
    return comparison_of(study, target, treatment, outcome, definitions, mask=mask, slice_label=label)


def between_challengers(study: Study, primary: Target, definitions: Mapping[str, MetricDefinition]) -> list[Comparison]:
    """The primary metric between every two challengers, unadjusted: only for choosing among several that may ship."""
    if study.reading is None or len(study.challengers) < 2:
        return []
    found = []
    for first, second in combinations(sorted(study.challengers), 2):
        outcome = outcome_for(study, primary, second, study.reading, control=first)
        found.append(comparison_of(study, primary, second, outcome, definitions, control=first))
    return found
