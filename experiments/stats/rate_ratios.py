"""Relative change of a rate, treatment / control − 1: limits of the same test as those of the difference.

At a ratio of 1 each of these tests is the one of a difference of 0, so both limits leave out "no change" together. None
of them collapses where a rate is 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from experiments.stats.estimates import Interval
from experiments.stats.paired import PairTable, corrected_phi
from experiments.stats.proportions import wilson

Floats = NDArray[np.float64]
Statistic = Callable[[np.float64], Floats]
Pair = tuple[ArrayLike, ArrayLike]
"""A number of the control and of the treatment, or arrays of them."""
LARGEST_RATIO = 1e9
"""No ratio beyond this is looked for; the least rate of a million users is a thousand times larger than its inverse."""


def independent_statistic(x0: ArrayLike, n0: ArrayLike, x1: ArrayLike, n1: ArrayLike, ratio: ArrayLike) -> Floats:
    """Score statistic of H0: treatment rate = ``ratio`` · control rate, with N/(N − 1); positive when more was seen.

    Source: Miettinen & Nurminen (1985), Stat. Med. 4, 213–226, eq. 12 and 13.
    """
    x0, n0, x1, n1 = (np.asarray(number, dtype=np.float64) for number in (x0, n0, x1, n1))
    ratio, size = np.asarray(ratio, dtype=np.float64), n0 + n1
    linear = n1 * ratio + x1 + n0 + x0 * ratio
    root = np.sqrt(np.maximum(0.0, linear**2 - 4 * size * ratio * (x0 + x1)))
    control = np.clip(2 * (x0 + x1) / (linear + root), 0.0, 1.0)
    treatment = np.clip(ratio * control, 0.0, 1.0)
    variance = treatment * (1 - treatment) / n1 + ratio**2 * control * (1 - control) / n0
    return _standardised(x1 / n1 - ratio * x0 / n0, variance * size / (size - 1))


def paired_statistic(
    both: ArrayLike, fixed: ArrayLike, broken: ArrayLike, neither: ArrayLike, ratio: ArrayLike
) -> Floats:
    """Score statistic of H0: treatment rate = ``ratio`` · control rate on the same rows; McNemar's at a ratio of 1.

    Source: Tang, Tang & Chan (2003), Stat. Med. 22, 1217–1233, eq. 5, as restated by Fagerland, Lydersen & Laake
    (2014), Stat. Med. 33, 2850–2875.
    """
    both, fixed, broken, neither = (np.asarray(number, dtype=np.float64) for number in (both, fixed, broken, neither))
    ratio, n = np.asarray(ratio, dtype=np.float64), both + fixed + broken + neither
    seen = both + fixed + broken
    square = n * (1 + ratio)
    linear = (both + broken) * ratio**2 - (both + fixed + 2 * broken)
    constant = broken * (1 - ratio) * seen / n
    root = np.sqrt(np.maximum(0.0, linear**2 - 4 * square * constant))
    # two forms of the same root: the one without a difference of nearly equal numbers
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(linear > 0, -2 * constant / (linear + root), (root - linear) / (2 * square))
    variance = n * ((1 + ratio) * share + seen * (ratio - 1) / n)
    return _standardised(both + fixed - (both + broken) * ratio, variance)


def _standardised(distance: Floats, variance: Floats) -> Floats:
    flat = variance <= 1e-18
    found: Floats = np.where(
        flat,
        np.where(np.abs(distance) < 1e-12, 0.0, np.copysign(1e9, distance)),
        distance / np.sqrt(np.where(flat, 1.0, variance)),
    )
    return found


def score_limits(statistic: Statistic, *, alpha: float) -> tuple[float, float]:
    """The smallest and the largest ratio that the test does not reject; the statistic falls with the ratio.

    A lower limit of 0 and an upper one of ``LARGEST_RATIO`` stand for none.

    Source: as the statistic; the roots by Brent (1973), Algorithms for Minimization without Derivatives, chapter 4.
    """
    z = float(special.ndtri(1 - alpha / 2))
    return _crossing(statistic, z), _crossing(statistic, -z)


def _crossing(statistic: Statistic, level: float) -> float:
    """Where the statistic falls through the level: beyond 1 exactly when it is above the level there."""
    reach = math.log(LARGEST_RATIO)

    def excess(log_ratio: float) -> float:
        return float(statistic(np.float64(math.exp(log_ratio)))) - level

    low, high = (0.0, reach) if excess(0.0) > 0 else (-reach, 0.0)
    if excess(low) <= 0:
        return 0.0 if low < 0 else 1.0
    if excess(high) >= 0:
        return LARGEST_RATIO if high > 0 else 1.0
    return math.exp(optimize.brentq(excess, low, high, xtol=1e-12))


def mover_limits(rates: Pair, lower: Pair, upper: Pair, phi: ArrayLike) -> tuple[Floats, Floats]:
    """Limits of treatment rate / control rate from those of each rate and their correlation phi.

    All ratios r for which the square-and-add interval of treatment − r · control holds 0; at r = 1 it is Newcombe's.
    An upper limit of ``LARGEST_RATIO`` stands for none.

    Source: Donner & Zou (2012), Stat. Methods Med. Res. 21, 347–359 (MOVER-R), with the correlation of Tang, Li & Tang
    (2010), Stat. Med. 29, 2835–2846.
    """
    (p0, p1), (l0, l1), (u0, u1) = (
        (np.asarray(c, dtype=np.float64), np.asarray(t, dtype=np.float64)) for c, t in (rates, lower, upper)
    )
    phi = np.asarray(phi, dtype=np.float64)
    down = _mover_root(p0, p1, u0 - p0, p1 - l1, phi, sign=-1)
    up = _mover_root(p0, p1, p0 - l0, u1 - p1, phi, sign=1)
    return np.maximum(0.0, down), np.where(np.isfinite(up) & (up < LARGEST_RATIO), up, LARGEST_RATIO)


def _mover_root(p0: Floats, p1: Floats, reach0: Floats, reach1: Floats, phi: Floats, *, sign: int) -> Floats:
    """The ratio r with (p1 − r p0)² = reach1² − 2 phi r reach0 reach1 + r² reach0²: the smaller root, or the larger."""
    square = p0**2 - reach0**2
    half = p0 * p1 - phi * reach0 * reach1
    constant = p1**2 - reach1**2
    root = np.sqrt(np.maximum(0.0, half**2 - square * constant))
    with np.errstate(divide="ignore", invalid="ignore"):
        # square may be 0 or below 0 where the control's interval is as wide as its rate: then one root only is left
        found: Floats = np.where(square > 0, (half + root) / square, np.inf) if sign > 0 else constant / (half + root)
    return np.nan_to_num(found, nan=0.0 if sign < 0 else np.inf, posinf=np.inf)


def independent_lift(
    control: tuple[int, int], treatment: tuple[int, int], *, score: bool, alpha: float
) -> Interval | None:
    """The relative change of (successes, n) with its limits; None where the control's rate is 0 or has no upper limit.

    ``score``: those of Miettinen & Nurminen's test, else those of the two Wilson intervals, as the difference has them.

    Source: as ``independent_statistic`` and ``mover_limits``.
    """
    (x0, n0), (x1, n1) = control, treatment
    if x0 == 0:
        return None
    if score:
        limits = score_limits(lambda r: independent_statistic(x0, n0, x1, n1, r), alpha=alpha)
    else:
        limits = _mover(control, treatment, 0.0, alpha=alpha)
    return _lift((x1 / n1) / (x0 / n0), limits)


def paired_rate_lift(table: PairTable, *, score: bool, alpha: float) -> Interval | None:
    """The same on the same rows: Tang, Tang & Chan's test with ``score``, else Wilson limits and their correlation.

    Source: as ``paired_statistic`` and ``mover_limits``.
    """
    x0, x1, n = table.both + table.broken, table.both + table.fixed, table.n
    if x0 == 0:
        return None
    if score:
        cells = (table.both, table.fixed, table.broken, table.neither)
        limits = score_limits(lambda r: paired_statistic(*cells, r), alpha=alpha)
    else:
        limits = _mover((x0, n), (x1, n), corrected_phi(table, x1, x0), alpha=alpha)
    return _lift(x1 / x0, limits)


def _mover(control: tuple[int, int], treatment: tuple[int, int], phi: float, *, alpha: float) -> tuple[float, float]:
    (x0, n0), (x1, n1) = control, treatment
    w0, w1 = wilson(x0, n0, alpha=alpha), wilson(x1, n1, alpha=alpha)
    rates, lower, upper = (x0 / n0, x1 / n1), (w0.lower, w1.lower), (w0.upper, w1.upper)
    low, high = mover_limits(rates, lower, upper, phi)
    return float(low), float(high)


def _lift(ratio: float, limits: tuple[float, float]) -> Interval | None:
    lower, upper = limits
    return None if upper >= LARGEST_RATIO else Interval(ratio - 1, min(lower, ratio) - 1, max(upper, ratio) - 1)
