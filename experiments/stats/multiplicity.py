"""Several comparisons at once: adjusted p-values, and the error each comparison may use for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from experiments.stats.clustered import Floats
from experiments.stats.sign_flips import FLIPS, flip_sums

NORMAL_FROM_DF = 200
"""Beyond these degrees of freedom Dunnett's constants are those of the normal distribution to three digits."""
LARGEST_LOADING = 0.95
"""Dunnett's integral is exact to 0.00003 up to here; above, the smaller correlation errs to the careful side."""


@dataclass(frozen=True, slots=True)
class Family:
    """Adjusted p-values in the order given, and the alpha at which each interval holds simultaneously."""

    adjusted: tuple[float, ...]
    alpha_each: float


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in the order given.

    Source: Holm (1979), Scand. J. Stat. 6, 65–70.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    stepped = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors))
    adjusted = np.empty(len(p_values))
    adjusted[order] = stepped
    return tuple(float(p) for p in adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values that control the false discovery rate, in the order given; none gives none.

    Source: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289–300; scipy.stats.false_discovery_control.
    """
    if not p_values:
        return ()
    return tuple(float(p) for p in stats.false_discovery_control(p_values))


def min_p(cluster_sums: Floats, p_values: Sequence[float], *, alpha: float, seed: int) -> Family:
    """Single-step max-T over challengers on the same rows: whole rows flip together, for all challengers at once.

    ``cluster_sums`` (clusters × challengers) are summed differences to the shared control, 0 where a row is
    missing. Each flip gives a t per challenger and the smallest of their p-values; the adjusted p is the
    share of flips that come as low, ``alpha_each`` the level that the smallest one undercuts with probability
    alpha.

    Source: Westfall & Young (1993), Resampling-Based Multiple Testing, algorithm 2.5 (single-step min-P).
    """
    n_clusters, n_challengers = cluster_sums.shape
    scale = np.sqrt((cluster_sums**2).sum(axis=0))
    scale[scale == 0] = np.inf
    flipped = flip_sums(cluster_sums / scale, seed=seed, flips=FLIPS)
    share = np.minimum(flipped.sums**2, n_clusters * (1 - 1e-12))
    t = np.sqrt(share * (n_clusters - 1) / (n_clusters - share))
    smallest = 2 * stats.t.sf(t.max(axis=1), n_clusters - 1)
    extra = 0 if flipped.exact else 1
    count = len(smallest) + extra
    adjusted = tuple(min(1.0, max(p, (float((smallest <= p * (1 + 1e-9)).sum()) + extra) / count)) for p in p_values)
    level = float(np.quantile(smallest, alpha, method="lower"))
    return Family(adjusted, float(np.clip(level, alpha / n_challengers, alpha)))


def dunnett(
    standard_errors: tuple[float, Sequence[float]], p_values: Sequence[float], *, df: float, alpha: float
) -> Family:
    """Challengers in independent groups against one control: Dunnett's single-step procedure, unequal variances.

    ``standard_errors`` are those of the control's mean and of each challenger's.

    Source: Dunnett (1955), J. Am. Stat. Assoc. 50, eq. 4; one-factor form of Hsu (1996), Multiple
    Comparisons, 3.2.
    """
    control, challengers = standard_errors
    loadings = np.array([min(control / np.hypot(control, error), LARGEST_LOADING) for error in challengers])
    df = df if df <= NORMAL_FROM_DF else np.inf
    adjusted = tuple(
        float(np.clip(1 - _all_below(float(stats.t.isf(p / 2, df)), loadings, df), p, 1)) for p in p_values
    )
    if len(loadings) == 1:
        return Family(adjusted, alpha)
    limits = stats.t.isf(np.array([alpha, alpha / len(loadings)]) / 2, df)
    limit = optimize.brentq(lambda c: 1 - _all_below(c, loadings, df) - alpha, *limits, xtol=1e-7)
    return Family(adjusted, float(2 * stats.t.sf(limit, df)))


def _all_below(limit: float, loadings: Floats, df: float) -> float:
    """P(|T_j| ≤ limit for all j), T_j sharing the control's error and one estimate of the spread."""
    if np.isfinite(df):
        scale, scale_weights = np.sqrt(stats.chi2.ppf((_NODES + 1) / 2, df) / df), _WEIGHTS / 2
    else:
        scale, scale_weights = np.ones(1), np.ones(1)
    reach = limit * scale[:, None, None]
    shift, rest = loadings * _Z[:, None], np.sqrt(1 - loadings**2)
    inside = special.ndtr((reach + shift) / rest) - special.ndtr((-reach + shift) / rest)
    return float(scale_weights @ (inside.prod(axis=2) @ _DENSITY))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_Z = 8 * _NODES
_DENSITY = 8 * _WEIGHTS * stats.norm.pdf(_Z)
