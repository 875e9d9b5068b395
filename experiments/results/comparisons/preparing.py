"""Everything that must be known before anything is compared: units, sizes, and how the result may be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.plans.plan import SYSTEM_METRICS, MetricDefinition, Plan
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.health import MINIMUM_LIVE, MINIMUM_OFFLINE
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target, targets_of
from experiments.results.comparisons.unit_table import UnitTable, read_table
from experiments.results.peeking import HowToRead, Look, how_to_read
from experiments.vocabulary import Design, MetricKind

if TYPE_CHECKING:
    import pandas as pd

CHOOSE_BY = ("cost_usd", "latency_ms", "prompt_tokens")
"""Metrics that break ties between challengers, where the table has them."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Units that can be judged, units that were tried, and values behind them (repetitions counted)."""

    used: int
    seen: int
    values: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The study with its targets and sizes.

    ``crossed`` counts units that met several variants and are left out, ``named`` are the metrics of the table.
    """

    study: Study
    targets: tuple[Target, ...]
    definitions: Mapping[str, MetricDefinition]
    wanted: tuple[str, ...]
    how: HowToRead
    sizes: Sizes
    minimum: int
    crossed: int
    named: tuple[str, ...]
    live: bool

    @property
    def primary(self) -> Target:
        """The target that decides."""
        return self.targets[0]


def prepare(
    table: pd.DataFrame,
    *,
    plan: Plan,
    metrics: Mapping[str, MetricDefinition],
    control: str,
    design: Design,
    slices: Sequence[str],
    seed: int,
    live: bool,
    looks: Sequence[Look],
    planned_units: int | None,
    variants: Sequence[str] | None,
    beside: Sequence[str] = (),
) -> Prepared:
    """The table reduced to units under the plan; arguments as in ``analysis.analyse``.

    Raises:
        BakeoffError: ``bad_table`` or ``unknown_metric``.
    """
    definitions = {**SYSTEM_METRICS, **metrics}
    targets = targets_of(plan, beside=beside)
    wanted = tuple(dict.fromkeys([*(t.metric for t in targets), *_for_choosing(table, definitions)]))
    units = read_table(
        table,
        metrics=definitions,
        wanted=wanted,
        variants=(control, *(variants or ())),
        slices=slices,
        failed_as_zero=plan.failed_rows == "zero",
    )
    challengers = tuple(name for name in units.variants if name != control)
    mask, crossed = _lone_units(units, design)
    sizes = _sizes(units, targets[0], (control, *challengers), mask=mask, design=design)
    how = how_to_read(
        plan, n_units=sizes.seen, n_values=sizes.values, planned_units=planned_units, live=live, looks=looks
    )
    return Prepared(
        study=Study(units, plan, design, control, challengers, how.reading, mask, seed),
        targets=targets,
        definitions=definitions,
        wanted=wanted,
        how=how,
        sizes=sizes,
        minimum=plan.minimum_units or (MINIMUM_LIVE if live else MINIMUM_OFFLINE),
        crossed=crossed,
        named=tuple(sorted(str(name) for name in table["metric"].unique())),
        live=live,
    )


def _for_choosing(table: pd.DataFrame, definitions: Mapping[str, MetricDefinition]) -> list[str]:
    if not {"metric", "value"} <= set(table.columns):
        return []
    # what nobody recorded (imported answers have no cost) is no gap in the rows
    there = set(table.loc[table["value"].notna(), "metric"].unique())
    return [name for name in CHOOSE_BY if name in there and name in definitions]


def _lone_units(units: UnitTable, design: Design) -> tuple[Flags, int]:
    """Units that count, and how many met several variants though they should have met one."""
    everybody = np.ones(units.n_units, dtype=bool)
    if design is Design.PAIRED:
        return everybody, 0
    variants = np.zeros(units.n_units, dtype=np.intp)
    for name in units.variants:
        variants += units.units_of(name)
    return variants <= 1, int((variants > 1).sum())


def _sizes(units: UnitTable, primary: Target, names: Sequence[str], *, mask: Flags, design: Design) -> Sizes:
    values = units.metrics.get(primary.metric)
    known = [name for name in names if units.has(name)]
    if values is None:
        return Sizes(0, 0, 0)
    if names[0] not in known or len(known) < 2:
        return Sizes(0, int(mask.sum()), 0)
    codes = [units.code(name) for name in known]
    if values.definition.kind is MetricKind.PREFERENCE:
        items = int((mask & np.isfinite(values.value[codes]).any(axis=0)).sum())
        return Sizes(items, items, len(values.rows.value))
    has = mask & np.isfinite(values.value[codes])
    tried = mask & values.present[codes]
    counted = int(values.count[codes].sum())
    if design is Design.PAIRED:
        used = max(int((has[0] & has[i]).sum()) for i in range(1, len(known)))
        return Sizes(used, int(tried.all(axis=0).sum()), counted)
    return Sizes(int(has.sum(axis=1).min()), int(tried.any(axis=0).sum()), counted)
