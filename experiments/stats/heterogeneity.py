"""Whether an effect differs between groups, and what each group's effect is likely to be in the light of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from experiments.stats.clustered import Floats
from experiments.stats.estimates import Interval

FEWEST_TO_POOL = 3
"""With two groups the data say next to nothing about how much groups differ."""
_GRID = 60
_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Welch's test that all groups have the same effect."""

    statistic: float
    df: int
    df_within: float
    p_value: float


def heterogeneity(estimates: Sequence[float], standard_errors: Sequence[float], sizes: Sequence[int]) -> Heterogeneity:
    """Welch's test of equal effects in two or more independent groups; ``sizes`` are independent units per group.

    Unlike Cochran's Q it allows for standard errors that are estimated from few units themselves.

    Raises:
        ValueError: under two groups, a standard error that is not positive, or a group of one unit.

    Source: Welch (1951), Biometrika 38, 330–336; with two groups it is Welch's t-test.
    """
    y, se, n = (np.asarray(values, dtype=float) for values in (estimates, standard_errors, sizes))
    groups = len(y)
    if groups < 2 or not (se > 0).all() or not (n > 1).all():
        raise ValueError("at least two groups, each with a spread")
    weight = 1 / se**2
    share = weight / weight.sum()
    between = float((weight * (y - share @ y) ** 2).sum() / (groups - 1))
    lack = float(((1 - share) ** 2 / (n - 1)).sum()) / (groups**2 - 1)
    statistic = between / (1 + 2 * (groups - 2) * lack)
    df_within = 1 / (3 * lack)
    return Heterogeneity(statistic, groups - 1, df_within, float(special.fdtrc(groups - 1, df_within, statistic)))


@dataclass(frozen=True, slots=True)
class Pooled:
    """The effects of the groups, each drawn towards the others; ``spread`` is the median deviation between groups."""

    spread: float
    groups: tuple[Interval, ...]


def partially_pooled(estimates: Sequence[float], standard_errors: Sequence[float], *, alpha: float = 0.05) -> Pooled:
    """The normal hierarchical model: each group's effect comes from one normal distribution of unknown mean and spread.

    The posterior under flat priors on the mean and on the spread, by a grid over the spread: limits hold what is not
    known of the spread. A group with a large standard error moves far towards the others, a precise one hardly.

    Raises:
        ValueError: under three groups, or a standard error that is not positive.

    Source: Rubin (1981), J. Educ. Stat. 6, 377–401; Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
    """
    y, se = np.asarray(estimates, dtype=float), np.asarray(standard_errors, dtype=float)
    if len(y) < FEWEST_TO_POOL or not (se > 0).all():
        raise ValueError("at least three groups, each with a spread")
    spreads = np.linspace(0, 5 * max(float(np.std(y, ddof=1)), float(se.max())), _GRID)
    weight = 1 / (se**2 + spreads[:, None] ** 2)
    total = weight.sum(axis=1)
    mean = (weight @ y) / total
    log_density = 0.5 * (np.log(weight).sum(axis=1) - np.log(total)) - 0.5 * (weight * (y - mean[:, None]) ** 2).sum(
        axis=1
    )
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    towards = se**2 * weight
    centre = (1 - towards) * y + towards * mean[:, None]
    deviation = np.sqrt((1 - towards) * se**2 + towards**2 / total[:, None])
    limits = [_quantiles(density, centre, deviation, p) for p in (alpha / 2, 1 - alpha / 2)]
    groups = tuple(Interval(*map(float, one)) for one in zip(density @ centre, *limits, strict=True))
    return Pooled(float(spreads[np.searchsorted(np.cumsum(density), 0.5)]), groups)


def _quantiles(density: Floats, centre: Floats, deviation: Floats, probability: float) -> Floats:
    """The quantile of each column's mixture of normal distributions, by bisection."""
    low, high = (centre - 10 * deviation).min(axis=0), (centre + 10 * deviation).max(axis=0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = density @ special.ndtr((middle - centre) / deviation) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: Floats = (low + high) / 2
    return found
