"""What each cluster contributes to a difference of means or ratios, as sums that one can be taken out of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from experiments.results.comparisons.question import Question
from experiments.results.comparisons.rated import item_votes
from experiments.stats.clustered import Codes, Floats
from experiments.vocabulary import Design, MetricKind

BOUNDED = frozenset({MetricKind.BINARY, MetricKind.PREFERENCE})


@dataclass(frozen=True)
class Contributions:
    """Units with what they add: ``y`` and ``n`` of each, the arm it belongs to, and the code of its cluster.

    The difference is the sum over arms of sign · Σy / Σn. Paired differences are one arm with the sign 1 and n = 1.
    """

    units: Codes
    y: Floats
    n: Floats
    arm: Codes
    signs: tuple[float, ...]
    cluster: Codes
    paired: bool

    @cached_property
    def moments(self) -> tuple[_Moments, ...]:
        """The sums of every arm over its clusters; made once, everything else is read from them."""
        return tuple(self._moments(arm) for arm in range(len(self.signs)))

    @property
    def fewest(self) -> int:
        """Clusters of the smallest arm."""
        return min(len(moments.e) for moments in self.moments)

    @property
    def estimate(self) -> float:
        """The difference."""
        return float(sum(sign * moments.ratio for sign, moments in zip(self.signs, self.moments, strict=True)))

    @property
    def variance(self) -> float:
        """Its variance over clusters (CR1 of every arm)."""
        return float(sum(moments.variance for moments in self.moments))

    def first_units(self) -> Codes:
        """The first unit of each cluster, in the order of ``without_each``."""
        return np.concatenate([moments.first for moments in self.moments])

    def without_each(self) -> tuple[Floats, Floats]:
        """Estimate and variance without each cluster in turn, arm after arm."""
        whole = self.moments
        estimates, variances = [], []
        for arm, sign in enumerate(self.signs):
            others = [i for i in range(len(self.signs)) if i != arm]
            rest = sum(self.signs[i] * whole[i].ratio for i in others)
            spread = sum(whole[i].variance for i in others)
            left = whole[arm].without_each()
            estimates.append(rest + sign * left[0])
            variances.append(spread + left[1])
        return np.concatenate(estimates), np.concatenate(variances)

    def largest_unit(self) -> tuple[int, bool] | None:
        """Position of the unit with the largest weight, or with the largest share of the difference where all weigh 1.

        With whether no other is as large; of several, the one whose cluster comes first. None under four units.
        """
        if len(self.units) < 4:
            return None
        sizes = self._sizes_of_units()
        largest = np.flatnonzero(sizes == sizes.max())
        places = np.empty(len(self.units), dtype=np.intp)
        for arm, moments in enumerate(self.moments):
            places[self.arm == arm] = moments.position
        chosen = largest[np.lexsort((places[largest], self.arm[largest]))[0]]
        return int(chosen), len(largest) == 1

    def _sizes_of_units(self) -> Floats:
        if (self.n != self.n[0]).any():
            return self.n
        centre = np.array([moments.ratio for moments in self.moments])[self.arm]
        sizes: Floats = np.abs(self.y) if self.paired else np.abs(self.y - centre * self.n)
        return sizes

    def without_unit(self, position: int) -> tuple[float, float]:
        """Estimate and variance without one unit."""
        arm = int(self.arm[position])
        estimate = variance = 0.0
        for i, (sign, moments) in enumerate(zip(self.signs, self.moments, strict=True)):
            left = moments
            if i == arm:
                own = self.cluster[position]
                place = int(moments.position[np.flatnonzero(self.cluster[self.arm == arm] == own)[0]])
                left = moments.without(place, float(self.y[position]), float(self.n[position]))
            estimate += sign * left.ratio
            variance += left.variance
        return float(estimate), float(variance)

    def of_first_repetition(self, question: Question) -> Contributions | None:
        """The same of one answer per unit and variant; None where units lack it."""
        if not self.paired or question.kind is MetricKind.PREFERENCE:
            return None
        rows, (a, b) = question.values.rows, question.codes
        first = np.full((2, question.table.n_units), np.nan)
        order = np.argsort(-rows.repetition, kind="stable")
        for place, code in enumerate((a, b)):
            mine = order[rows.variant[order] == code]
            first[place, rows.unit[mine]] = rows.value[mine]
        y = (first[1] - first[0])[self.units]
        return replace(self, y=y) if np.isfinite(y).all() else None

    def with_missing(self, question: Question, *, against: float) -> tuple[Floats, Floats] | None:
        """Estimates and variances with 1, 2, … of the missing rows gone ``against`` (1 up, −1 down) as far as can be.

        The rows that move it most go first; each counts as a cluster of its own. None without missing rows, and for
        metrics whose range is not known from their values.
        """
        missing = self._missing_values(question, against)
        if missing is None or not len(missing[0]):
            return None
        y, arm = missing
        order = np.argsort(-against * y * np.array(self.signs)[arm], kind="stable")
        moments = self.moments
        estimate, variance = np.zeros(len(y)), np.zeros(len(y))
        for i, sign in enumerate(self.signs):
            mine = arm[order] == i
            grown = moments[i].with_units(np.where(mine, y[order], 0.0), mine.astype(np.float64))
            estimate += sign * grown[0]
            variance += grown[1]
        return estimate, variance

    def _missing_values(self, question: Question, against: float) -> tuple[Floats, Codes] | None:
        values = question.values
        if values.rated or question.kind in {MetricKind.PREFERENCE, MetricKind.RATIO} or not len(values.rows.value):
            return None
        low, high = float(values.rows.value.min()), float(values.rows.value.max())
        if question.kind is MetricKind.BINARY or (low >= 0 and high <= 1 and values.definition.unit == "points"):
            low, high = 0.0, 1.0
        a, b = (values.value[code] for code in question.codes)
        there = [question.mask & values.present[code] for code in question.codes]
        best = (high, low) if against > 0 else (low, high)
        if self.paired:
            gone = (there[0] | there[1]) & ~(np.isfinite(a) & np.isfinite(b))
            if not gone.any():
                return None
            treatment = np.where(np.isfinite(b), b, best[0])[gone]
            control = np.where(np.isfinite(a), a, best[1])[gone]
            return treatment - control, np.zeros(int(gone.sum()), dtype=np.intp)
        counts = [int((flags & ~np.isfinite(held)).sum()) for flags, held in zip(there, (a, b), strict=True)]
        y = np.concatenate((np.full(counts[0], best[1]), np.full(counts[1], best[0])))
        return y, np.repeat(np.array([0, 1], dtype=np.intp), counts)

    def _moments(self, arm: int) -> _Moments:
        own = slice(None) if len(self.signs) == 1 else self.arm == arm
        _, first, position = np.unique(self.cluster[own], return_index=True, return_inverse=True)
        # Sums are made in an order that depends on the values alone, so that names and row order change no digit.
        order = np.lexsort((self.n[own], self.y[own]))
        y, n = (
            np.bincount(position[order], weights=column[own][order]).astype(np.float64) for column in (self.y, self.n)
        )
        by_content = np.lexsort((n, y))
        rank = np.empty(len(by_content), dtype=np.intp)
        rank[by_content] = np.arange(len(by_content))
        y, n = y[by_content], n[by_content]
        centre = float(y.sum() / n.sum())
        return _Moments(centre, y - centre * n, n, self.units[own][first][by_content], rank[position])


@dataclass(frozen=True, slots=True)
class _Moments:
    """Sums per cluster, centred by the ratio so that squares lose no digits: ``e`` sums to 0.

    ``first`` is the first unit of each cluster, ``position`` the cluster of each unit of the arm.
    """

    ratio: float
    e: Floats
    n: Floats
    first: Codes
    position: Codes

    def without(self, place: int, y: float, n: float) -> _Moments:
        """The sums with one unit taken out of its cluster, which goes when it was alone."""
        e, weights = self.e.copy(), self.n.copy()
        e[place] -= y - self.ratio * n
        weights[place] -= n
        kept = weights > 0
        e, weights = e[kept], weights[kept]
        shift = float(e.sum() / weights.sum())
        return replace(self, ratio=self.ratio + shift, e=e - shift * weights, n=weights)

    @property
    def variance(self) -> float:
        """k/(k − 1) · Σe² / (Σn)²; 0 for one cluster."""
        k = len(self.e)
        return float((self.e**2).sum() * k / (k - 1) / self.n.sum() ** 2) if k > 1 else 0.0

    def without_each(self) -> tuple[Floats, Floats]:
        """Ratio and variance without each cluster in turn."""
        return self._shifted((-self.e, -self.n, -(self.e**2), -self.e * self.n, -(self.n**2)), -1)

    def with_units(self, y: Floats, n: Floats) -> tuple[Floats, Floats]:
        """Ratio and variance with the first 1, 2, … of further units, each a cluster; n = 0 adds nothing."""
        e = y - self.ratio * n
        sums = tuple(np.cumsum(column) for column in (e, n, e * e, e * n, n * n))
        return self._shifted(sums, np.cumsum(n > 0))

    def _shifted(self, added: tuple[Floats, ...], k: np.ndarray | int) -> tuple[Floats, Floats]:
        """Ratio and variance with sums of e, n, e², e·n and n² added, and k clusters more."""
        e, n, ee, en, nn = added
        total_n, count = self.n.sum() + n, len(self.e) + k
        shift = (self.e.sum() + e) / total_n
        squares = (
            ((self.e**2).sum() + ee) - 2 * shift * ((self.e * self.n).sum() + en) + shift**2 * ((self.n**2).sum() + nn)
        )
        return self.ratio + shift, np.maximum(squares, 0.0) * count / np.maximum(count - 1, 1) / total_n**2


def contributions_of(question: Question, design: Design) -> Contributions | None:
    """The contributions behind a comparison of means or ratios; None for what is no sum (ranks, paired ratios)."""
    if question.kind is MetricKind.PREFERENCE:
        items, shares, _ = item_votes(question)
        return _paired(question, items, shares - 0.5)
    if design is Design.PAIRED:
        if question.kind is MetricKind.RATIO:
            return None
        a, b = question.codes
        differences = question.values.value[b] - question.values.value[a]
        units = np.flatnonzero(question.mask & np.isfinite(differences))
        return _paired(question, units, differences[units])
    if question.kind is MetricKind.ORDINAL:
        return None
    return _independent(question)


def _paired(question: Question, units: Codes, differences: Floats) -> Contributions | None:
    if len(units) < 3:
        return None
    return Contributions(
        units,
        differences,
        np.ones(len(units)),
        np.zeros(len(units), dtype=np.intp),
        (1.0,),
        _clusters(question, units),
        paired=True,
    )


def _independent(question: Question) -> Contributions | None:
    values = question.values
    by_unit = question.kind is MetricKind.SCORE
    weights = values.denominator if values.denominator is not None else values.count
    parts: list[tuple[Codes, Floats, Floats]] = []
    for code in question.codes:
        units = np.flatnonzero(question.mask & np.isfinite(values.value[code]))
        if len(units) < 3:
            return None
        y = values.value[code, units] if by_unit else values.total[code, units]
        parts.append((units, y, np.ones(len(units)) if by_unit else weights[code, units]))
    units, y, n = (np.concatenate([part[i] for part in parts]) for i in range(3))
    if not (n > 0).all():
        return None
    arm = np.repeat(np.array([0, 1], dtype=np.intp), [len(part[0]) for part in parts])
    return Contributions(units.astype(np.intp), y, n, arm, (-1.0, 1.0), _clusters(question, units), paired=False)


def _clusters(question: Question, units: Sequence[int] | Codes) -> Codes:
    clusters = question.table.clusters
    return np.asarray(units, dtype=np.intp) if clusters is None else clusters[np.asarray(units)]
