"""Shares of yes and no: one variant's rate, and two variants that met different units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats


@dataclass(frozen=True, slots=True)
class ProportionLimits:
    """Lower and upper limit of a rate or of a difference of rates."""

    lower: float
    upper: float


def wilson(successes: float, n: float, *, alpha: float = 0.05) -> ProportionLimits:
    """Score interval of one rate; never leaves [0, 1], never collapses at 0 or n successes. Needs n ≥ 1.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22; as method 3 of Newcombe (1998), Stat. Med. 17, 857–872.
    """
    z = float(stats.norm.ppf(1 - alpha / 2))
    rate = successes / n
    centre = 2 * n * rate + z * z
    spread = z * (z * z + 4 * n * rate * (1 - rate)) ** 0.5
    bottom = 2 * (n + z * z)
    lower = 0.0 if successes == 0 else (centre - spread) / bottom
    upper = 1.0 if successes == n else (centre + spread) / bottom
    return ProportionLimits(lower, upper)


def clopper_pearson(successes: int, n: int, *, alpha: float = 0.05) -> ProportionLimits:
    """Exact interval of one rate, from binomial tails. Needs n ≥ 1.

    Source: Clopper & Pearson (1934), Biometrika 26.
    """
    lower = 0.0 if successes == 0 else float(stats.beta.ppf(alpha / 2, successes, n - successes + 1))
    upper = 1.0 if successes == n else float(stats.beta.ppf(1 - alpha / 2, successes + 1, n - successes))
    return ProportionLimits(lower, upper)


def at_most(failures: int, n: int, *, alpha: float = 0.05) -> float:
    """Highest failure rate that ``failures`` of ``n`` leave credible, one-sided and exact; about 3/n for none.

    Source: Clopper & Pearson (1934); the rule of three of Hanley & Lippman-Hand (1983), JAMA 249.
    """
    return 1.0 if failures == n else float(stats.beta.ppf(1 - alpha, failures + 1, n - failures))


def newcombe_independent(
    control: tuple[float, float], treatment: tuple[float, float], *, alpha: float = 0.05
) -> ProportionLimits:
    """Interval of treatment rate minus control rate from the two Wilson intervals; arguments (successes, n).

    Source: Newcombe (1998), Stat. Med. 17, 873–890, method 10 (hybrid score).
    """
    (x0, n0), (x1, n1) = control, treatment
    p0, p1 = x0 / n0, x1 / n1
    w0, w1 = wilson(x0, n0, alpha=alpha), wilson(x1, n1, alpha=alpha)
    down = float(np.hypot(p1 - w1.lower, w0.upper - p0))
    up = float(np.hypot(w1.upper - p1, p0 - w0.lower))
    return ProportionLimits(p1 - p0 - down, p1 - p0 + up)


def restricted_rates(
    control: tuple[float, float], treatment: tuple[float, float], difference: float
) -> tuple[float, float]:
    """Maximum-likelihood rates (control, treatment) under treatment − control = ``difference``.

    The cubic of Miettinen & Nurminen (1985), Stat. Med. 4, appendix I; closed form of Farrington & Manning
    (1990), Stat. Med. 9, appendix. The arccos argument is clipped: rounding carries it just past 1 at
    boundary tables.
    """
    (x0, n0), (x1, n1) = control, treatment
    n, successes = n0 + n1, x0 + x1
    cubic = n
    square = (n1 + 2 * n0) * difference - n - successes
    linear = (n0 * difference - n - 2 * x0) * difference + successes
    constant = x0 * difference * (1 - difference)
    q = square**3 / (3 * cubic) ** 3 - square * linear / (6 * cubic**2) + constant / (2 * cubic)
    p = max(0.0, square**2 / (3 * cubic) ** 2 - linear / (3 * cubic)) ** 0.5
    p = p if q > 0 else -p
    angle = 0.0 if p == 0 else float(np.clip(q / p**3, -1.0, 1.0))
    rate0 = 2 * p * np.cos((np.pi + np.arccos(angle)) / 3) - square / (3 * cubic)
    rate0 = float(np.clip(rate0, max(0.0, -difference), min(1.0, 1.0 - difference)))
    return rate0, float(np.clip(rate0 + difference, 0.0, 1.0))


def farrington_manning(
    control: tuple[float, float], treatment: tuple[float, float], difference: float, *, finite: bool = False
) -> float:
    """Score statistic of H0: treatment − control = ``difference``; positive when more was seen.

    With ``finite`` the variance carries N/(N − 1), which makes it the statistic of Miettinen & Nurminen.
    Where the restricted variance is 0 the statistic is 0 if the data agree with H0 exactly, else ± 1e9.

    Source: Farrington & Manning (1990), Stat. Med. 9, 1447–1454, eq. 2.
    """
    (x0, n0), (x1, n1) = control, treatment
    rate0, rate1 = restricted_rates(control, treatment, difference)
    variance = rate0 * (1 - rate0) / n0 + rate1 * (1 - rate1) / n1
    if finite:
        variance *= (n0 + n1) / (n0 + n1 - 1)
    distance = x1 / n1 - x0 / n0 - difference
    if variance <= 1e-18:
        return 0.0 if abs(distance) < 1e-9 else float(np.copysign(1e9, distance))
    return float(distance / variance**0.5)


def miettinen_nurminen(
    control: tuple[float, float], treatment: tuple[float, float], *, alpha: float = 0.05
) -> ProportionLimits:
    """Score interval of treatment rate minus control rate: all differences that the score test does not reject.

    Source: Miettinen & Nurminen (1985), Stat. Med. 4, 213–226, eq. 8 to 10; Newcombe's (1998) method 5.
    """
    z = float(stats.norm.ppf(1 - alpha / 2))
    estimate = treatment[0] / treatment[1] - control[0] / control[1]

    def excess(difference: float, limit: float) -> float:
        return farrington_manning(control, treatment, difference, finite=True) - limit

    edge = 1 - 1e-9
    lower = -1.0 if excess(-edge, z) <= 0 else optimize.brentq(excess, -edge, estimate, args=(z,), xtol=1e-10)
    upper = 1.0 if excess(edge, -z) >= 0 else optimize.brentq(excess, estimate, edge, args=(-z,), xtol=1e-10)
    return ProportionLimits(float(lower), float(upper))


def score_test(control: tuple[float, float], treatment: tuple[float, float]) -> float:
    """Two-sided p-value that two rates are equal: pooled z with variance factor N/(N − 1); 1 when nothing varies.

    Source: Campbell (2007), Stat. Med. 26, 3661–3675 (Pearson's "N − 1" chi-squared test).
    """
    return float(2 * stats.norm.sf(abs(farrington_manning(control, treatment, 0.0, finite=True))))


def boschloo(control: tuple[int, int], treatment: tuple[int, int]) -> float:
    """Two-sided unconditional exact p-value that two rates are equal, for small arms; 1 when nothing varies.

    Source: Boschloo (1970), Stat. Neerl. 24; scipy.stats.boschloo_exact.
    """
    (x0, n0), (x1, n1) = control, treatment
    if x0 + x1 in {0, n0 + n1}:
        return 1.0
    return min(1.0, float(stats.boschloo_exact([[x1, x0], [n1 - x1, n0 - x0]]).pvalue))
