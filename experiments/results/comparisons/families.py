"""Several challengers against one control: the error of a deciding metric is shared among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.results.comparisons.arm_units import arm_units
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.compare import outcome_of
from experiments.results.comparisons.independent import sums_of
from experiments.results.comparisons.paired import value_pairs
from experiments.results.comparisons.question import Question, Study
from experiments.results.comparisons.rated import item_votes
from experiments.results.comparisons.targets import Target
from experiments.stats.clustered import Floats, cluster_sums
from experiments.stats.estimates import Estimate, NotEstimable, Outcome, State
from experiments.stats.multiplicity import Family, dunnett, holm, min_p
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import Design, MetricKind
from experiments.wording import metric_name

NOT_YET = NotEstimable(State.NOT_YET, "the plan reads the result once, when all units are in")


def family_outcomes(study: Study, target: Target) -> tuple[dict[str, Outcome], dict[str, float]]:
    """Outcome per challenger, and adjusted p-values where the target decides and there are several challengers.

    The intervals of a deciding target hold simultaneously and agree with the adjusted p-values.
    """
    if study.reading is None:
        known = target.metric in study.table.metrics
        return dict.fromkeys(study.challengers, NOT_YET if known else _no_rows(target)), {}
    first = {name: outcome_for(study, target, name, study.reading) for name in study.challengers}
    tested = {name: outcome for name, outcome in first.items() if isinstance(outcome, Estimate)}
    if not target.deciding or len(study.challengers) == 1 or not tested:
        return first, {}
    family = _family(study, study.reading, target, tested)
    reading = study.reading.at(family.alpha_each)
    again = {
        name: outcome_for(study, target, name, reading) if name in tested else outcome
        for name, outcome in first.items()
    }
    return again, dict(zip(tested, family.adjusted, strict=True))


def outcome_for(
    study: Study,
    target: Target,
    treatment: str,
    reading: Reading,
    *,
    mask: Flags | None = None,
    control: str | None = None,
) -> Outcome:
    """The outcome of one target and challenger, with names for what is missing in the table."""
    against = control or study.control
    if target.metric not in study.table.metrics:
        return _no_rows(target)
    if not study.table.has(against):
        return NotEstimable(State.NO_CONTROL, f"{against} has no rows")
    question = None
    if study.table.has(treatment):
        question = study.question(target, treatment, reading=reading, mask=mask, control=against)
    if question is None:
        return NotEstimable(State.NO_DATA, f"{treatment} has no rows of {metric_name(target.metric)}")
    return outcome_of(question, study.design)


def _no_rows(target: Target) -> NotEstimable:
    return NotEstimable(State.NO_DATA, f"there are no rows of {metric_name(target.metric)}")


def _family(study: Study, reading: Reading, target: Target, tested: Mapping[str, Estimate]) -> Family:
    """Max-T for challengers on the same rows, Dunnett for independent ones, Holm where neither applies."""
    p_values = [outcome.p_value for outcome in tested.values()]
    missing = len(study.challengers) - len(p_values)
    plain = Family(holm(p_values + [1.0] * missing)[: len(p_values)], reading.alpha / len(study.challengers))
    kind = study.table.metrics[target.metric].definition.kind
    if reading.sequential or target.aggregate != "mean" or missing:
        return plain
    if kind is MetricKind.PREFERENCE or (study.design is Design.PAIRED and kind is not MetricKind.RATIO):
        sums = _joint_sums(study, reading, target, list(tested))
        return min_p(sums, p_values, alpha=reading.alpha, seed=study.seed)
    if study.design is Design.PAIRED or kind is MetricKind.ORDINAL:
        return plain
    questions = [_question(study, target, name, reading) for name in tested]
    codes = [questions[0].codes[0], *(question.codes[1] for question in questions)]
    by_code = sums_of(arm_units(questions[0]))
    sums_of_arms = [by_code[code] for code in codes]
    return dunnett_of_sums(sums_of_arms, p_values, alpha=reading.alpha)


def dunnett_of_sums(arms: Sequence[UnitSums], p_values: Sequence[float], *, alpha: float) -> Family:
    """Dunnett's family for arms given as sums, the control's first."""
    errors = [arm.ratio_variance**0.5 for arm in arms]
    df = float(sum(arm.units for arm in arms) - len(arms))
    if errors[0] == 0:
        return Family(holm(p_values), alpha / len(p_values))
    return dunnett((errors[0], errors[1:]), p_values, df=df, alpha=alpha)


def _joint_sums(study: Study, reading: Reading, target: Target, names: Sequence[str]) -> Floats:
    """Summed differences to the control (clusters × challengers), in an order that depends on the values alone."""
    n_units = study.table.n_units
    clusters = study.table.clusters if study.table.clusters is not None else np.arange(n_units, dtype=np.intp)
    columns = [cluster_sums(_differences(_question(study, target, name, reading)), clusters).sums for name in names]
    sums = np.column_stack(columns)
    by_content = np.lexsort(((sums**2).sum(axis=0), sums.sum(axis=0)))
    ordered: Floats = sums[np.lexsort(sums.T[by_content])]
    return ordered


def _question(study: Study, target: Target, name: str, reading: Reading) -> Question:
    question = study.question(target, name, reading=reading)
    if question is None:
        raise ValueError(f"{target.metric} has no rows")
    return question


def _differences(question: Question) -> Floats:
    """Difference of every unit of the table, 0 where the pair is not complete."""
    differences = np.zeros(question.table.n_units)
    if question.kind is MetricKind.PREFERENCE:
        items, shares, _ = item_votes(question)
        differences[items] = shares - 0.5
        return differences
    a, b = question.codes
    units = value_pairs(question).units
    differences[units] = question.values.value[b, units] - question.values.value[a, units]
    return differences
