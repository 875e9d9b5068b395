"""Whether the units that the plan still brings can change anything."""

from __future__ import annotations

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.results.peeking import WATCHED_SHARE
from experiments.results.verdicts.more_units import error_of
from experiments.stats.conditional_power import conditional_power
from experiments.stats.estimates import Comparison, Interval
from experiments.stats.sequential import Reading

LEAST_CHANCE = 0.1
"""Below this chance of a clear gain at the planned size, going on is called futile."""


def is_futile(plan: Plan, analysis: Analysis, comparison: Comparison, gain: Interval) -> bool:
    """Whether a watched result has next to no chance left to show a gain by its planned size.

    The units to come are granted the larger of the gain seen so far and the smallest effect worth having: a challenger
    is given up only when even that would not be enough. A larger planned size overrules it.
    """
    if not analysis.sequential or analysis.complete or not analysis.target or analysis.n_seen < analysis.minimum_units:
        return False
    error = error_of(comparison, gain)
    if not error:
        return False
    once = Reading(plan.alpha * (1 - WATCHED_SHARE))
    at_end = once if plan.stopping == "hybrid" else Reading(plan.alpha, analysis.target)
    chance = conditional_power(
        gain.estimate,
        error,
        growth=analysis.target / analysis.n_seen,
        effect=max(gain.estimate, plan.primary.smallest_effect),
        boundary=at_end.multiplier(n_units=max(2, analysis.target), df=max(1, analysis.target - 1)),
    )
    return chance < LEAST_CHANCE
