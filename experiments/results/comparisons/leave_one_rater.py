"""What would the result be without one rater? Each of them is left out once, those with most votes first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from experiments.results.comparisons.compare import outcome_of
from experiments.results.comparisons.question import Question, Study
from experiments.results.comparisons.rated import differences_by_rater, votes_between
from experiments.results.comparisons.rater_sums import NOBODY, means_without
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import values_at
from experiments.stats.clustered import Codes, Floats
from experiments.stats.estimates import Estimate, Interval, Outcome
from experiments.vocabulary import Design, MetricKind

MOST_RATERS = 20
"""So many raters with most votes are left out in turn; one of a larger crowd carries little by itself."""
FEWEST_ITEMS = 5
MANY_ITEMS = 20
APART = 0.01
"""A rater differs from the others when the p-value, times the number of raters, is below this."""


@dataclass(frozen=True, slots=True)
class RaterLeftOut:
    """The result without one rater; ``interval`` is None where there is none.

    ``turns`` is whether the call changes: better, worse, or neither shown; ``apart`` whether it does and this rater's
    effect differs from that of all others. ``share`` is the rater's share of votes.
    """

    rater: str
    share: float
    interval: Interval | None
    turns: bool
    apart: bool


@dataclass(frozen=True, slots=True)
class RatedQuestion:
    """One challenger against the control: the result with all raters, and without each."""

    question: Question
    outcome: Outcome
    left_out: tuple[RaterLeftOut, ...]


def rated_questions(study: Study, target: Target) -> list[RatedQuestion]:
    """Every challenger's question of one target with each rater left out once; empty while only progress is shown.

    Empty too where the metric was not rated by people.
    """
    values = study.table.metrics.get(target.metric)
    if study.reading is None or values is None or not values.rated or not study.table.has(study.control):
        return []
    found = []
    for treatment in study.challengers:
        question = study.question(target, treatment, reading=study.reading)
        if question is not None and study.table.has(treatment):
            outcome = outcome_of(question, study.design)
            found.append(RatedQuestion(question, outcome, leave_one_rater_out(question, study.design, outcome)))
    return found


def leave_one_rater_out(question: Question, design: Design, outcome: Outcome) -> tuple[RaterLeftOut, ...]:
    """The question answered again without each rater in turn, in the order of their names; ``outcome`` is with all.

    Empty where nobody rated, with one rater only, and where there is no result with all. Of more than 20 raters the 20
    with most votes are left out in turn. Limits keep the distance in standard errors that they have with all, from 20
    items on; with fewer items and for different users the whole question is answered again.
    """
    rows = question.values.rows
    voted = np.isin(rows.variant, question.codes) & (rows.rater >= 0) & question.mask[rows.unit]
    names = question.table.rater_names
    codes, counts = np.unique(rows.rater[voted], return_counts=True)
    if len(codes) < 2 or not isinstance(outcome, Estimate):
        return ()
    most = np.lexsort((np.array([names[code] for code in codes]), -counts))[:MOST_RATERS]
    left_out = np.array([codes[place] for place in most])
    found = []
    for place, interval in zip(most, _without_each(question, design, outcome, left_out), strict=True):
        turns = _call(interval) != _call(interval_of(outcome))
        code = int(codes[place])
        found.append(
            RaterLeftOut(
                rater=names[code],
                share=float(counts[place] / counts.sum()),
                interval=interval,
                turns=turns,
                apart=turns and _apart(question, design, code) * len(codes) < APART,
            )
        )
    return tuple(sorted(found, key=lambda one: one.rater))


def _without_each(question: Question, design: Design, outcome: Estimate, codes: Codes) -> list[Interval | None]:
    paired = design is Design.PAIRED or question.kind is MetricKind.PREFERENCE
    if not paired or question.aggregate != "mean":
        return [_again(question, design, int(code)) for code in codes]
    [with_all, *without] = means_without(question, np.array([NOBODY, *codes]))
    if with_all is None or with_all[1] <= 0:
        return [_again(question, design, int(code)) for code in codes]
    found = []
    for code, one in zip(codes, without, strict=True):
        if one is None or one[2] < MANY_ITEMS:
            found.append(_again(question, design, int(code)))
            continue
        estimate, error = outcome.estimate + one[0] - with_all[0], (one[1] / with_all[1]) ** 0.5
        down, up = outcome.estimate - outcome.lower, outcome.upper - outcome.estimate
        found.append(Interval(estimate, estimate - error * down, estimate + error * up))
    return found


def _again(question: Question, design: Design, code: int) -> Interval | None:
    values = values_at(question.values, question.values.rows.rater != code)
    return interval_of(outcome_of(replace(question, values=values), design))


def interval_of(outcome: Outcome) -> Interval | None:
    """The difference with its limits; None where it cannot be estimated."""
    return Interval(outcome.estimate, outcome.lower, outcome.upper) if isinstance(outcome, Estimate) else None


def _call(interval: Interval | None) -> int:
    """1 where the treatment is shown to have more, −1 less, 0 where neither is shown."""
    return 0 if interval is None else int(interval.lower > 0) - int(interval.upper < 0)


def _apart(question: Question, design: Design, code: int) -> float:
    """Two-sided p-value that a rater's effect is that of the others: on shared items, else of two independent means.

    It is 1 where one of them has fewer than five items.
    """
    if question.kind is MetricKind.PREFERENCE:
        items, raters, values = votes_between(question)
    elif design is Design.PAIRED:
        items, raters, values = differences_by_rater(question)
    else:
        return _apart_of_arms(question, code)
    own = raters == code
    (own_items, own_means), (items_of_others, means_of_others) = (_by_item(items[m], values[m]) for m in (own, ~own))
    _, at_own, at_others = np.intersect1d(own_items, items_of_others, assume_unique=True, return_indices=True)
    if len(at_own) >= FEWEST_ITEMS:
        return _p_value(own_means[at_own] - means_of_others[at_others])
    return _p_value(own_means, means_of_others)


def _apart_of_arms(question: Question, code: int) -> float:
    rows, (a, b) = question.values.rows, question.codes
    used = question.mask[rows.unit] & (rows.rater >= 0)
    gap, variance = 0.0, 0.0
    for own, sign in ((True, 1.0), (False, -1.0)):
        for variant, side in ((b, 1.0), (a, -1.0)):
            held = rows.value[used & (rows.variant == variant) & ((rows.rater == code) == own)]
            if len(held) < FEWEST_ITEMS:
                return 1.0
            gap += sign * side * float(held.mean())
            variance += float(held.var(ddof=1)) / len(held)
    return _normal(gap, variance)


def _by_item(items: Codes, values: Floats) -> tuple[Codes, Floats]:
    names, place = np.unique(items, return_inverse=True)
    means: Floats = np.bincount(place, weights=values) / np.maximum(np.bincount(place), 1)
    return names, means


def _p_value(*samples: Floats) -> float:
    """Of a mean against 0, or of two independent means against each other."""
    if min(len(sample) for sample in samples) < FEWEST_ITEMS:
        return 1.0
    means = [float(sample.mean()) for sample in samples]
    gap = means[0] - (means[1] if len(means) > 1 else 0.0)
    return _normal(gap, sum(float(sample.var(ddof=1)) / len(sample) for sample in samples))


def _normal(gap: float, variance: float) -> float:
    if variance <= 0:
        return 0.0 if gap else 1.0
    return float(2 * special.ndtr(-abs(gap) / variance**0.5))
