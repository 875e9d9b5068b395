"""Why a table gives nothing to compare: a misspelled metric, ids that do not meet, the other design, limits in vain.

Named before what follows from it, so that nobody reads "only 0 rows" of a table with a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.errors import nearest
from experiments.results.comparisons.health import HealthCheck, failed, warned
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import MetricValues
from experiments.vocabulary import Design, MetricKind, MetricRole
from experiments.wording import amount, count, metric_name

SHOWN_ID = 24


def cause_checks(study: Study, targets: Sequence[Target], *, named: Sequence[str], crossed: int) -> list[HealthCheck]:
    """What is wrong with the table itself, the deepest cause first; empty where it can be compared.

    ``named`` are the metrics of the table, ``crossed`` the units of an independent design that met several variants.
    """
    primary = targets[0]
    values = study.table.metrics.get(primary.metric)
    if values is None:
        return [_no_such_metric(primary, named)]
    found = [_other_design(study, crossed), _ids(study, values), _no_values(study, values), *_limits(study, targets)]
    return [check for check in found if check is not None]


def _no_such_metric(primary: Target, named: Sequence[str]) -> HealthCheck:
    told = f"No row has the metric {primary.metric!r}, on which the plan decides."
    return failed("names", f"{told} {nearest(primary.metric, sorted(named))}")


def _other_design(study: Study, crossed: int) -> HealthCheck | None:
    """Most units of an independent design met several variants: they are rows, not users."""
    if study.design is Design.PAIRED or 2 * crossed < study.table.n_units or not crossed:
        return None
    told = f"{crossed:,} of {count(study.table.n_units, 'unit')} met more than one variant"
    return failed("design", f"{told}: these are the same rows under each variant. Write 'design: paired'.")


def _ids(study: Study, values: MetricValues) -> HealthCheck | None:
    """Variants of a paired design share their rows."""
    if study.design is not Design.PAIRED or values.definition.kind is MetricKind.PREFERENCE:
        return None
    for name in study.challengers:
        if not (study.table.has(study.control) and study.table.has(name)):
            continue
        codes = [study.table.code(variant) for variant in (study.control, name)]
        there = [values.present[code] & study.mask for code in codes]
        sizes, shared = [int(flags.sum()) for flags in there], int((there[0] & there[1]).sum())
        if not min(sizes) or shared * 2 >= min(sizes):
            continue
        alone = [_first_id(study, own & ~other) for own, other in (there, there[::-1])]
        told = f"{study.control} and {name} share {shared:,} of {max(sizes):,} rows"
        ids = f"({study.control} alone has {alone[0]}, {name} alone {alone[1]})"
        cure = (
            "Give a row the same unit_id in every variant; if each unit met one variant, write 'design: independent'."
        )
        return failed("ids", f"{told} {ids}. {cure}")
    return None


def _first_id(study: Study, flags: np.ndarray) -> str:
    name = study.table.unit_names[int(flags.argmax())]
    return repr(name[:SHOWN_ID])


def _no_values(study: Study, values: MetricValues) -> HealthCheck | None:
    """A variant all of whose rows are without a value of the deciding metric."""
    for name in (study.control, *study.challengers):
        if not study.table.has(name) or values.definition.kind is MetricKind.PREFERENCE:
            continue
        code = study.table.code(name)
        rows = study.mask & values.present[code]
        if not rows.any() or (rows & ~values.failed[code]).any():
            continue
        broken = int((rows & values.errors[code]).sum())
        n_rows, what = int(rows.sum()), metric_name(values.definition.name)
        why = f"the calls of {broken:,} failed" if broken else "none of them got one"
        return failed("values", f"No row of {name} has a value of {what}: of {count(n_rows, 'row')}, {why}.")
    return None


def _limits(study: Study, targets: Sequence[Target]) -> list[HealthCheck]:
    """Effects and margins that this data can never reach, and shares of a control that is 0 or less."""
    found = []
    for target in targets:
        values = study.table.metrics.get(target.metric)
        decides = target.role is MetricRole.PRIMARY
        if values is None or not (decides or target.role is MetricRole.GUARDRAIL) or not len(values.rows.value):
            continue
        if values.definition.kind is MetricKind.PREFERENCE:
            continue
        plan = study.plan.primary
        relative = plan.relative if decides else target.margin_relative
        limit = plan.smallest_effect if decides else target.margin or 0.0
        if relative:
            found.append(_share_of_nothing(study, values, target))
        else:
            found.append(_beyond_values(values, target, limit, decides=decides))
    return [check for check in found if check is not None]


def _share_of_nothing(study: Study, values: MetricValues, target: Target) -> HealthCheck | None:
    means = []
    for name in (study.control, *study.challengers):
        held = values.value[study.table.code(name), study.mask] if study.table.has(name) else np.empty(0)
        known = held[np.isfinite(held)]
        means.append(float(known.mean()) if len(known) else np.nan)
    if np.isnan(means[0]) or means[0] > 0 or all(mean == means[0] for mean in means):
        return None
    name, unit = metric_name(target.metric, target.aggregate), values.definition.unit
    level = amount(means[0], unit)
    told = f"The limit on {name} is a share of {study.control}'s value, which is {level}"
    return failed("limits", f"{told}: a share of that is none. Give it in the metric's unit, without 'relative'.")


def _beyond_values(values: MetricValues, target: Target, limit: float, *, decides: bool) -> HealthCheck | None:
    """A difference larger than from 0 to the largest value there is cannot be."""
    held = values.rows.value
    widest = max(float(held.max()), 0.0) - min(float(held.min()), 0.0)
    if limit <= widest or widest == 0:
        return None
    name, unit = metric_name(target.metric, target.aggregate), values.definition.unit
    told = f"values of {name} go no further than {amount(widest, unit)}"
    if decides:
        cure = f"Correct 'smallest_effect' (is it {limit / 100:g}?)."
        return failed("limits", f"The plan asks for a gain of {amount(limit, unit)}, but {told}. {cure}")
    return warned("limits", f"A limit of {amount(limit, unit)} can never be broken: {told}.")
