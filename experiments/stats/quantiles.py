"""Medians and 95th percentiles: of one variant by order statistics, of two by resampling whole clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.stats.bootstrap import RESAMPLES, merged, resampled_sums
from experiments.stats.clustered import Codes, Floats, cluster_mean
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.proportions import ProportionLimits
from experiments.stats.sequential import Reading

GRID = 160
REACH = 7.0
MOST_GROUPS = 2_000
LARGEST_RATIO = 1e12
"""A control whose resampled percentiles come this close to 0 has no relative change."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Values of one variant and the cluster of each (codes shared between variants when paired)."""

    values: Floats
    clusters: Codes


def order_statistic_interval(values: Floats, q: float, *, alpha: float = 0.05) -> ProportionLimits | NotEstimable:
    """Distribution-free interval of one variant's quantile, between two of its values.

    A p95 has no finite two-sided 95% limit below 72 values; that is said, not guessed.

    Source: Conover (1999), Practical Nonparametric Statistics, section 3.2; Hahn & Meeker (1991), section
    5.2.
    """
    n = len(values)
    low = int(stats.binom.ppf(alpha / 2, n, q))
    high = int(stats.binom.ppf(1 - alpha / 2, n, q)) + 1
    if stats.binom.cdf(low, n, q) > alpha / 2:
        low -= 1
    if low < 0 or high > n:
        return NotEstimable(State.TOO_FEW_UNITS, f"{n} values are too few for limits of this percentile")
    ordered = np.sort(values)
    return ProportionLimits(float(ordered[low]), float(ordered[high - 1]))


def quantile_difference(
    control: Observations,
    treatment: Observations,
    q: float,
    *,
    paired: bool,
    reading: Reading,
    seed: int,
    resamples: int = RESAMPLES,
) -> Outcome:
    """Difference of quantiles with the percentile interval of a cluster bootstrap; the p-value is read from it too.

    Paired variants share the draw of clusters. A watched reading takes the bootstrap's standard error into
    the always-valid interval. Identical values everywhere are a named state.

    Source: Davison & Hinkley (1997), Bootstrap Methods, section 3.8 (cluster resampling), eq. 5.6
    (percentile).
    """
    both = (control, treatment)
    estimates = [float(np.quantile(arm.values, q)) for arm in both]
    draws = _draws(control, treatment, q, paired=paired, seed=seed, resamples=resamples)
    difference = estimates[1] - estimates[0]
    drawn = draws[1] - draws[0]
    error = float(drawn.std(ddof=1))
    if error <= 1e-9 * max(abs(value) for value in estimates):
        return NotEstimable(State.NO_VARIATION, "the percentile is the same in every resample")
    clusters = [int(arm.clusters.max()) + 1 for arm in both]
    n_clusters = clusters[0] if paired else sum(clusters)
    if reading.sequential:
        half = reading.multiplier(n_units=n_clusters, df=min(clusters) - 1) * error
        lower, upper = difference - half, difference + half
        p_value = reading.p_value(difference / error, n_units=n_clusters, df=min(clusters) - 1)
    else:
        lower, upper = _percentiles(drawn, reading.alpha)
        beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
        p_value = min(1.0, 2 * (beyond + 1) / (resamples + 1))
    return Estimate(
        estimate=difference,
        lower=min(lower, difference),
        upper=max(upper, difference),
        p_value=p_value,
        standard_error=error,
        control=estimates[0],
        treatment=estimates[1],
        method="quantile_always_valid" if reading.sequential else "quantile_cluster_bootstrap",
        alpha=reading.alpha,
        n_units=len(control.values) if paired else len(control.values) + len(treatment.values),
        n_clusters=n_clusters,
        relative=_relative(estimates, draws, lower - difference, upper - difference, reading),
    )


def _relative(
    estimates: list[float], draws: tuple[Floats, Floats], down: float, up: float, reading: Reading
) -> Interval | None:
    control, treatment = estimates
    smallest = float(draws[0].min())
    if smallest <= 0 or float(np.abs(draws[1]).max()) > LARGEST_RATIO * smallest:
        return None
    estimate = treatment / control - 1
    if reading.sequential:
        return Interval(estimate, estimate + down / control, estimate + up / control)
    lower, upper = _percentiles(draws[1] / draws[0] - 1, reading.alpha)
    return Interval(estimate, min(lower, estimate), max(upper, estimate))


def _percentiles(drawn: Floats, alpha: float) -> tuple[float, float]:
    lower, upper = np.quantile(drawn, [alpha / 2, 1 - alpha / 2])
    return float(lower), float(upper)


def _draws(
    control: Observations, treatment: Observations, q: float, *, paired: bool, seed: int, resamples: int
) -> tuple[Floats, Floats]:
    """The two variants' quantiles in each resample."""
    if not paired:
        arms = [
            resampled_quantiles([arm], q, seed=seed + shift, resamples=resamples)[0]
            for shift, arm in enumerate((control, treatment))
        ]
        return arms[0], arms[1]
    shared = resampled_quantiles([control, treatment], q, seed=seed, resamples=resamples)
    return shared[0], shared[1]


def resampled_quantiles(arms: list[Observations], q: float, *, seed: int, resamples: int) -> list[Floats]:
    """The quantile of each arm in each resample; the arms share the drawn clusters.

    Per cluster it is enough to know how many of its values lie below each of some 160 values around the
    quantile: one matrix product then gives all resampled counts. Where these are all the values there are, the
    resampled quantile is the very one of the drawn values; else it is read off by interpolation.
    """
    together = np.concatenate([arm.clusters for arm in arms])
    groups = merged(together, at_most=MOST_GROUPS, seed=seed)
    n_groups = int(groups.max()) + 1
    parts = np.split(groups, np.cumsum([len(arm.clusters) for arm in arms])[:-1])
    grids = [_grid(arm, q) for arm in arms]
    columns = [
        _counts_below(arm.values, group, grid.values, n_groups)
        for arm, group, grid in zip(arms, parts, grids, strict=True)
    ]
    sums = resampled_sums(np.column_stack(columns), resamples=resamples, seed=seed)
    found, start = [], 0
    for grid in grids:
        counts = sums[:, start : start + len(grid.values)]
        found.append(_at_rank(counts, grid.values, q) if grid.whole else _between(counts, grid.values, q))
        start += len(grid.values)
    return found


@dataclass(frozen=True, slots=True)
class _Grid:
    """Values at which counts are kept; ``whole`` when no value near the quantile is left out."""

    values: Floats
    whole: bool


def _grid(arm: Observations, q: float) -> _Grid:
    """Values around the quantile, 7 standard errors of its rank to both sides, and the smallest and largest."""
    ordered = np.sort(arm.values)
    n = len(ordered)
    below = (arm.values <= np.quantile(arm.values, q)).astype(np.float64)
    single = int(arm.clusters.max()) == 0
    error = 0.5 if single else cluster_mean(below, _dense(arm.clusters)).standard_error
    reach = REACH * max(error, 1 / n)
    first, last = int(max(0.0, q - reach) * (n - 1)), int(np.ceil(min(1.0, q + reach) * (n - 1)))
    inner = np.unique(ordered[first : last + 1])
    whole = len(inner) <= GRID
    if not whole:
        inner = ordered[np.unique(np.linspace(first, last, GRID).astype(np.intp))]
    return _Grid(np.unique(np.concatenate((ordered[:1], inner, ordered[-1:]))), whole)


def _dense(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].astype(np.intp)


def _counts_below(values: Floats, groups: Codes, grid: Floats, n_groups: int) -> Floats:
    """How many values of each group are at most each grid value (groups × grid)."""
    slot = np.searchsorted(grid, values, side="left")
    counts = np.bincount(groups * len(grid) + slot, minlength=n_groups * len(grid))
    below: Floats = np.cumsum(counts.reshape(n_groups, len(grid)), axis=1).astype(np.float64)
    return below


def _at_rank(counts: Floats, grid: Floats, q: float) -> Floats:
    """Per resample the quantile of its values, interpolated between neighbours as ``numpy.quantile`` does."""
    counts = np.rint(counts)
    rank = q * (counts[:, -1] - 1)
    low = np.floor(rank + 1e-9)
    lower = grid[np.minimum((counts <= low[:, None]).sum(axis=1), len(grid) - 1)]
    upper = grid[np.minimum((counts <= low[:, None] + 1).sum(axis=1), len(grid) - 1)]
    found: Floats = lower + np.clip(rank - low, 0.0, 1.0) * (upper - lower)
    return found


def _between(counts: Floats, grid: Floats, q: float) -> Floats:
    """Per resample the value at which the counts reach q of the total, between the two grid values around it."""
    target = q * counts[:, -1:]
    at = (counts < target - 1e-6).sum(axis=1)
    before = np.maximum(at - 1, 0)
    rows = np.arange(len(counts))
    low, high = counts[rows, before], counts[rows, at]
    step = np.where(high > low, (target[:, 0] - low) / np.where(high > low, high - low, 1.0), 1.0)
    found: Floats = grid[before] + np.clip(step, 0.0, 1.0) * (grid[at] - grid[before])
    return found
