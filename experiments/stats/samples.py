"""Pairs of values in an order that depends on the values alone.

Seeded resampling gives the same digits whatever the rows' order or the units' names, because the order it
works in is made here; and it mirrors exactly when the two variants are swapped, because ``oriented`` always
looks at the same side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.stats.clustered import Codes, Floats, all_equal, cluster_sums, yes_no

ROUNDING = 2e-15
"""A difference below this share of its two values is the rounding of their means, and none."""


@dataclass(frozen=True, slots=True)
class PairedSample:
    """Values of control and treatment on the same rows, and the cluster of each row (codes 0 … G − 1)."""

    control: Floats
    treatment: Floats
    clusters: Codes

    @classmethod
    def of(cls, control: Floats, treatment: Floats, clusters: NDArray[np.generic] | None = None) -> PairedSample:
        """The sample in canonical order; without clusters every row is its own."""
        if clusters is None:
            order = np.lexsort((treatment, control))
            return cls(control[order], treatment[order], np.arange(len(control), dtype=np.intp))
        codes = np.unique(clusters, return_inverse=True)[1].astype(np.intp)
        order = np.lexsort((treatment, control, codes))
        control, treatment, codes = control[order], treatment[order], codes[order]
        rank = _rank_by_content(control, treatment, codes)
        order = np.lexsort((treatment, control, rank[codes]))
        return cls(control[order], treatment[order], rank[codes][order])

    @property
    def differences(self) -> Floats:
        """Treatment minus control; what is only rounding is exactly 0."""
        difference = self.treatment - self.control
        size = np.abs(self.treatment) + np.abs(self.control)
        difference[np.abs(difference) <= ROUNDING * size] = 0.0
        return difference

    @property
    def size(self) -> float:
        """The largest value by amount."""
        return max(float(np.abs(self.control).max(initial=0.0)), float(np.abs(self.treatment).max(initial=0.0)))

    @property
    def equal(self) -> bool:
        """Whether the difference is the same on every row."""
        return all_equal(self.differences, self.size)

    @property
    def n_rows(self) -> int:
        """Number of complete pairs."""
        return len(self.control)

    @property
    def n_clusters(self) -> int:
        """Number of independent groups of rows."""
        return int(self.clusters.max()) + 1 if len(self.clusters) else 0

    @property
    def clustered(self) -> bool:
        """Whether some rows share a cluster."""
        return self.n_clusters < self.n_rows

    @property
    def binary(self) -> bool:
        """Whether every value is 0 or 1."""
        return yes_no(self.control) and yes_no(self.treatment)

    def swapped(self) -> PairedSample:
        """Control and treatment exchanged."""
        return PairedSample.of(self.treatment, self.control, self.clusters)

    def oriented(self) -> tuple[PairedSample, bool]:
        """The sample with a mean difference that is not negative, and whether it had to be swapped for that."""
        difference = self.differences
        tilt = float(difference.mean()) or float((difference**3).mean())
        return (self.swapped(), True) if tilt < 0 else (self, False)


def _rank_by_content(control: Floats, treatment: Floats, codes: Codes) -> Codes:
    columns = [control, treatment, control * treatment, control**2, treatment**2]
    sums = [cluster_sums(column, codes) for column in columns]
    order = np.lexsort((*(s.sums for s in reversed(sums)), sums[0].sizes))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank
