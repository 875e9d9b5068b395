"""The units of each variant on different users: totals, requests and values from before, cut at the cap."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from experiments.results.comparisons.question import Question
from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.contributions import Capped, capped
from experiments.stats.covariates import FEWEST_KNOWN
from experiments.stats.equal_values import scale_of
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import MetricKind

AMOUNTS = frozenset({MetricKind.COST, MetricKind.LATENCY, MetricKind.RATIO})
"""Kinds without an upper end, of which one unit may carry most."""


@dataclass(frozen=True, slots=True)
class ArmUnits:
    """One variant's units. ``x`` is the value from before (filled where ``filled`` units had none), ``clusters`` codes.

    ``units`` are positions in the table.
    """

    units: Codes
    held: Capped
    x: Floats | None
    filled: int
    clusters: Codes | None
    missing: int

    def sums(self, *, centre: float, x_centre: float) -> UnitSums:
        """Sums over the units, or over their clusters where there are any."""
        if self.clusters is None:
            found = UnitSums.of(
                self.held.y, self.held.n, self.x, missing=self.missing, centre=centre, x_centre=x_centre
            )
        else:
            y, n = self.by_cluster()
            found = UnitSums.of(y, n, missing=self.missing, centre=centre)
        return replace(found.with_contributions(self.held.largest, self.held.cut), filled=self.filled)

    def by_cluster(self) -> tuple[Floats, Floats]:
        """Total and requests of every cluster, in an order that depends on the values alone."""
        codes = (
            np.arange(len(self.units)) if self.clusters is None else np.unique(self.clusters, return_inverse=True)[1]
        )
        y, n = totals(codes, self.held.y), totals(codes, self.held.n)
        order = np.lexsort((y, n))
        return y[order], n[order]


def is_amount(kind: MetricKind, values: Floats) -> bool:
    """Whether a metric has no upper end: costs and times, and scores of 0 and more beyond every usual scale."""
    if kind in AMOUNTS:
        return True
    lowest, highest = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    return kind is MetricKind.SCORE and lowest >= 0 and scale_of(kind, lowest, highest) is None


def arm_units(question: Question) -> dict[int, ArmUnits]:
    """The units of every variant of the table that has any, by code; contributions are cut at the pooled cap."""
    values, kind = question.values, question.kind
    known = {
        code: np.flatnonzero(question.mask & np.isfinite(values.value[code]))
        for code in range(len(question.table.variants))
    }
    known = {code: units for code, units in known.items() if len(units)}
    arms = [_plain(question, code, units) for code, units in known.items()]
    if not arms:
        return {}
    amounts = is_amount(kind, np.concatenate([y for y, _ in arms]))
    clusters = question.table.clusters
    x, lacking = _earlier(question, known)
    found = {}
    for (code, units), held in zip(known.items(), capped(arms, quantile=question.cap, amounts=amounts), strict=True):
        own = None if x is None else x[units]
        order = np.lexsort((held.n, held.y) if own is None else (own, held.n, held.y))
        found[code] = ArmUnits(
            units=units[order],
            held=Capped(held.y[order], held.n[order], held.cut, held.largest),
            x=None if own is None else own[order],
            filled=0 if lacking is None else int(lacking[units].sum()),
            clusters=None if clusters is None else clusters[units][order],
            missing=int((question.mask & values.failed[code]).sum()),
        )
    return found


def _plain(question: Question, code: int, units: Codes) -> tuple[Floats, Floats]:
    """Total and requests of each unit: its mean once where requests do not count."""
    values = question.values
    if question.kind in {MetricKind.SCORE, MetricKind.ORDINAL}:
        mean = values.value[code, units]
        return mean, np.ones_like(mean)
    weights = values.denominator if values.denominator is not None else values.count
    return values.total[code, units], weights[code, units]


def _earlier(question: Question, known: dict[int, Codes]) -> tuple[Floats | None, np.ndarray | None]:
    """The value from before of every unit, the mean of all arms where a unit has none, and who had none.

    None where fewer than ``FEWEST_KNOWN`` units have one.
    """
    x = question.values.covariate
    if x is None:
        return None, None
    units = np.unique(np.concatenate(list(known.values())))
    has = np.isfinite(x)
    if int(has[units].sum()) < FEWEST_KNOWN:
        return None, None
    mean = float(np.sort(x[units][has[units]]).mean())
    return np.where(has, x, mean), ~has
