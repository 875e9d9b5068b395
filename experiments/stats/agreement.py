"""Krippendorff's alpha: do raters share a standard? Any number of raters, gaps allowed, with an interval over items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.stats.bootstrap import resampled_sums
from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.estimates import Interval, NotEstimable, State

Level = Literal["nominal", "ordinal", "interval"]
RESAMPLES = 2_000
MOST_CATEGORIES = 10
"""Up to so many categories the scale of an ordinal alpha, and the shares of a nominal one, are resampled too."""
NO_STANDARD = 0.67
GOOD = 0.80
"""Krippendorff's thresholds: below the first no conclusion, from the second on a good one."""


@dataclass(frozen=True, slots=True)
class RatingMatrix:
    """Votes as three columns of equal length: item and rater as codes 0 …, and the value."""

    items: Codes
    raters: Codes
    values: Floats


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha with limits, the share of rater pairs that say the same, items with two votes or more, raters."""

    alpha: Interval
    raw: float
    items: int
    raters: int
    level: Level


def krippendorff_alpha(
    ratings: RatingMatrix, level: Level, *, alpha: float = 0.05, seed: int = 0
) -> Agreement | NotEstimable:
    """Alpha = 1 − observed / expected disagreement, with a percentile interval from resampled items.

    Without an item that two people rated, and where all votes are the same, there is no alpha; it is not 1.

    Source: Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section E; (2019), Content
    Analysis, 4th ed., chapter 12. Interval: Zapf et al. (2016), BMC Med. Res. Methodol. 16:93 (items
    resampled).
    """
    counts = np.bincount(ratings.items)
    paired = counts[ratings.items] >= 2
    if not paired.any():
        return NotEstimable(State.NO_OVERLAP, "no item was rated by two people")
    categories, codes = np.unique(ratings.values[paired], return_inverse=True)
    if len(categories) < 2:
        return NotEstimable(State.ONE_CATEGORY, "every vote is the same, so agreement cannot be told from habit")
    items = np.unique(ratings.items[paired], return_inverse=True)[1].astype(np.intp)
    votes = _Votes(items, codes.astype(np.intp), categories)
    columns, alpha_of = _ALPHAS[level](votes)
    order = np.lexsort(columns.T)
    drawn = resampled_sums(columns[order], resamples=RESAMPLES, seed=seed)
    whole = columns.sum(axis=0)[None, :]
    estimate, resampled = float(alpha_of(whole)[0]), alpha_of(drawn)
    known = resampled[np.isfinite(resampled)]
    lower, upper = np.quantile(known, [alpha / 2, 1 - alpha / 2]) if len(known) else (estimate, estimate)
    return Agreement(
        Interval(estimate, min(float(lower), estimate), min(1.0, max(float(upper), estimate))),
        1 - float(votes.unequal.sum()) / len(items),
        votes.n_items,
        len(np.unique(ratings.raters[paired])),
        level,
    )


@dataclass(frozen=True, slots=True)
class _Votes:
    """Votes on items that have two or more; ``codes`` are places among the sorted ``categories``."""

    items: Codes
    codes: Codes
    categories: Floats

    @property
    def n_items(self) -> int:
        return int(self.items.max()) + 1

    @property
    def per_item(self) -> Floats:
        return np.bincount(self.items).astype(np.float64)

    @property
    def unequal(self) -> Floats:
        """Per item the ordered pairs of votes that differ, over votes − 1."""
        size = len(self.categories)
        keys, counts = np.unique(self.items * size + self.codes, return_counts=True)
        same = totals((keys // size).astype(np.intp), counts.astype(np.float64) ** 2, self.n_items)
        return (self.per_item**2 - same) / (self.per_item - 1)

    def counts(self) -> Floats:
        """Votes per item and category."""
        size = len(self.categories)
        cells = totals(self.items * size + self.codes, np.ones(len(self.items)), self.n_items * size)
        return cells.reshape(self.n_items, size)


AlphaOf = Callable[[Floats], Floats]
"""Alpha of each row of summed columns; NaN where nothing is expected to differ."""


def _nominal(votes: _Votes) -> tuple[Floats, AlphaOf]:
    if len(votes.categories) > MOST_CATEGORIES:
        shares = np.bincount(votes.codes) / len(votes.codes)
        differ = 1 - float((shares**2).sum())
        columns = np.column_stack((votes.unequal, votes.per_item))
        return columns, lambda sums: _ratio(sums[:, 0], differ * sums[:, 1] ** 2, sums[:, 1])

    def alpha_of(sums: Floats) -> Floats:
        margins = sums[:, 1:]
        n = margins.sum(axis=1)
        return _ratio(sums[:, 0], n**2 - (margins**2).sum(axis=1), n)

    return np.column_stack((votes.unequal, votes.counts())), alpha_of


def _interval(votes: _Votes, scale: Floats | None = None) -> tuple[Floats, AlphaOf]:
    """Squared distances need no table of pairs: their sums follow from sums and squares of the values."""
    values = (votes.categories if scale is None else scale)[votes.codes]
    centred = values - values.mean()
    centred = centred / np.abs(centred).max()
    n, sums = votes.per_item, totals(votes.items, centred, votes.n_items)
    squares = totals(votes.items, centred**2, votes.n_items)
    within = np.maximum(0.0, 2 * (n * squares - sums**2) / (n - 1))
    columns = np.column_stack((within, n, sums, squares))
    return columns, lambda s: _ratio(s[:, 0], 2 * (s[:, 1] * s[:, 3] - s[:, 2] ** 2), s[:, 1])


def _ordinal(votes: _Votes) -> tuple[Floats, AlphaOf]:
    """Distances between categories are those of their middle ranks, which follow the votes that were drawn."""
    size = len(votes.categories)
    if size > MOST_CATEGORIES:
        margins = np.bincount(votes.codes, minlength=size).astype(np.float64)
        return _interval(votes, np.cumsum(margins) - margins / 2)
    counts, diagonal = votes.counts(), np.arange(size)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, diagonal, diagonal] -= counts
    columns = (pairs / (votes.per_item - 1)[:, None, None]).reshape(votes.n_items, -1)

    def alpha_of(sums: Floats) -> Floats:
        matrices = sums.reshape(-1, size, size)
        margins = matrices.sum(axis=2)
        middle = np.cumsum(margins, axis=1) - margins / 2
        distance = (middle[:, :, None] - middle[:, None, :]) ** 2
        expected = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(1, 2))
        return _ratio((matrices * distance).sum(axis=(1, 2)), expected, margins.sum(axis=1))

    return columns, alpha_of


_ALPHAS: dict[Level, Callable[[_Votes], tuple[Floats, AlphaOf]]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
}


def _ratio(observed: Floats, expected: Floats, n: Floats) -> Floats:
    undefined = expected <= 1e-9
    found: Floats = 1 - (n - 1) * observed / np.where(undefined, 1.0, expected)
    found[undefined] = np.nan
    return found
