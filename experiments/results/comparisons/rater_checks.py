"""What threatens the mean of ratings: raters who saw one variant only, and one rater against all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from experiments.results.comparisons.health import HealthCheck, failed, warned
from experiments.results.comparisons.leave_one_rater import RatedQuestion, RaterLeftOut, interval_of
from experiments.results.comparisons.question import Question
from experiments.results.comparisons.raters import RaterAgreement, agreement_check
from experiments.stats.estimates import Estimate, Interval, Outcome
from experiments.vocabulary import HealthStatus, MetricKind

UNEVEN = 0.2
"""The share of one variant's ratings that other raters would have to give for both variants to have the same raters."""
BY_CHANCE = 0.001


def raters_check(agreement: RaterAgreement, questions: Sequence[RatedQuestion]) -> HealthCheck:
    """Whether the mean of the deciding metric can be relied on; agreement alone never blocks it."""
    warnings = []
    for one in questions:
        for check in (balance_check(one.question), one_rater_check(one.question, one.outcome, one.left_out)):
            if check is not None and check.status is HealthStatus.FAIL:
                return check
            if check is not None:
                warnings.append(check)
    return warnings[0] if warnings else agreement_check(agreement)


def balance_check(question: Question) -> HealthCheck | None:
    """Whether both variants were rated by the same people, as far as chance goes; None where they were.

    It blocks when rater and variant are connected (chi-square, p < 0.001) and 20 % of one variant's ratings would have
    to come from other raters: a strict rater then counts against one variant.

    Source: Pearson (1900), Phil. Mag. 50; the dissimilarity index of Duncan & Duncan (1955), Am. Sociol. Rev. 20.
    """
    if question.kind is MetricKind.PREFERENCE:
        return None
    rows, (a, b) = question.values.rows, question.codes
    used = (rows.rater >= 0) & question.mask[rows.unit]
    size = len(question.table.rater_names)
    counts = np.array([np.bincount(rows.rater[used & (rows.variant == code)], minlength=size) for code in (a, b)])
    seen = counts.sum(axis=0) > 0
    counts = counts[:, seen]
    if counts.shape[1] < 2 or (counts.sum(axis=1) == 0).any():
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    apart = float(np.abs(shares[0] - shares[1]).sum()) / 2
    if apart < UNEVEN or stats.chi2_contingency(counts, correction=False).pvalue >= BY_CHANCE:
        return None
    worst = int(np.argmax(np.abs(shares[0] - shares[1])))
    name = [rater for rater, there in zip(question.table.rater_names, seen, strict=True) if there][worst]
    return failed(
        "raters",
        f"Raters and variants are mixed up: rater {name} gave {shares[0, worst]:.0%} of the ratings of "
        f"{question.control} and {shares[1, worst]:.0%} of those of {question.treatment}, so a strict or a mild rater "
        "looks like a difference. Have the same people rate both.",
    )


def one_rater_check(question: Question, outcome: Outcome, left_out: Sequence[RaterLeftOut]) -> HealthCheck | None:
    """Whether the result hangs on one rater; it blocks when that rater also differs from all others beyond chance."""
    turning = [one for one in left_out if one.turns]
    against = [one for one in turning if one.apart]
    if against:
        [first, *_] = sorted(against, key=lambda one: (-one.share, one.rater))
        return failed(
            "raters",
            f"One rater against the others: with rater {first.rater} {_said(question, interval_of(outcome))}, without "
            f"{_said(question, first.interval)}. Read what {first.rater} said, and ask more raters.",
        )
    if turning and isinstance(outcome, Estimate) and not outcome.lower <= 0 <= outcome.upper:
        names = ", ".join(one.rater for one in turning)
        return warned("raters", f"Without rater {names} alone the result would not be clear; more raters would help.")
    return None


def _said(question: Question, interval: Interval | None) -> str:
    if interval is not None and (interval.lower > 0 or interval.upper < 0):
        more = question.treatment if interval.lower > 0 else question.control
        return f"{more} has the higher value"
    return "no difference is shown"
