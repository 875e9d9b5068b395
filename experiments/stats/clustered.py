"""Means of values that come in clusters: conversations, customers, duplicated inputs. A lone row is its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

SAME = 1e-14
"""Numbers closer than this share of the values they were computed from are the same number, computed twice."""


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Sums and sizes per cluster; everything a mean, a ratio or a resampling needs."""

    sums: Floats
    sizes: Floats

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.sums)

    @property
    def effective_clusters(self) -> float:
        """Clusters of equal size that would tell as much: (sum n)² / sum n².

        Source: Carter, Schnepel & Steigerwald (2017), Rev. Econ. Stat. 99, with equal variances.
        """
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum())


@dataclass(frozen=True, slots=True)
class ClusterMean:
    """Mean over rows with its cluster-robust standard error (CR1); ``df`` is clusters − 1."""

    mean: float
    standard_error: float
    df: int
    n_rows: int
    design_effect: float

    @property
    def varies(self) -> bool:
        """Whether there is variation between clusters at all."""
        return self.standard_error > 0


def yes_no(values: Floats) -> bool:
    """Whether every value is 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())


def totals(codes: Codes, values: Floats, size: int = 0) -> Floats:
    """Sum of the values of each code 0 … ``size`` − 1 (or the largest there is)."""
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64, copy=False)


def cluster_sums(values: Floats, clusters: Codes) -> ClusterSums:
    """Sum and size of each cluster; ``clusters`` are codes 0 … G − 1."""
    size = int(clusters.max()) + 1 if len(clusters) else 0
    return ClusterSums(totals(clusters, values, size), np.bincount(clusters, minlength=size).astype(np.float64))


def all_equal(values: Floats, size: float | None = None) -> bool:
    """Whether all values are the same number; ``size`` is that of the numbers they were computed from, else their own.

    Values are compared, not their spread, which rounding makes small or zero. True for none and for one.
    """
    if len(values) < 2:
        return True
    return float(values.max() - values.min()) <= SAME * (_size(values) if size is None else size)


def cluster_mean(values: Floats, clusters: Codes, *, size: float | None = None) -> ClusterMean:
    """Mean of the rows, each of equal weight, with CR1 standard error sqrt(sum e_g²)/N · sqrt(G/(G − 1)).

    With every row its own cluster it is the ordinary standard error of the mean. ``design_effect`` is its
    variance over that of independent rows. Needs two clusters. It does not vary only where all values are equal
    (``size`` as in ``all_equal``): rows of a cluster that happen to cancel leave the error of independent rows.

    Source: Miller (2024), arXiv 2411.00640, eq. 4 (CR0), with the factor G/(G − 1).
    """
    n_rows = len(values)
    mean = float(values.mean())
    if all_equal(values, size):
        return ClusterMean(mean, 0.0, int(clusters.max()), n_rows, 1.0)
    centred = values - mean
    by_cluster = cluster_sums(centred, clusters)
    n_clusters = by_cluster.n_clusters
    variance = float((by_cluster.sums**2).sum()) / n_rows**2 * n_clusters / (n_clusters - 1)
    independent = float((centred**2).sum()) / (n_rows - 1) / n_rows
    if variance <= SAME * independent:
        return ClusterMean(mean, independent**0.5, n_clusters - 1, n_rows, 1.0)
    return ClusterMean(mean, variance**0.5, n_clusters - 1, n_rows, variance / independent)


def intraclass_correlation(values: Floats, clusters: Codes) -> float | None:
    """Share of the variance that lies between clusters, by one-way analysis of variance; None where undefined.

    It can be slightly negative by chance and is not clipped. Planning turns it into a design effect.

    Source: Donner (1986), Int. Stat. Rev. 54, eq. 2.1: (MSB − MSW)/(MSB + (n0 − 1) MSW).
    """
    by_cluster = cluster_sums(values, clusters)
    n_rows, n_clusters = len(values), by_cluster.n_clusters
    if n_clusters < 2 or n_rows <= n_clusters:
        return None
    means = by_cluster.sums / by_cluster.sizes
    between = float((by_cluster.sizes * (means - values.mean()) ** 2).sum()) / (n_clusters - 1)
    within = float(((values - means[clusters]) ** 2).sum()) / (n_rows - n_clusters)
    size = (n_rows - float((by_cluster.sizes**2).sum()) / n_rows) / (n_clusters - 1)
    total = between + (size - 1) * within
    return (between - within) / total if total > 0 else None


def skewness(values: Floats) -> float:
    """Third standardised moment; 0 when nothing varies."""
    centred = values - values.mean()
    spread = float((centred**2).mean())
    return float((centred**3).mean()) / spread**1.5 if spread > 0 else 0.0


def _size(values: Floats) -> float:
    return float(np.abs(values).max())
