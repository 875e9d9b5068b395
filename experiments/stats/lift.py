"""Relative change of a mean, treatment / control − 1, with limits of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.stats.estimates import Interval, NotEstimable, State

CLEAR_OF_ZERO = 3.0
"""Standard errors that the control's mean must lie above 0 before a lift is shown."""
TOO_CLOSE = "the control's value is too close to 0 for a relative change"


@dataclass(frozen=True, slots=True)
class MeanPair:
    """Two means with the variances of those means and their covariance (0 for independent arms)."""

    control: float
    treatment: float
    control_variance: float
    treatment_variance: float
    covariance: float = 0.0


def fieller(means: MeanPair, *, multiplier: float) -> Interval | NotEstimable:
    """The lift and the set of lifts that the same data do not reject at ``multiplier`` standard errors.

    It excludes 0 exactly when the interval of the difference does. A control mean that is not at least three
    standard errors above 0, or whose own interval reaches 0, has no bounded lift.

    Source: Fieller (1954), J. R. Stat. Soc. B 16, 175–185; as restated by Franz (2007), arXiv 0710.2024, eq.
    9.
    """
    near = _near_zero(means, max(CLEAR_OF_ZERO, multiplier))
    if near is not None:
        return near
    a, b = means.control, means.treatment
    square = multiplier**2
    quadratic = a * a - square * means.control_variance
    if quadratic <= 0:
        return NotEstimable(State.CONTROL_NEAR_ZERO, TOO_CLOSE)
    linear = a * b - square * means.covariance
    constant = b * b - square * means.treatment_variance
    root = math.sqrt(max(0.0, linear**2 - quadratic * constant))
    return Interval(b / a - 1, (linear - root) / quadratic - 1, (linear + root) / quadratic - 1)


def _near_zero(means: MeanPair, errors: float) -> NotEstimable | None:
    if means.control <= 0 or means.control <= errors * math.sqrt(means.control_variance):
        return NotEstimable(State.CONTROL_NEAR_ZERO, TOO_CLOSE)
    return None
