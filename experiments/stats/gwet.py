"""Gwet's AC1 and AC2: agreement beyond chance that does not collapse when most votes are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from experiments.stats.agreement import RatingMatrix
from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.estimates import Interval, NotEstimable, State

Coefficient = Literal["AC1", "AC2"]


@dataclass(frozen=True, slots=True)
class GwetAgreement:
    """AC1 (equal or not) or AC2 (near counts in part) with its limits, and the number of items with two votes."""

    name: Coefficient
    value: Interval
    items: int


def gwet_agreement(ratings: RatingMatrix, *, graded: bool, alpha: float = 0.05) -> GwetAgreement | NotEstimable:
    """Agreement beyond chance when chance is what raters would share on items that they are unsure of.

    AC1 for ``graded`` false; AC2 with quadratic weights 1 − d² / range² for grades. Categories are those
    that occur, at least two. The interval is Student's t on the items, cut at −1 and 1. Where all votes on
    every item are equal nothing varies: the lower limit then allows the share of unequal items that so many
    equal ones leave possible, 1 − alpha^(1/n). Without an item that two people rated there is no figure.

    Source: Gwet (2008), Br. J. Math. Stat. Psychol. 61, 29–48, for AC1 and its variance; weights and missing
    votes: Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapters 4 and 5.
    """
    items = np.unique(ratings.items, return_inverse=True)[1].astype(np.intp)
    votes = np.bincount(items).astype(np.float64)
    paired = votes >= 2
    n_paired = int(paired.sum())
    if not n_paired:
        return NotEstimable(State.NO_OVERLAP, "no item was rated by two people")
    categories, codes = np.unique(ratings.values, return_inverse=True)
    name: Coefficient = "AC2" if graded else "AC1"
    shares = np.bincount(codes, weights=1 / votes[items], minlength=len(categories)) / len(votes)
    agreed = _agreed(items, votes, categories[codes], codes.astype(np.intp), graded=graded)
    factor = _chance_factor(categories, graded=graded)
    chance = factor * float((shares * (1 - shares)).sum())
    by_item = factor * totals(items, 1 - shares[codes]) / votes
    value = (float(agreed[paired].mean()) - chance) / (1 - chance)
    if bool((agreed[paired] == 1).all()):
        missed = 1 - alpha ** (1 / n_paired)
        return GwetAgreement(name, Interval(value, max(-1.0, value - missed / (1 - chance)), value), n_paired)
    n = len(votes)
    linear = np.where(paired, (n / n_paired) * (agreed - chance) / (1 - chance), 0.0)
    linear = linear - 2 * (1 - value) * (by_item - chance) / (1 - chance)
    error = (float(((linear - value) ** 2).sum()) / n / max(1, n - 1)) ** 0.5
    half = float(special.stdtrit(max(1, n - 1), 1 - alpha / 2)) * error
    return GwetAgreement(name, Interval(value, max(-1.0, value - half), min(1.0, value + half)), n_paired)


def _agreed(items: Codes, votes: Floats, values: Floats, codes: Codes, *, graded: bool) -> Floats:
    """Per item the mean weight of its ordered pairs of votes; 1 where the votes are equal, or there is one only."""
    pairs = np.maximum(votes * (votes - 1), 1.0)
    size = int(codes.max()) + 1
    keys, counts = np.unique(items * size + codes, return_counts=True)
    same = totals((keys // size).astype(np.intp), counts.astype(np.float64) ** 2, len(votes))
    equal = same == votes**2
    if not graded:
        return np.where(equal, 1.0, (same - votes) / pairs)
    spread = float(values.max() - values.min())
    scaled = (values - values.mean()) / (spread or 1.0)
    sums, squares = totals(items, scaled), totals(items, scaled**2)
    return np.where(equal, 1.0, 1 - 2 * (votes * squares - sums**2) / pairs)


def _chance_factor(categories: Floats, *, graded: bool) -> float:
    """Sum of all weights over q (q − 1); for equal or not that is 1 / (q − 1)."""
    q = len(categories)
    if q < 2:
        return 1.0
    if not graded:
        return 1 / (q - 1)
    scaled = (categories - categories.mean()) / float(categories[-1] - categories[0])
    return (q**2 - 2 * q * float((scaled**2).sum())) / (q * (q - 1))
