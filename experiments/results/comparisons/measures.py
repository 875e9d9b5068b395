"""Whether the deciding measure can tell variants apart at all: not when it is 0, or 1, on every row of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.plans.plan import MetricDefinition
from experiments.results.comparisons.health import HealthCheck, failed, warned
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import Direction, MetricKind
from experiments.wording import count, metric_name

SHARES = frozenset({MetricKind.BINARY, MetricKind.SCORE})
"""Kinds whose values end at 0 and 1 by their nature, where a row of zeros or ones is a floor or a ceiling."""


def measure_check(study: Study, primary: Target, *, minimum: int) -> HealthCheck | None:
    """The check ``measure``: fails where every row of all variants has the value 0, or 1; warns where one variant does.

    None below ``minimum`` rows, where nothing is known yet, and for metrics whose values have no ends. In a swap, all
    rows at the best value are what was hoped for; they warn.
    """
    values = study.table.metrics.get(primary.metric)
    if values is None or values.definition.kind not in SHARES or primary.aggregate != "mean":
        return None
    ends = {}
    for name in (study.control, *study.challengers):
        held = values.value[study.table.code(name), study.mask] if study.table.has(name) else np.empty(0)
        known = held[np.isfinite(held)]
        if len(known) < minimum:
            return None
        ends[name] = (len(known), _end(float(known.min()), float(known.max())))
    return _told(ends, values.definition, unit="row", swap=study.plan.intent == "swap")


def measure_check_of_sums(
    arms: Mapping[str, UnitSums], definition: MetricDefinition, names: Sequence[str], *, minimum: int, swap: bool
) -> HealthCheck | None:
    """The same for live users known by sums only."""
    if definition.kind not in SHARES or any(name not in arms or arms[name].units < minimum for name in names):
        return None
    ends = {}
    for name in names:
        sums = arms[name]
        ends[name] = (sums.units, _end(sums.lowest, sums.highest))
    return _told(ends, definition, unit="user", swap=swap)


def _end(low: float, high: float) -> float | None:
    """0 or 1 when all values are that, else None."""
    return low if low == high and low in {0.0, 1.0} else None


def _told(
    ends: Mapping[str, tuple[int, float | None]], definition: MetricDefinition, *, unit: str, swap: bool
) -> HealthCheck | None:
    worst = 0.0 if definition.direction is Direction.HIGHER else 1.0
    reached = {end for _, end in ends.values()}
    measure, names = metric_name(definition.name), " and ".join(ends)
    if len(reached) > 1 or reached == {None}:
        stuck = [name for name, (_, end) in ends.items() if end == worst]
        if not stuck:
            return None
        n_units = count(ends[stuck[0]][0], unit)
        return warned("measure", f"{_sentence(measure)} is {worst:.0f} on all {n_units} of {stuck[0]}; read a few.")
    (end,) = reached
    largest = max(n for n, _ in ends.values())
    told = f"{_sentence(measure)} is {end:.0f} on every {unit} of {names} ({count(largest, unit)})"
    if end == worst:
        return failed("measure", f"{told}: it tells no variant from another. Read a few answers and check the measure.")
    if swap:
        return warned("measure", f"{told}: it shows that nothing is lost, not which is better.")
    return failed("measure", f"{told}: it cannot show a gain. Choose harder rows or a stricter measure.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
