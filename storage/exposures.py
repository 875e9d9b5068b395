"""Keeping what live traffic tells, each event once however often it is delivered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col

from storage.live_spend import add_spending
from storage.live_tables import ExposureCrossing, ExposureRow, GatewayCallRow, OutcomeRow, ShadowAskRow
from storage.records import ExposureRecord, OutcomeRecord, to_record
from storage.tables import table_of

Row = Mapping[str, Any]
MOST_VALUES = 512
"""Values in one ``IN (…)``."""


class Meeting(NamedTuple):
    """That a unit met a variant, as it stands in the database; ``counted`` is None for a crossing."""

    id: str
    unit: str
    variant: str
    reason: str
    counted: bool | None


class Exposures:
    """Live events of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_exposures(self, rows: Sequence[Row]) -> None:
        """Keep exposures: the first of a unit in a phase stands, a second variant of it is a crossing.

        The earliest time counts, in whatever order they arrive. Rows without a unit are all kept.
        """
        earliest: dict[str, Row] = {}
        for row in rows:
            known = earliest.get(row["id"])
            if known is None or row["first_at"] < known["first_at"]:
                earliest[row["id"]] = row
        ordered = sorted(earliest.values(), key=lambda row: row["first_at"])
        self._insert_new(ExposureRow, ordered)
        standing = self._standing(ordered)
        crossings = []
        for row in ordered:
            if row["unit"] is None:
                continue
            first = standing[(row["phase_id"], row["unit"])]
            if first.id != row["id"]:
                crossings.append(row)
            elif row["first_at"] < first.first_at:
                self._move(first.id, row["first_at"])
        self._add_crossings(crossings)

    def add_outcomes(self, rows: Sequence[Row]) -> dict[str, str]:
        """Keep the outcomes whose ids are new; returns the hash of the body that stands under each id."""
        bodies: dict[str, Row] = {}
        for row in rows:
            bodies.setdefault(row["id"], row)
        self._insert_new(OutcomeRow, list(bodies.values()))
        return self._hashes(list(bodies))

    def outcomes(self, ids: Collection[str]) -> dict[str, OutcomeRecord]:
        """The outcomes of these ids, as far as there are any."""
        rows = self._session.execute(select(OutcomeRow).where(col(OutcomeRow.id).in_(ids))).scalars()
        return {row.id: to_record(OutcomeRecord, row) for row in rows}

    def void_outcomes(self, ids: Collection[str], *, by: str, reason: str, at: datetime) -> list[OutcomeRecord]:
        """Mark outcomes as taken back; returns them as they are then."""
        self._session.execute(
            update(OutcomeRow)
            .where(col(OutcomeRow.id).in_(ids))
            .values(voided_at=at, voided_by=by, void_reason=reason)
            .execution_options(synchronize_session=False)
        )
        self._session.expire_all()
        return list(self.outcomes(ids).values())

    def units_met(self, units: Collection[str], phase_ids: Collection[str]) -> list[tuple[str, str]]:
        """(phase id, unit) of those of the units that have an exposure in one of the phases."""
        found: list[tuple[str, str]] = []
        for some in _chunks(sorted(units)):
            query = select(col(ExposureRow.phase_id), col(ExposureRow.unit)).where(
                col(ExposureRow.phase_id).in_(phase_ids), col(ExposureRow.unit).in_(some)
            )
            found += [(phase_id, unit) for phase_id, unit in self._session.execute(query)]
        return found

    def add_calls(self, rows: Sequence[Row]) -> None:
        """Keep model calls, and add those that are new to what live calls have cost."""
        new = {row["id"]: row for row in rows}
        table = table_of(GatewayCallRow)
        for some in _chunks(list(new)):
            for (known,) in self._session.execute(select(table.c.id).where(table.c.id.in_(some))):
                del new[known]
        self._insert_new(GatewayCallRow, list(new.values()))
        add_spending(self._session, list(new.values()))

    def add_shadow_asks(self, rows: Sequence[Row]) -> None:
        """Keep requests that wait for a challenger's silent answer."""
        self._insert_new(ShadowAskRow, rows)

    def of_phase(self, phase_id: str, *, unit: str | None = None, limit: int = 100) -> list[ExposureRecord]:
        """Exposures of a phase, newest first, that of one unit when it is given."""
        query = select(ExposureRow).where(col(ExposureRow.phase_id) == phase_id)
        if unit is not None:
            query = query.where(col(ExposureRow.unit) == unit)
        rows = self._session.execute(query.order_by(col(ExposureRow.first_at).desc()).limit(limit)).scalars()
        return [to_record(ExposureRecord, row) for row in rows]

    def meetings(self, phase_id: str, *, crossings: bool, after: Meeting | None, limit: int) -> list[Meeting]:
        """Exposures of named units of a phase (or their crossings) that follow ``after``, in the order of the units."""
        table = table_of(ExposureCrossing if crossings else ExposureRow).c
        counted = literal(None) if crossings else table.counted
        query = (
            select(table.id, table.unit, table.variant, table.reason, counted)
            .where(table.phase_id == phase_id, table.unit.is_not(None))
            .order_by(table.unit, table.id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(tuple_(table.unit, table.id) > (after.unit, after.id))
        return [Meeting(*row) for row in self._session.execute(query)]

    def nameless(self, phase_id: str) -> tuple[int, int]:
        """Exposures of a phase without a unit, and how many of them count all the same, which none may."""
        mine = (col(ExposureRow.phase_id) == phase_id, col(ExposureRow.unit).is_(None))
        query = select(func.count(), func.coalesce(func.sum(case((col(ExposureRow.counted), 1), else_=0)), 0)).where(
            *mine
        )
        number, counted = self._session.execute(query).one()
        return int(number), int(counted)

    def _insert_new(self, kind: type[SQLModel], rows: Sequence[Row]) -> None:
        """Insert the rows that collide with none."""
        if not rows:
            return
        dialect = self._session.get_bind().dialect.name
        make = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._session.execute(make(table_of(kind)).on_conflict_do_nothing(), [dict(row) for row in rows])

    def _standing(self, rows: Iterable[Row]) -> dict[tuple[str, str], Any]:
        """(phase, unit) → the exposure that stands."""
        table = table_of(ExposureRow)
        by_phase: dict[str, list[str]] = {}
        for row in rows:
            if row["unit"] is not None:
                by_phase.setdefault(row["phase_id"], []).append(row["unit"])
        found: dict[tuple[str, str], Any] = {}
        for phase_id, units in by_phase.items():
            query = select(table.c.id, table.c.unit, table.c.first_at).where(table.c.phase_id == phase_id)
            for some in _chunks(units):
                for first in self._session.execute(query.where(table.c.unit.in_(some))):
                    found[(phase_id, first.unit)] = first
        return found

    def _move(self, identity: str, first_at: datetime) -> None:
        table = table_of(ExposureRow)
        self._session.execute(update(table).where(table.c.id == identity).values(first_at=first_at))

    def _add_crossings(self, rows: Sequence[Row]) -> None:
        kept = ("id", "phase_id", "unit", "variant", "reason", "first_at")
        self._insert_new(ExposureCrossing, [{name: row[name] for name in kept} for row in rows])
        table = table_of(ExposureRow)
        for row in rows:
            self._session.execute(
                update(table)
                .where(table.c.phase_id == row["phase_id"], table.c.unit == row["unit"])
                .values(crossed=True, **({} if row["replayed"] else {"replayed": False}))
            )

    def _hashes(self, ids: Sequence[str]) -> dict[str, str]:
        table = table_of(OutcomeRow)
        found: dict[str, str] = {}
        for some in _chunks(ids):
            rows = self._session.execute(select(table.c.id, table.c.body_hash).where(table.c.id.in_(some)))
            found |= {row.id: row.body_hash for row in rows}
        return found


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """The values in lists whose lengths are powers of two; the last value fills the last one up.

    Each length is a statement of its own, and the driver keeps 128 statements of some 50 KB per connection.
    """
    for start in range(0, len(values), MOST_VALUES):
        some = values[start : start + MOST_VALUES]
        fitting = 1 << (len(some) - 1).bit_length()
        yield [*some, *[some[-1]] * (fitting - len(some))]
