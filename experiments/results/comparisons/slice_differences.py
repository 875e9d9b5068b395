"""Do the slices of a column differ? One test per column and challenger, and each slice in the light of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.stats.estimates import Comparison, Interval, number
from experiments.stats.heterogeneity import FEWEST_TO_POOL, heterogeneity, partially_pooled
from experiments.stats.multiplicity import holm
from experiments.vocabulary import Direction, MetricKind
from experiments.wording import amount, metric_name

FEWEST_DIFFERING = 10
"""A slice of a yes/no metric counts from so many rows on that differ: with fewer its error is far from normal."""
WITHIN = {MetricKind.BINARY: 1.0, MetricKind.PREFERENCE: 0.5}
"""The largest difference that a metric of the kind can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceDifference:
    """Whether the deciding difference of one challenger differs between the values of one column.

    ``p_value`` belongs to one test, ``adjusted_p_value`` to all columns and challengers together. ``pooled`` maps slice
    labels to their estimate drawn towards the others; empty under three slices with numbers.
    """

    column: str
    metric: str
    treatment: str
    p_value: float
    adjusted_p_value: float
    differs: bool
    spread: float | None
    pooled: Mapping[str, Interval]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **{name: getattr(self, name) for name in ("column", "metric", "treatment", "differs", "sentence")},
            **{name: number(getattr(self, name)) for name in ("p_value", "adjusted_p_value", "spread")},
            "pooled": {label: interval.to_json() for label, interval in self.pooled.items()},
        }


def slice_differences(study: Study, primary: Target, comparisons: Sequence[Comparison]) -> tuple[SliceDifference, ...]:
    """The test of every slice column for the primary metric, where at least two of its slices have a range.

    Nothing while a result is watched (the test holds for one reading), and nothing of a column whose values share
    clusters: its slices are not independent of each other.
    """
    if study.reading is None or study.reading.sequential:
        return ()
    found: list[tuple[str, list[Comparison]]] = []
    for column in study.table.slices:
        if _crossed(study, column):
            continue
        for treatment in study.challengers:
            mine = [
                c
                for c in comparisons
                if c.slice is not None
                and c.slice.partition("=")[0] == column
                and (c.metric, c.aggregate, c.treatment) == (primary.metric, primary.aggregate, treatment)
                and _is_normal(c)
            ]
            if len(mine) > 1:
                found.append((column, mine))
    adjusted = holm([_p_value(mine) for _, mine in found]) if found else ()
    return tuple(
        _difference(column, mine, alpha=study.plan.alpha, adjusted=p)
        for (column, mine), p in zip(found, adjusted, strict=True)
    )


def _is_normal(comparison: Comparison) -> bool:
    error = comparison.standard_error
    if comparison.estimate is None or not error:
        return False
    return comparison.kind is not MetricKind.BINARY or (error * comparison.n_units) ** 2 >= FEWEST_DIFFERING


def _crossed(study: Study, column: str) -> bool:
    clusters, texts = study.table.clusters, study.table.slices[column]
    if clusters is None:
        return False
    pairs = np.unique(np.stack([clusters, np.unique(texts, return_inverse=True)[1]]), axis=1)
    return bool(pairs.shape[1] > len(np.unique(clusters)))


def _numbers(mine: Sequence[Comparison]) -> tuple[list[float], list[float]]:
    return [c.estimate or 0.0 for c in mine], [c.standard_error or 0.0 for c in mine]


def _p_value(mine: Sequence[Comparison]) -> float:
    return heterogeneity(*_numbers(mine), [max(2, c.n_clusters) for c in mine]).p_value


def _difference(column: str, mine: Sequence[Comparison], *, alpha: float, adjusted: float) -> SliceDifference:
    labels = [c.slice or "" for c in mine]
    pooled = partially_pooled(*_numbers(mine), alpha=alpha) if len(mine) >= FEWEST_TO_POOL else None
    groups = () if pooled is None else tuple(_within(interval, mine[0].kind) for interval in pooled.groups)
    differs = adjusted <= alpha
    return SliceDifference(
        column=column,
        metric=mine[0].metric,
        treatment=mine[0].treatment,
        p_value=_p_value(mine),
        adjusted_p_value=adjusted,
        differs=differs,
        spread=None if pooled is None else pooled.spread,
        pooled=dict(zip(labels, groups, strict=True)) if groups else {},
        sentence=_sentence(column, mine, adjusted, differs=differs),
    )


def _within(interval: Interval, kind: MetricKind) -> Interval:
    most = WITHIN.get(kind)
    if most is None:
        return interval
    values = (interval.estimate, interval.lower, interval.upper)
    return Interval(*(min(most, max(-most, value)) for value in values))


def _sentence(column: str, mine: Sequence[Comparison], adjusted: float, *, differs: bool) -> str:
    one = mine[0]
    name = metric_name(one.metric)
    if not differs:
        luck = max(1, round(100 * adjusted))
        return (
            f"The difference in {name} is not shown to depend on {column}: luck alone gives slices this far apart in "
            f"{luck} of 100 such tests."
        )
    worst, best = _ends(mine)
    return (
        f"The difference in {name} depends on {column}: from {_size(worst)} ({_value(worst)}) to {_size(best)} "
        f"({_value(best)})."
    )


def _ends(mine: Sequence[Comparison]) -> tuple[Comparison, Comparison]:
    """The slice that is worst for users, and the best one."""
    sign = 1 if mine[0].direction is Direction.HIGHER else -1
    ordered = sorted(mine, key=lambda c: sign * (c.estimate or 0.0))
    return ordered[0], ordered[-1]


def _size(comparison: Comparison) -> str:
    return amount(comparison.estimate or 0.0, comparison.unit, sign=True)


def _value(comparison: Comparison) -> str:
    return (comparison.slice or "").partition("=")[2] or "empty"
