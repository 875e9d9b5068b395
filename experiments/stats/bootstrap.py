"""Resampling of clusters: how often each cluster is drawn, and what that makes of sums kept per cluster.

Rows are reduced to sums per cluster once; a resample is then a row of weights, and all resamples one matrix
product.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from experiments.stats.clustered import Codes, Floats

RESAMPLES = 10_000
BLOCK = 500
BLOCK_CELLS = 5_000_000


def weights(n_clusters: int, *, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Blocks (resamples × clusters) of how often each cluster is drawn, multinomial, ``resamples`` rows in all."""
    rng = np.random.default_rng(seed)
    block = min(BLOCK, max(1, BLOCK_CELLS // max(1, n_clusters)))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, n_clusters, size=(size, n_clusters), dtype=np.int32)
        drawn += (n_clusters * np.arange(size, dtype=np.int32))[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n_clusters)
        yield counts.astype(np.float32).reshape(size, n_clusters)


def resampled_sums(columns: Floats, *, resamples: int = RESAMPLES, seed: int) -> Floats:
    """Sums of each column (clusters × columns) in each resample (resamples × columns).

    Columns are centred and scaled before the single-precision product and put back after it, so that nothing is lost.
    """
    centre = columns.mean(axis=0)
    deviations = columns - centre
    scale = np.abs(deviations).max(axis=0)
    scale[scale == 0] = 1.0
    scaled = (deviations / scale).astype(np.float32)
    blocks = [block @ scaled for block in weights(len(columns), resamples=resamples, seed=seed)]
    sums: Floats = np.concatenate(blocks).astype(np.float64) * scale + centre * len(columns)
    return sums


def merged(clusters: Codes, *, at_most: int, seed: int) -> Codes:
    """The same clusters in at most ``at_most`` groups, drawn at random: sums of independent clusters stay independent.

    Keeps a resampling of 100,000 rows that are their own clusters within memory; the groups cost a little
    precision of the interval, nothing of its validity.
    """
    n_clusters = int(clusters.max()) + 1
    if n_clusters <= at_most:
        return clusters
    groups = np.arange(n_clusters, dtype=np.intp) % at_most
    np.random.default_rng(seed).shuffle(groups)
    return groups[clusters]
