"""Preferences: which of two outputs people like better. The item is the unit, never the vote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from experiments.stats.clustered import Codes, Floats
from experiments.stats.estimates import Estimate, NotEstimable, Outcome, State
from experiments.stats.paired_means import paired_mean
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading

RATERS_TO_GENERALISE = 6
"""From this many raters on, their own spread is a second standard error; below, the result speaks for these raters."""


def vote_sample(shares: Floats, clusters: Codes | None = None) -> PairedSample:
    """Items as pairs around one half: the treatment's share of the item's votes against 0.5."""
    return PairedSample.of(np.full(len(shares), 0.5), shares, clusters)


def vote_details(shares: Floats) -> dict[str, float | int | str]:
    """Items won, tied and lost by the treatment, its win rate with half ties and its net preference."""
    wins, losses = int((shares > 0.5).sum()), int((shares < 0.5).sum())
    return {
        "wins": wins,
        "ties": len(shares) - wins - losses,
        "losses": losses,
        "win_rate": float(shares.mean()),
        "net_preference": (wins - losses) / len(shares),
    }


def sign_test(sample: PairedSample, *, reading: Reading) -> Outcome:
    """One vote per item: exact sign test on the votes that are no tie, t interval on all items.

    Only ties are a named state: half ties counted as votes would add certainty that is not there.

    Source: Dixon & Mood (1946), J. Am. Stat. Assoc. 41, 557–566; scipy.stats.binomtest.
    """
    differences = sample.differences
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    if wins + losses == 0:
        return NotEstimable(State.ALL_TIES, "every vote is a tie")
    p_value = float(stats.binomtest(wins, wins + losses).pvalue)
    found = paired_mean(sample, reading=reading)
    if isinstance(found, NotEstimable):
        return NotEstimable(State.NO_VARIATION, "every vote is the same")
    return replace(found, p_value=p_value, method="sign_test", relative=None)


def with_rater_spread(found: Estimate, spread: float | None, *, n_raters: int, reading: Reading) -> Estimate:
    """The result with the larger of the item-clustered and the rater-clustered standard error.

    ``spread`` is the standard error when raters are the clusters; None where it cannot be had. With fewer
    than six raters it is left out and the result says that it speaks for these raters.

    Source: Cameron, Gelbach & Miller (2011), J. Bus. Econ. Stat. 29, two-way clustering, in its conservative
    form.
    """
    if n_raters < RATERS_TO_GENERALISE or spread is None:
        warning = f"{n_raters} raters: the result speaks for them, not for raters in general"
        return replace(found, warnings=(*found.warnings, warning))
    if spread <= found.standard_error:
        return found
    half = reading.multiplier(n_units=found.n_units, df=n_raters - 1) * spread
    p_value = reading.p_value(found.estimate / spread, n_units=found.n_units, df=n_raters - 1)
    return replace(
        found,
        lower=min(found.lower, found.estimate - half),
        upper=max(found.upper, found.estimate + half),
        p_value=max(found.p_value, p_value),
        standard_error=spread,
        warnings=(*found.warnings, "raters differ among each other more than items do"),
    )


def rater_spread(values: Floats, items: Codes, raters: Codes) -> float | None:
    """Standard error of the mean of item means when raters are the clusters; None below two raters.

    ``values`` are one per item and rater; every item counts the same, whatever its number of raters.
    """
    n_items, n_raters = int(items.max()) + 1, int(raters.max()) + 1
    if n_raters < 2:
        return None
    weight = 1 / (np.bincount(items)[items] * n_items)
    mean = float(weight @ values)
    by_rater = np.bincount(raters, weights=weight * (values - mean))
    return float((by_rater @ by_rater * n_raters / (n_raters - 1)) ** 0.5)
