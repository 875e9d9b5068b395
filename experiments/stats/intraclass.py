"""Intraclass correlations: how much of the spread of scores lies between items rather than between raters."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.stats.clustered import Floats
from experiments.stats.estimates import NotEstimable, State


@dataclass(frozen=True, slots=True)
class IntraclassCorrelations:
    """Shrout and Fleiss: one rating, or the mean of all; raters random per item, random, or these very ones."""

    one_way: float
    two_way_random: float
    two_way_fixed: float
    one_way_mean: float
    two_way_random_mean: float
    two_way_fixed_mean: float


def intraclass_correlations(scores: Floats) -> IntraclassCorrelations | NotEstimable:
    """The six coefficients of a complete table of scores (items × raters).

    Source: Shrout & Fleiss (1979), Psychol. Bull. 86, 420–428, ICC(1,1), (2,1), (3,1) and their means of k.
    """
    n, k = scores.shape
    if n < 2 or k < 2:
        return NotEstimable(State.TOO_FEW_UNITS, "it needs two items and two raters")
    grand = scores.mean()
    items = k * float(((scores.mean(axis=1) - grand) ** 2).sum()) / (n - 1)
    raters = n * float(((scores.mean(axis=0) - grand) ** 2).sum()) / (k - 1)
    total = float(((scores - grand) ** 2).sum())
    if total <= 0 or items <= 0:
        return NotEstimable(State.NO_VARIATION, "the items do not differ")
    within = (total - items * (n - 1)) / (n * (k - 1))
    residual = (total - items * (n - 1) - raters * (k - 1)) / ((n - 1) * (k - 1))
    return IntraclassCorrelations(
        one_way=(items - within) / (items + (k - 1) * within),
        two_way_random=(items - residual) / (items + (k - 1) * residual + k * (raters - residual) / n),
        two_way_fixed=(items - residual) / (items + (k - 1) * residual),
        one_way_mean=(items - within) / items,
        two_way_random_mean=(items - residual) / (items + (raters - residual) / n),
        two_way_fixed_mean=(items - residual) / items,
    )
