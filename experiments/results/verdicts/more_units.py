"""How many more units would settle an open question, from what is known of the spread so far."""

from __future__ import annotations

import math

from scipy import stats

from experiments.plans.plan import Plan
from experiments.stats.estimates import Comparison, Interval

WATCHED_FACTOR = 2.4
"""Units that an always-valid reading needs for the power of a single one."""
MOST = 10_000_000
"""Beyond so many more units no number is given: nobody will run them, and the figure would be a guess."""


def more_units(plan: Plan, comparison: Comparison, gain: Interval, *, effect: float) -> int | None:
    """Units beyond those there are, so that a gain of ``max(|estimate|, effect)`` would be shown with the plan's power.

    n ((z_a + z_b) SE / max(|est|, D))² − n, times 2.4 on the whole when watched, and never less than what brings the
    interval off 0 or off D at the present estimate. None without a standard error.

    Source: Chow, Shao & Wang (2008), Sample Size Calculations, eq. 3.2.3, with the SE seen so far.
    """
    n, half = comparison.n_units, (gain.upper - gain.lower) / 2
    if n == 0 or half <= 0:
        return None
    multiplier = float(stats.norm.ppf(1 - plan.alpha / 2))
    error = half / multiplier
    factor = 1.0
    if comparison.sequential:
        # The watched interval is wider than 1.96 errors; the factor stands for that.
        error = error_of(comparison, gain) or error
        factor = WATCHED_FACTOR
    power = float(stats.norm.ppf(plan.power))
    by_power = factor * n * _squared((multiplier + power) * error / max(abs(gain.estimate), effect))
    distance = max(gain.estimate, effect - gain.estimate)
    by_width = n * _squared(half / distance) if distance > 0 else 0.0
    more = math.ceil(max(by_power, by_width) - n)
    return None if more > MOST else max(0, more)


def more_for_margin(plan: Plan, comparison: Comparison, gain: Interval, *, margin: float) -> int | None:
    """Units beyond those there are, so that a gain as estimated is shown to lie above −margin; None if it does not.

    Source: as ``more_units``, with the distance to the margin in place of the effect.
    """
    distance, half, n = gain.estimate + margin, (gain.upper - gain.lower) / 2, comparison.n_units
    if distance <= 0 or half <= 0 or n == 0:
        return None
    multiplier = float(stats.norm.ppf(1 - plan.alpha / 2))
    reach = multiplier + float(stats.norm.ppf(plan.power))
    more = math.ceil(n * _squared(half * reach / multiplier / distance) - n)
    return None if more > MOST else max(1, more)


def _squared(errors: float) -> float:
    """The square of a distance in errors, bounded: a difference may be next to nothing."""
    return min(errors, 1e6) ** 2


def error_of(comparison: Comparison, gain: Interval) -> float | None:
    """The standard error in the units of ``gain`` (a share of the control where that is relative), None without one."""
    if not comparison.standard_error or comparison.estimate is None or comparison.lower is None:
        return None
    width = (comparison.upper or 0.0) - comparison.lower
    return comparison.standard_error * (gain.upper - gain.lower) / width if width > 0 else None
