"""Krippendorff's alpha: do raters share a standard? Any number of raters, gaps allowed, with an interval over items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.stats.bootstrap import resampled_sums
from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.estimates import Interval, NotEstimable, State

Level = Literal["nominal", "ordinal", "interval"]
RESAMPLES = 2_000
NO_STANDARD = 0.67
GOOD = 0.80
"""Krippendorff's thresholds: below the first no conclusion, from the second on a good one."""


@dataclass(frozen=True, slots=True)
class Ratings:
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
    ratings: Ratings, level: Level, *, alpha: float = 0.05, seed: int = 0
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
    coincidences = _coincidences(items, codes.astype(np.intp), len(categories))
    order = np.lexsort(coincidences.T)
    drawn = resampled_sums(coincidences[order], resamples=RESAMPLES, seed=seed)
    estimate = float(_alpha(coincidences.sum(axis=0)[None, :], categories, level)[0])
    resampled = _alpha(drawn, categories, level)
    lower, upper = np.quantile(resampled[np.isfinite(resampled)], [alpha / 2, 1 - alpha / 2])
    together = coincidences.sum(axis=0).reshape(len(categories), -1)
    return Agreement(
        Interval(estimate, min(float(lower), estimate), min(1.0, max(float(upper), estimate))),
        float(np.trace(together) / together.sum()),
        int(items.max()) + 1,
        len(np.unique(ratings.raters[paired])),
        level,
    )


def _coincidences(items: Codes, codes: Codes, n_categories: int) -> Floats:
    """Each item's coincidence matrix (flattened): pairs of its votes over votes − 1."""
    n_items = int(items.max()) + 1
    counts = totals(items * n_categories + codes, np.ones(len(items)), n_items * n_categories)
    counts = counts.reshape(n_items, n_categories)
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(n_categories)
    pairs[:, diagonal, diagonal] -= counts
    votes = counts.sum(axis=1)
    flat: Floats = (pairs / (votes - 1)[:, None, None]).reshape(n_items, -1)
    return flat


def _alpha(coincidences: Floats, categories: Floats, level: Level) -> Floats:
    """Alpha of each flattened coincidence matrix; NaN where nothing is expected to differ."""
    size = len(categories)
    matrices = coincidences.reshape(-1, size, size)
    margins = matrices.sum(axis=2)
    distance = _distances(margins, categories, level)
    observed = (matrices * distance).sum(axis=(1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(1, 2))
    scale = margins.sum(axis=1) - 1
    undefined = expected <= 1e-9
    found: Floats = 1 - scale * observed / np.where(undefined, 1.0, expected)
    found[undefined] = np.nan
    return found


def _distances(margins: Floats, categories: Floats, level: Level) -> Floats:
    size = len(categories)
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(size), (len(margins), size, size))
    if level == "interval":
        squared = (categories[:, None] - categories[None, :]) ** 2
        return np.broadcast_to(squared, (len(margins), size, size))
    middle = np.cumsum(margins, axis=1) - margins / 2
    between: Floats = (middle[:, :, None] - middle[:, None, :]) ** 2
    return between
