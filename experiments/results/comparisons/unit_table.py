"""The analysis table, read and reduced: one value per variant and unit, whatever the repetitions, raters or requests.

Sums are made in an order that depends on the values alone, so that row order and names change no digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.errors import BakeoffError
from experiments.plans.plan import MetricDefinition
from experiments.results.comparisons import columns as read
from experiments.results.comparisons.columns import Flags, Texts
from experiments.stats.clustered import Codes, Floats, totals
from experiments.vocabulary import Direction, MetricKind, RowStatus

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("variant", "opponent")

FEWEST_COPIED = 10
"""Different rows from which on "every row stands twice" is no accident."""


@dataclass(frozen=True, slots=True)
class LongRows:
    """Rows of one metric as columns of equal length; codes are −1 where there is no rater, opponent or repetition."""

    variant: Codes
    unit: Codes
    rater: Codes
    opponent: Codes
    repetition: Codes
    value: Floats
    usable: Flags
    denominator: Floats

    def at(self, index: Codes | Flags) -> LongRows:
        """Some of the rows."""
        return LongRows(
            self.variant[index],
            self.unit[index],
            self.rater[index],
            self.opponent[index],
            self.repetition[index],
            self.value[index],
            self.usable[index],
            self.denominator[index],
        )


@dataclass(frozen=True, slots=True)
class MetricValues:
    """One metric, everything (variants × units). ``value`` is the mean of the unit's rows, NaN where there is none.

    ``failed`` marks units that have rows but no usable value, ``errors`` those of them whose call failed (the others
    were answered and got no score), ``refused`` those with a refused answer, ``present`` those that have rows at all.
    ``rows`` are the usable ones in canonical order.
    """

    definition: MetricDefinition
    value: Floats
    total: Floats
    count: Floats
    denominator: Floats | None
    present: Flags
    failed: Flags
    errors: Flags
    refused: Flags
    rows: LongRows
    covariate: Floats | None
    duplicates: int

    @property
    def rated(self) -> bool:
        """Whether the values come from raters."""
        return bool((self.rows.rater >= 0).any())


@dataclass(frozen=True, slots=True)
class UnitTable:
    """All metrics of the table over the same units. ``clusters`` holds a code per unit, None when rows stand alone.

    ``variants`` are those of the experiment, ``seen`` those that the table has rows of (or votes against).
    ``rater_names`` stand in the order of the rater codes.
    """

    variants: tuple[str, ...]
    seen: frozenset[str]
    unit_names: tuple[str, ...]
    clusters: Codes | None
    slices: Mapping[str, Texts]
    metrics: Mapping[str, MetricValues]
    days: float | None
    rater_names: tuple[str, ...] = ()

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.unit_names)

    def code(self, variant: str) -> int:
        """Position of a variant."""
        return self.variants.index(variant)

    def units_of(self, variant: str) -> Flags:
        """Units that have any row in the variant."""
        position = self.code(variant)
        seen = np.zeros(self.n_units, dtype=bool)
        for metric in self.metrics.values():
            seen |= metric.present[position]
        return seen

    def has(self, variant: str) -> bool:
        """Whether the table has rows of the variant."""
        return variant in self.seen


def read_table(
    table: pd.DataFrame,
    *,
    metrics: Mapping[str, MetricDefinition],
    wanted: Sequence[str],
    variants: Sequence[str] = (),
    slices: Sequence[str] = (),
    failed_as_zero: bool = False,
) -> UnitTable:
    """The table reduced to units. Metrics that are not ``wanted`` are ignored, and so are further columns.

    Raises:
        BakeoffError: ``bad_table`` with the column and the first bad row, ``unknown_metric`` for a wanted metric
            without a definition.
    """
    read.check_columns(table, slices)
    for name in wanted:
        if name not in metrics:
            told = f"The plan names the metric {name!r}, which nobody has described."
            raise BakeoffError("unknown_metric", told, "Give its kind under 'metrics', or correct the name.")
    metric_codes, metric_names = read.factorize(table["metric"])
    seen = {str(name) for column in SIDES if column in table.columns for name in table[column].dropna().unique()}
    variant, variant_names = read.factorize(table["variant"], [*variants, *seen])
    unit, unit_names = read.factorize(table["unit_id"])
    status = read.status(table)
    value, shape = read.numbers(table, "value"), (len(variant_names), len(unit_names))
    rater, rater_names = read.optional_codes(table, "rater_id")
    rows = LongRows(
        variant=variant,
        unit=unit,
        rater=rater,
        opponent=read.codes_among(table, "opponent", variant_names),
        repetition=read.ordered_codes(table, "repetition"),
        value=value,
        usable=np.isin(status.astype(str), read.ANSWERED) & np.isfinite(value),
        denominator=_column(table, "denominator"),
    )
    errors, refused = (status == name.value for name in (RowStatus.ERROR, RowStatus.REFUSED))
    covariate = _column(table, "covariate")
    votes = any(metrics[name].kind is MetricKind.PREFERENCE for name in wanted if name in metric_names)
    reduced = {}
    for name in (name for name in wanted if name in metric_names):
        mine = np.flatnonzero(metric_codes == metric_names.index(name))
        own = rows.at(mine)
        marked = tuple(_cells(own, flags[mine], shape) for flags in (errors, refused))
        if failed_as_zero and _zero_is_worst(metrics[name]):
            own = replace(own, value=np.where(errors[mine], 0.0, own.value), usable=own.usable | errors[mine])
        if metrics[name].kind is MetricKind.PREFERENCE:
            own = both_sides(own, len(variant_names))
        reduced[name] = _reduce(own, metrics[name], marked, _per_unit(unit[mine], covariate[mine], shape[1]))
    return UnitTable(
        variants=tuple(variant_names),
        seen=frozenset(seen) if len(variant_names) > 2 or not votes else frozenset(variant_names),
        unit_names=tuple(unit_names),
        clusters=read.clusters(table, unit, len(unit_names)),
        slices={name: read.one_per_unit(table[name], unit, len(unit_names)) for name in slices},
        metrics=reduced,
        days=read.times(table)[2],
        rater_names=rater_names,
    )


def both_sides(rows: LongRows, n_variants: int) -> LongRows:
    """Every vote told once from each side, as shares: 1 preferred, 0.5 tie, 0 not.

    A vote may stand in the table from one side or from both, as 1, 0.5, 0 or as 1, 0, −1. With two variants the
    opponent goes without saying.

    Raises:
        BakeoffError: ``bad_table`` when there are more and the opponent is missing, and for values beyond 1.
    """
    opponent = np.where(rows.opponent < 0, 1 - rows.variant, rows.opponent) if n_variants == 2 else rows.opponent
    if (opponent < 0).any() or (opponent == rows.variant).any():
        raise BakeoffError(
            "bad_table",
            "A vote between more than two variants does not say against which one.",
            "Add a column 'opponent' with the name of the other variant.",
        )
    held = rows.value[rows.usable]
    if (np.abs(held) > 1).any():
        raise BakeoffError(
            "bad_table",
            f"A vote has the value {float(held[np.abs(held) > 1][0]):.4g}.",
            "Write 1 where the variant was preferred, 0.5 for a tie, 0 where it was not.",
        )
    value = (rows.value + 1) / 2 if (held < 0).any() else rows.value
    own = replace(rows, opponent=opponent, value=value)
    other = replace(own, variant=opponent, opponent=rows.variant, value=1 - value)
    both = [np.concatenate(pair) for pair in zip(_columns(own), _columns(other), strict=True)]
    whole = LongRows(*both)
    # The same vote told from both sides is one: keys are equal, and the first of each (the table's own) stays.
    keys = np.column_stack((whole.variant, whole.opponent, whole.unit, whole.rater, whole.repetition))
    told_once = np.unique(keys, axis=0, return_index=True)[1]
    repeated = len(np.unique(keys[: len(value)], axis=0)) < len(value)
    return whole if repeated else whole.at(np.sort(told_once))


def _columns(rows: LongRows) -> tuple[np.ndarray, ...]:
    return (
        *(rows.variant, rows.unit, rows.rater, rows.opponent),
        *(rows.repetition, rows.value, rows.usable, rows.denominator),
    )


def _cells(rows: LongRows, flags: Flags, shape: tuple[int, int]) -> Flags:
    """Which units (variants × units) have a row that is flagged."""
    cell = rows.variant[flags] * shape[1] + rows.unit[flags]
    marked: Flags = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape) > 0
    return marked


def _reduce(
    rows: LongRows, definition: MetricDefinition, marked: tuple[Flags, ...], covariate: Floats | None
) -> MetricValues:
    errors, refused = marked
    shape = (errors.shape[0], errors.shape[1])
    cell = rows.variant * shape[1] + rows.unit
    order = np.lexsort((rows.opponent, rows.rater, rows.value, cell))
    rows, cell = rows.at(order), cell[order]
    copies, duplicates = _copies(rows, cell)
    size = shape[0] * shape[1]
    present = np.bincount(cell, minlength=size) > 0
    kept = rows.usable & ~copies
    used, used_cell = rows.at(kept), cell[kept]
    count = np.bincount(used_cell, minlength=size).astype(np.float64)
    total = totals(used_cell, used.value, size)
    mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    lost = (present & (count == 0)).reshape(shape)
    return MetricValues(
        definition=definition,
        value=mean.reshape(shape),
        total=total.reshape(shape),
        count=count.reshape(shape),
        denominator=_denominators(used, used_cell, shape, definition),
        present=present.reshape(shape),
        failed=lost,
        errors=lost & errors,
        refused=refused,
        rows=used,
        covariate=covariate,
        duplicates=duplicates,
    )


def values_at(values: MetricValues, index: Flags) -> MetricValues:
    """The metric from some of its rows only; a unit that has none of them has no value and is not present."""
    rows, shape = values.rows.at(index), (values.value.shape[0], values.value.shape[1])
    size = shape[0] * shape[1]
    cell = rows.variant * shape[1] + rows.unit
    count = np.bincount(cell, minlength=size).astype(np.float64)
    total = totals(cell, rows.value, size)
    mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return replace(
        values,
        value=mean.reshape(shape),
        total=total.reshape(shape),
        count=count.reshape(shape),
        denominator=_denominators(rows, cell, shape, values.definition),
        present=(count > 0).reshape(shape),
        rows=rows,
    )


def _copies(rows: LongRows, cell: Codes) -> tuple[Flags, int]:
    """Rows that repeat one before them in everything, and how many share the key of another."""
    if (rows.repetition < 0).all():
        return _copies_of_all(rows, cell)
    keys = np.column_stack((cell, rows.repetition, rows.rater, rows.opponent))
    group = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    pairs = np.column_stack((group, np.unique(rows.value, return_inverse=True)[1].ravel()))
    copies = np.ones(len(cell), dtype=bool)
    copies[np.unique(pairs, axis=0, return_index=True)[1]] = False
    return copies, len(cell) - int(group.max(initial=-1)) - 1


def _copies_of_all(rows: LongRows, cell: Codes) -> tuple[Flags, int]:
    """The same where repetitions have no number, for rows that are sorted by cell and value.

    Two equal rows may be two repetitions there, so only a table in which every row stands several times was exported
    several times.
    """
    columns = (cell, rows.value, rows.rater, rows.opponent, rows.denominator)
    starts = np.ones(len(cell), dtype=bool)
    if len(cell):
        starts[1:] = np.any([~_same(c[1:], c[:-1]) for c in columns], axis=0)
    first = np.flatnonzero(starts)
    lengths = np.diff(np.append(first, len(cell)))
    times = int(np.gcd.reduce(lengths)) if len(lengths) >= FEWEST_COPIED else 1
    place = np.arange(len(cell)) - np.repeat(first, lengths)
    copies: Flags = place >= np.repeat(lengths // times, lengths)
    return copies, int(copies.sum())


def _same(a: Floats | Codes, b: Floats | Codes) -> Flags:
    """Equal, where two missing values are equal."""
    equal: Flags = (a == b) | ((a != a) & (b != b))  # noqa: PLR0124 - what is missing is unlike itself
    return equal


def _zero_is_worst(definition: MetricDefinition) -> bool:
    return definition.kind in {MetricKind.BINARY, MetricKind.SCORE} and definition.direction is Direction.HIGHER


def _denominators(rows: LongRows, cell: Codes, shape: tuple[int, int], definition: MetricDefinition) -> Floats | None:
    if not np.isfinite(rows.denominator).any():
        if definition.kind is MetricKind.RATIO and len(cell):
            raise BakeoffError(
                "bad_table",
                f"The metric {definition.name!r} is a ratio, but its rows have no denominator.",
                "Add a column 'denominator', or describe the metric as a score.",
            )
        return None
    weights = np.nan_to_num(rows.denominator, nan=1.0)
    return totals(cell, weights, shape[0] * shape[1]).reshape(shape)


def _column(table: pd.DataFrame, name: str) -> Floats:
    return read.numbers(table, name) if name in table.columns else np.full(len(table), np.nan)


def _per_unit(units: Codes, values: Floats, n_units: int) -> Floats | None:
    """The mean of each unit's known values, NaN without any; None when there are none at all."""
    known = np.isfinite(values)
    if not known.any():
        return None
    order = np.lexsort((values[known], units[known]))
    held, of_unit = values[known][order], units[known][order]
    count = np.bincount(of_unit, minlength=n_units)
    mean: Floats = np.divide(totals(of_unit, held, n_units), count, out=np.full(n_units, np.nan), where=count > 0)
    return mean
