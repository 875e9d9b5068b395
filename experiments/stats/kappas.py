"""Kappas: agreement beyond chance of two raters (Cohen), or of a fixed number per item (Fleiss)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from experiments.stats.clustered import Floats, totals
from experiments.stats.estimates import NotEstimable, State

Weights = Literal["none", "linear", "quadratic"]


def cohen_kappa(first: Floats, second: Floats, *, weights: Weights = "none") -> float | NotEstimable:
    """Agreement of two raters on the same items beyond chance.

    Source: Cohen (1960), Educ. Psychol. Meas. 20, 37–46; weights: Cohen (1968), Psychol. Bull. 70.
    """
    categories, codes = np.unique(np.concatenate((first, second)), return_inverse=True)
    if len(categories) < 2:
        return NotEstimable(State.ONE_CATEGORY, "both raters gave the same answer throughout")
    size, n = len(categories), len(first)
    joint = totals((codes[:n] * size + codes[n:]).astype(np.intp), np.ones(n), size * size).reshape(size, size) / n
    steps = np.abs(np.arange(size)[:, None] - np.arange(size)[None, :])
    cost = {"none": steps > 0, "linear": steps, "quadratic": steps**2}[weights]
    expected = joint.sum(axis=1)[:, None] * joint.sum(axis=0)[None, :]
    return float(1 - (cost * joint).sum() / (cost * expected).sum())


def fleiss_kappa(counts: Floats) -> float | NotEstimable:
    """Agreement beyond chance of a fixed number of raters per item; ``counts`` are votes (items × categories).

    Source: Fleiss (1971), Psychol. Bull. 76, 378–382.
    """
    votes = counts.sum(axis=1)
    if len(np.unique(votes)) != 1 or votes[0] < 2:
        return NotEstimable(State.NO_OVERLAP, "items have different numbers of votes, or only one each")
    m = float(votes[0])
    shares = counts.sum(axis=0) / counts.sum()
    expected = float((shares**2).sum())
    if expected >= 1:
        return NotEstimable(State.ONE_CATEGORY, "every vote is the same, so agreement cannot be told from habit")
    observed = float((((counts**2).sum(axis=1) - m) / (m * (m - 1))).mean())
    return (observed - expected) / (1 - expected)
