"""Preferences: which of two outputs people like better. The item is the unit, never the vote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from experiments.stats.clustered import Codes, Floats
from experiments.stats.crossed_raters import RaterModel
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


def for_raters_in_general(found: Estimate, model: RaterModel | None, *, n_raters: int, reading: Reading) -> Estimate:
    """The result with the larger of its own standard error and that of the rater model, both told in ``details``.

    ``details`` get ``raters`` and, with a model, the result for these raters (``these_raters_lower``, ``…_upper``)
    and for raters in general with leniency taken out (``general_estimate``, ``…_lower``, ``…_upper``). With
    fewer than six raters, or without a model, the result says that it speaks for these raters.
    """
    details: dict[str, float | int | str] = {**found.details, "raters": n_raters}
    if model is None:
        warning = f"{n_raters} raters: the result speaks for them, not for raters in general"
        return replace(found, details=details, warnings=(*found.warnings, warning))
    details |= {
        "these_raters_lower": found.lower,
        "these_raters_upper": found.upper,
        "general_estimate": model.effect.estimate,
        "general_lower": model.effect.lower,
        "general_upper": model.effect.upper,
    }
    error, df = model.standard_error, model.n_raters - 1
    if error <= found.standard_error:
        return replace(found, details=details)
    half = reading.multiplier(n_units=found.n_units, df=df) * error
    p_value = reading.p_value(found.estimate / error, n_units=found.n_units, df=df)
    return replace(
        found,
        lower=min(found.lower, found.estimate - half),
        upper=max(found.upper, found.estimate + half),
        p_value=max(found.p_value, p_value),
        standard_error=error,
        details=details,
        warnings=(*found.warnings, "raters differ among each other more than items do"),
    )
