"""Votes of raters on items, both crossed: the effect with leniency taken out, for raters in general."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.estimates import Interval
from experiments.stats.sequential import Reading

STEPS = 1_000
SETTLED = 1e-11


@dataclass(frozen=True, slots=True)
class CrossedVotes:
    """One vote a place: item and rater as codes, the value, and whether the treatment's output was rated.

    For a vote between the two variants ``treated`` is None and the value is the treatment's share less one half.
    """

    items: Codes
    raters: Codes
    values: Floats
    treated: Floats | None = None


@dataclass(frozen=True, slots=True)
class RaterModel:
    """The effect with its limits and standard error, and how many raters it rests on."""

    effect: Interval
    standard_error: float
    n_raters: int


def rater_model(votes: CrossedVotes, *, reading: Reading) -> RaterModel | None:
    """Effect of the variant in vote = variant + rater + item, its error for new raters and new items.

    Rater and item effects are taken out by least squares, so a lenient rater who saw more of one variant does
    not move the effect. The variance adds what lies between raters and between items, less what both count;
    limits are Student's t on raters − 1. None below two raters or items, where no rater (or item) has both
    variants, and where nothing varies.

    Source: Cameron, Gelbach & Miller (2011), J. Bus. Econ. Stat. 29, eq. 2.11 (two-way clustering, each part
    with G/(G − 1)); fixed effects by alternating projections: Gaure (2013), Comput. Stat. Data Anal. 66.
    """
    items = np.unique(votes.items, return_inverse=True)[1].astype(np.intp)
    raters = np.unique(votes.raters, return_inverse=True)[1].astype(np.intp)
    n_items, n_raters = int(items.max(initial=-1)) + 1, int(raters.max(initial=-1)) + 1
    if min(n_items, n_raters) < 2:
        return None
    if votes.treated is None:
        weights = 1 / (np.bincount(items)[items] * n_items)
        effect = float(weights @ votes.values)
        scores = weights * (votes.values - effect)
    else:
        treated, size = _without_levels(votes.treated, items, raters), len(items)
        information = float(treated @ treated)
        if information <= 1e-8 * size:
            return None
        values = _without_levels(votes.values, items, raters)
        effect = float(treated @ values) / information
        scores = treated * (values - effect * treated) / information
    cells = np.unique(items * n_raters + raters, return_inverse=True)[1].astype(np.intp)
    by_rater, by_item, by_both = (_between(scores, codes) for codes in (raters, items, cells))
    variance = max(by_rater + by_item - by_both, by_rater, by_item)
    if variance <= (1e-9 * float(np.abs(votes.values).max())) ** 2 / n_items:
        return None
    error = variance**0.5
    half = reading.multiplier(n_units=n_items, df=n_raters - 1) * error
    return RaterModel(Interval(effect, effect - half, effect + half), error, n_raters)


def _between(scores: Floats, codes: Codes) -> float:
    sums = totals(codes, scores)
    return float(sums @ sums) * len(sums) / (len(sums) - 1)


def _without_levels(values: Floats, items: Codes, raters: Codes) -> Floats:
    """What is left of the values once the means of raters and items are taken out in turn until nothing moves."""
    left: Floats = values - values.mean()
    sizes = [np.bincount(codes) for codes in (raters, items)]
    scale = float(np.abs(left).max()) or 1.0
    for _ in range(STEPS):
        before = left
        for codes, size in zip((raters, items), sizes, strict=True):
            left = left - (totals(codes, left) / size)[codes]
        if float(np.abs(left - before).max()) <= SETTLED * scale:
            break
    return left
