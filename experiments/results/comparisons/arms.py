"""What each variant scored by itself, with limits that suit the metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.compare import shown_unit
from experiments.results.comparisons.question import QUANTILES
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import MetricValues, UnitTable
from experiments.stats.clustered import Codes, Floats, cluster_mean
from experiments.stats.equal_values import equal_range, scale_of
from experiments.stats.estimates import NotEstimable, number
from experiments.stats.proportions import at_most, clopper_pearson, wilson
from experiments.stats.quantiles import order_statistic_interval
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import Design, Direction, MetricKind

RARE = 5
"""With this many failures or fewer, limits of a rate are the exact ones."""


@dataclass(frozen=True, slots=True)
class ArmValue:
    """One variant's value of one metric over all its units; limits are None where the data carry none.

    ``at_most`` is the highest rate of the bad outcome that so few of them leave credible (one-sided, exact).
    """

    metric: str
    aggregate: str
    variant: str
    unit: str
    n_units: int
    value: float | None
    lower: float | None = None
    upper: float | None = None
    at_most: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **{name: getattr(self, name) for name in ("metric", "aggregate", "variant", "unit", "n_units")},
            **{name: number(getattr(self, name)) for name in ("value", "lower", "upper", "at_most")},
        }


class Numbers(NamedTuple):
    """A value with its limits, as far as they can be had."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    at_most: float | None = None


def arm_values(table: UnitTable, target: Target, *, mask: Flags, alpha: float | None, design: Design) -> list[ArmValue]:
    """The value of every variant, in the order of their names; without ``alpha`` no limits (results are watched)."""
    values = table.metrics.get(target.metric)
    if values is None:
        return []
    unit = shown_unit(values, design)
    found = []
    for code, name in enumerate(table.variants):
        units = np.flatnonzero(mask & np.isfinite(values.value[code]))
        arm = ArmValue(target.metric, target.aggregate, name, unit, len(units), None)
        if len(units):
            numbers = _numbers(table, values, target, code, units, alpha=alpha)
            arm = replace(arm, **numbers._asdict())
        found.append(arm)
    return found


def _numbers(
    table: UnitTable, values: MetricValues, target: Target, code: int, units: Codes, *, alpha: float | None
) -> Numbers:
    if target.aggregate != "mean":
        return _percentile(values, target.aggregate, code, units, alpha=alpha)
    if values.definition.kind is MetricKind.RATIO and values.denominator is not None:
        total = float(np.sort(values.denominator[code, units]).sum())
        return Numbers(float(np.sort(values.total[code, units]).sum()) / total if total > 0 else None)
    held = values.value[code, units]
    mean = float(np.sort(held).mean())
    if alpha is None:
        return Numbers(mean)
    clusters = None if table.clusters is None else table.clusters[units]
    lone = clusters is None or len(np.unique(clusters)) == len(units)
    if values.definition.kind is MetricKind.BINARY and lone and np.isin(held, (0.0, 1.0)).all():
        return _rate(int(held.sum()), len(units), direction=values.definition.direction, alpha=alpha)
    return Numbers(mean, *_mean_limits(held, clusters, kind=values.definition.kind, alpha=alpha))


def _percentile(values: MetricValues, aggregate: str, code: int, units: Codes, *, alpha: float | None) -> Numbers:
    rows = values.rows
    held = np.sort(rows.value[(rows.variant == code) & np.isin(rows.unit, units)])
    point = float(np.quantile(held, QUANTILES[aggregate]))
    if alpha is None or len(held) != len(units):
        return Numbers(point)
    limits = order_statistic_interval(held, QUANTILES[aggregate], alpha=alpha)
    return Numbers(point) if isinstance(limits, NotEstimable) else Numbers(point, limits.lower, limits.upper)


def _rate(yes: int, n: int, *, direction: Direction, alpha: float) -> Numbers:
    bad = n - yes if direction is Direction.HIGHER else yes
    exact = min(yes, n - yes) <= RARE
    limits = clopper_pearson(yes, n, alpha=alpha) if exact else wilson(yes, n, alpha=alpha)
    highest = at_most(bad, n, alpha=alpha) if bad <= RARE else None
    return Numbers(yes / n, limits.lower, limits.upper, highest)


def _mean_limits(
    held: Floats, clusters: Codes | None, *, kind: MetricKind, alpha: float
) -> tuple[float | None, float | None]:
    codes = np.arange(len(held)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    order = np.lexsort((held, codes))
    if int(codes.max()) < 1:
        return None, None
    found = cluster_mean(held[order], codes[order].astype(np.intp))
    if not found.varies:
        scale = scale_of(kind, found.mean, found.mean)
        if scale is None:
            return None, None
        equal = equal_range(found.mean, (scale.low, scale.high), int(codes.max()) + 1, reading=Reading(alpha))
        return equal.lower, equal.upper
    half = Reading(alpha).multiplier(n_units=found.n_rows, df=found.df) * found.standard_error
    return found.mean - half, found.mean + half


def arms_from_sums(
    sums: Mapping[str, UnitSums], target: Target, *, unit: str, kind: MetricKind, alpha: float | None
) -> list[ArmValue]:
    """The same from sums per variant."""
    found = []
    for name in sorted(sums):
        arm = sums[name]
        if arm.units == 0 or arm.n <= 0:
            found.append(ArmValue(target.metric, target.aggregate, name, unit, arm.units, None))
            continue
        value = arm.mean if kind in {MetricKind.SCORE, MetricKind.ORDINAL} else arm.ratio
        lower = upper = None
        if alpha is not None and arm.units > 1 and arm.ratio_variance > 0:
            half = Reading(alpha).multiplier(n_units=arm.units, df=arm.units - 1) * arm.ratio_variance**0.5
            lower, upper = value - half, value + half
        found.append(ArmValue(target.metric, target.aggregate, name, unit, arm.units, value, lower, upper))
    return found
