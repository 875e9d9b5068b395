"""Rows that all give the same difference: a range where the scale is known, else the two values without one."""

from __future__ import annotations

from experiments.results.comparisons.question import Question
from experiments.stats.clustered import cluster_sums
from experiments.stats.equal_values import EqualRange, Scale, equal_placements, equal_range, scale_of, unseen_share
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading
from experiments.stats.summaries import Grades
from experiments.vocabulary import MetricKind

MOST_CHANGE = 1e12
"""A relative change beyond it only says that the control is next to nothing."""


def equal_rows(question: Question, sample: PairedSample) -> Outcome:
    """The difference that every row gives, with the range that so many equal rows leave open on the metric's scale.

    Costs, times and scores beyond every usual scale have no end, so that nothing bounds what a further row may bring:
    their difference stands without a range.
    """
    control, treatment = float(sample.control.mean()), float(sample.treatment.mean())
    seen = (sample.control, sample.treatment)
    scale = scale_of(question.kind, min(float(v.min()) for v in seen), max(float(v.max()) for v in seen))
    if scale is None:
        return NotEstimable(State.NO_VARIATION, "every row gives the same difference", control, treatment)
    preference = question.kind is MetricKind.PREFERENCE
    width = scale.width / 2 if preference else scale.width
    n = cluster_sums(sample.differences, sample.clusters).effective_clusters
    difference = 0.0 if not sample.differences.any() else treatment - control
    found = equal_range(difference, (-width, width), n, reading=question.reading)
    share = unseen_share(n, reading=question.reading)
    relative = None if preference else _relative(difference, found, control=control, scale=scale, share=share)
    return _estimate(
        found, difference, values=(control, treatment), sample=sample, reading=question.reading, relative=relative
    )


def _estimate(
    found: EqualRange,
    difference: float,
    *,
    values: tuple[float, float],
    sample: PairedSample,
    reading: Reading,
    relative: Interval | None,
) -> Estimate:
    multiplier = reading.multiplier(n_units=sample.n_rows, df=max(1, sample.n_clusters - 1))
    return Estimate(
        estimate=difference,
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        standard_error=(found.upper - found.lower) / 2 / multiplier,
        control=values[0],
        treatment=values[1],
        method="equal_rows",
        alpha=reading.alpha,
        n_units=sample.n_rows,
        n_clusters=sample.n_clusters,
        relative=relative,
    )


def _relative(difference: float, found: EqualRange, *, control: float, scale: Scale, share: float) -> Interval | None:
    """The range as a share of the control, which may itself be as far off as the rows that differ allow."""
    low, high = control - share * (control - scale.low), control + share * (scale.high - control)
    if low <= 0 or max(abs(difference), abs(found.lower), abs(found.upper)) > MOST_CHANGE * low:
        return None
    lower = found.lower / (low if found.lower < 0 else high)
    upper = found.upper / (low if found.upper > 0 else high)
    return Interval(difference / control, lower, upper)


def equal_grades(control: Grades, treatment: Grades, *, reading: Reading) -> Outcome:
    """Grades of different users without any spread of placements: all the same, or the arms do not overlap."""
    n = sum(units for _, units in control), sum(units for _, units in treatment)
    arms = zip((control, treatment), n, strict=True)
    means = [sum(value * units for value, units in arm) / size for arm, size in arms]
    win = 0.5 if means[0] == means[1] else float(means[1] > means[0])
    found = equal_placements(win, n, reading=reading)
    multiplier = reading.multiplier(n_units=sum(n), df=sum(n) - 2)
    return Estimate(
        estimate=win - 0.5,
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        standard_error=(found.upper - found.lower) / 2 / multiplier,
        control=0.5,
        treatment=win,
        method="brunner_munzel_equal_grades",
        alpha=reading.alpha,
        n_units=sum(n),
        n_clusters=sum(n),
        details={"win_probability": win, "mean_difference": means[1] - means[0]},
    )
