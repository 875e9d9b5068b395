"""Means of bounded values that may be watched from the first value on: intervals and p-values exact at every size.

The idea: bet against "the mean is m". A stake on one side of m multiplies the capital by 1 + stake · (value − m): a
fair game if m is true, whatever the distribution. Capital beyond 1 / alpha therefore happens with probability alpha at
most, at any time (Ville 1939). Several fixed stakes are averaged: one of them suits the data, and the average does not
depend on the order of the values, so that counts of equal values are enough.

The stakes above m are shares of 1 / (1 + m): each factor is (1 − share) + share · (1 + value) / (1 + m), convex and
falling in m. With the mirrored stakes below, the capital is convex in m, so what is not refuted is one interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from experiments.stats.clustered import Floats

STAKES = 10
LARGEST_STAKE = 0.9
"""Of the stake that would lose everything with one value."""
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Bounded:
    """Limits of a mean that hold at all times together, and the p-value of "the mean is 0"."""

    lower: float
    upper: float
    p_value: float


def bounded_mean(values: Floats, *, bound: float, alpha: float, horizon: int) -> Bounded:
    """The mean of independent values between −``bound`` and ``bound``, watched; no value gives the whole range.

    ``horizon`` is the number of values at which the limits are to be sharpest; it is part of the plan.

    Raises:
        ValueError: a value beyond the bound.

    Source: Waudby-Smith & Ramdas (2024), J. R. Stat. Soc. B 86, 1–27, section 4 (betting; here a mixture of fixed
    stakes, as in the hedged capital process); Ville's inequality.
    """
    if len(values) and float(np.abs(values).max()) > bound * (1 + 1e-12):
        raise ValueError("a value lies beyond the bound")
    shares = np.geomspace(min(0.5, math.sqrt(-2 * math.log(alpha) / horizon)), LARGEST_STAKE, STAKES)
    distinct, repeats = np.unique(np.asarray(values, dtype=float) / bound, return_counts=True)
    counts = repeats.astype(float)
    most = -math.log(alpha)
    lower = _lower(distinct, counts, shares, most)
    upper = -_lower(-distinct[::-1], counts[::-1], shares, most)
    capital = _log_capital(0.0, distinct, counts, shares)
    return Bounded(lower * bound, upper * bound, math.exp(min(0.0, -capital)))


def _lower(distinct: Floats, counts: Floats, shares: Floats, most: float) -> float:
    """The smallest mean in [−1, 1] against which the capital stays below its limit (in logarithms)."""
    if not len(distinct):
        return -1.0
    low, high = -1.0, float(distinct @ counts / counts.sum())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        refuted = _log_capital(middle, distinct, counts, shares) >= most
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _log_capital(mean: float, distinct: Floats, counts: Floats, shares: Floats) -> float:
    """Logarithm of the average capital of all stakes, half of them on values above the mean and half below."""
    tiny = 1e-12
    stakes = np.concatenate([shares / max(1 + mean, tiny), -shares / max(1 - mean, tiny)])
    return float(special.logsumexp(counts @ np.log1p(np.outer(distinct - mean, stakes)))) - math.log(2 * STAKES)
