"""Yes or no on the same rows: the 2 × 2 table of pairs, its tests and intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from experiments.stats.clustered import Floats
from experiments.stats.proportions import ProportionLimits, wilson

MID_P_BELOW = 1000
"""From this many discordant pairs on, the asymptotic test gives the same answer."""


@dataclass(frozen=True, slots=True)
class PairTable:
    """Rows by outcome: ``both`` right, ``fixed`` by the treatment, ``broken`` by it, ``neither`` right."""

    both: int
    fixed: int
    broken: int
    neither: int

    @classmethod
    def of(cls, control: Floats, treatment: Floats) -> PairTable:
        """The table of two arrays of 0 and 1."""
        counts = np.bincount((2 * control + treatment).astype(np.intp), minlength=4)
        neither, fixed, broken, both = (int(count) for count in counts)
        return cls(both, fixed, broken, neither)

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.both + self.fixed + self.broken + self.neither

    @property
    def difference(self) -> float:
        """Treatment rate minus control rate."""
        return (self.fixed - self.broken) / self.n

    @property
    def standard_error(self) -> float:
        """Wald standard error of the difference; 0 without discordant pairs."""
        return float((self.fixed + self.broken - (self.fixed - self.broken) ** 2 / self.n) ** 0.5 / self.n)


def mcnemar_exact(table: PairTable) -> float:
    """Exact two-sided p-value that as many rows are fixed as broken; 1 without discordant pairs.

    Source: McNemar (1947), Psychometrika 12; the exact conditional form.
    """
    discordant = table.fixed + table.broken
    return 1.0 if discordant == 0 else float(stats.binomtest(table.fixed, discordant).pvalue)


def mcnemar_mid_p(table: PairTable) -> float:
    """Two-sided mid-p value: the exact one less half the probability of what was seen; 1 without discordant pairs.

    Source: Fagerland, Lydersen & Laake (2013), BMC Med. Res. Methodol. 13:91, eq. 4.
    """
    discordant, fewer = table.fixed + table.broken, min(table.fixed, table.broken)
    if discordant == 0:
        return 1.0
    seen = float(stats.binom.pmf(fewer, discordant, 0.5))
    if table.fixed == table.broken:
        return 1 - seen
    return 2 * float(stats.binom.cdf(fewer, discordant, 0.5)) - seen


def mcnemar_asymptotic(table: PairTable) -> float:
    """Two-sided p-value from (fixed − broken)² / (fixed + broken), without continuity correction; 1 without any.

    Source: McNemar (1947); Fagerland, Lydersen & Laake (2013), eq. 2.
    """
    discordant = table.fixed + table.broken
    if discordant == 0:
        return 1.0
    return float(2 * stats.norm.sf(abs(table.fixed - table.broken) / discordant**0.5))


def mcnemar(table: PairTable) -> tuple[float, str]:
    """The p-value to show and the form it has: mid-p, or asymptotic from 1,000 discordant pairs on."""
    if table.fixed + table.broken < MID_P_BELOW:
        return mcnemar_mid_p(table), "mid-p"
    return mcnemar_asymptotic(table), "asymptotic"


def newcombe_paired(table: PairTable, *, alpha: float = 0.05) -> ProportionLimits:
    """Interval of treatment rate minus control rate: Wilson limits squared and added, with their correlation.

    The correlation is the phi coefficient with half the table's size taken off a positive numerator.

    Source: Newcombe (1998), Stat. Med. 17, 2635–2650, method 10.
    """
    n = table.n
    x1, x0 = table.both + table.fixed, table.both + table.broken
    p1, p0 = x1 / n, x0 / n
    w1, w0 = wilson(x1, n, alpha=alpha), wilson(x0, n, alpha=alpha)
    phi = corrected_phi(table, x1, x0)
    d1, u1 = p1 - w1.lower, w1.upper - p1
    d0, u0 = p0 - w0.lower, w0.upper - p0
    down = (d1**2 - 2 * phi * d1 * u0 + u0**2) ** 0.5
    up = (u1**2 - 2 * phi * u1 * d0 + d0**2) ** 0.5
    return ProportionLimits(p1 - p0 - down, p1 - p0 + up)


def corrected_phi(table: PairTable, x1: int, x0: int) -> float:
    """The phi coefficient with half the table's size taken off a positive numerator; 0 where a margin is empty.

    Source: Newcombe (1998), Stat. Med. 17, 2635–2650, method 10.
    """
    n = table.n
    margins = x1 * (n - x1) * x0 * (n - x0)
    if margins == 0:
        return 0.0
    cross = table.both * table.neither - table.fixed * table.broken
    corrected = max(cross - n / 2, 0.0) if cross > 0 else float(cross)
    return float(corrected / margins**0.5)


def tango(table: PairTable, *, alpha: float = 0.05) -> ProportionLimits:
    """Score interval of treatment rate minus control rate: all differences that Tango's test does not reject.

    Source: Tango (1998), Stat. Med. 17, 891–908, eq. 4 to 6.
    """
    z = float(stats.norm.ppf(1 - alpha / 2))
    estimate = table.difference

    def excess(difference: float, limit: float) -> float:
        return tango_statistic(table, difference) - limit

    edge = 1 - 1e-9
    lower = -1.0 if excess(-edge, z) <= 0 else optimize.brentq(excess, -edge, estimate, args=(z,), xtol=1e-10)
    upper = 1.0 if excess(edge, -z) >= 0 else optimize.brentq(excess, estimate, edge, args=(-z,), xtol=1e-10)
    return ProportionLimits(float(lower), float(upper))


def tango_statistic(table: PairTable, difference: float) -> float:
    """Score statistic of H0: treatment rate − control rate = ``difference``; ± 1e9 where its variance is 0.

    Source: Tango (1998), eq. 3, with the restricted maximum-likelihood share of broken rows of eq. 6.
    """
    n, fixed, broken = table.n, table.fixed, table.broken
    distance = fixed - broken - n * difference
    linear = -fixed - broken + (2 * n - fixed + broken) * difference
    constant = -broken * difference * (1 - difference)
    share = ((linear**2 - 8 * n * constant) ** 0.5 - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    if variance <= 1e-15:
        return 0.0 if abs(distance) < 1e-9 else float(np.copysign(1e9, distance))
    return float(distance / variance**0.5)
