"""Do several variants on the same rows differ at all? Information beside the comparisons, never a gate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.stats.clustered import Floats
from experiments.stats.estimates import NotEstimable, State


@dataclass(frozen=True, slots=True)
class Omnibus:
    """Name of the test, its statistic, degrees of freedom and p-value."""

    test: str
    statistic: float
    df: int
    p_value: float


def cochran_q(table: Floats) -> Omnibus | NotEstimable:
    """Yes and no of three or more variants on the same rows (rows × variants).

    Source: Cochran (1950), Biometrika 37, 256–266.
    """
    k = table.shape[1]
    columns, rows = table.sum(axis=0), table.sum(axis=1)
    bottom = float(k * rows.sum() - (rows**2).sum())
    if bottom <= 0:
        return NotEstimable(State.NO_VARIATION, "every variant gives the same answer on every row")
    statistic = (k - 1) * float(k * (columns**2).sum() - columns.sum() ** 2) / bottom
    return Omnibus("cochran_q", statistic, k - 1, float(stats.chi2.sf(statistic, k - 1)))


def friedman(table: Floats) -> Omnibus | NotEstimable:
    """Graded values of three or more variants on the same rows (rows × variants), ties corrected.

    Source: Friedman (1937), J. Am. Stat. Assoc. 32; scipy.stats.friedmanchisquare.
    """
    if not (np.ptp(table, axis=1) > 0).any():
        return NotEstimable(State.ALL_TIES, "every variant gives the same value on every row")
    found = stats.friedmanchisquare(*table.T)
    return Omnibus("friedman", float(found.statistic), table.shape[1] - 1, float(found.pvalue))
