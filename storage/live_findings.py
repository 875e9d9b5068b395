"""What a database tells of the units and reports of a live test besides its sums: who, and what joins to nobody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlmodel import Session, col

from storage.call_metrics import Sql
from storage.live_sums import standing
from storage.live_tables import ExposureRow, GatewayCallRow, LivePhase, OutcomeRow
from storage.records import LivePhaseRecord


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """Outcomes under the key of a test: all, those voided, those too large to be summed up, those of unknown units."""

    reported: int
    voided: int
    too_large: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Reporter:
    """A unit that counts: its variant, its events, and those of all units of that variant (and how many there are)."""

    unit: str
    variant: str
    events: int
    of_variant: int
    units: int


def report_counts(session: Session, phase: LivePhaseRecord) -> ReportCounts:
    """Counts of the outcomes that were reported under the key, in whatever phase."""
    voided = col(OutcomeRow.voided_at).is_not(None)
    too_large = and_(~voided, ~and_(*standing()))
    phases = select(col(LivePhase.id)).where(col(LivePhase.key) == phase.key)
    met = select(col(ExposureRow.id)).where(
        col(ExposureRow.phase_id).in_(phases), col(ExposureRow.unit) == col(OutcomeRow.unit)
    )
    query = select(
        func.count(),
        *(func.coalesce(func.sum(case((found, 1), else_=0)), 0) for found in (voided, too_large, ~met.exists())),
    ).where(col(OutcomeRow.key) == phase.key)
    return ReportCounts(*(int(number) for number in session.execute(query).one()))


def units_named(session: Session, phase: LivePhaseRecord, names: Collection[str]) -> dict[str, int]:
    """Units of the phase that count and have one of these names: name → how many outcomes they have."""
    query = (
        select(col(ExposureRow.unit), func.count(col(OutcomeRow.id)))
        .outerjoin(
            OutcomeRow,
            and_(col(OutcomeRow.key) == phase.key, col(OutcomeRow.unit) == col(ExposureRow.unit), *standing()),
        )
        .where(*_counted(phase), col(ExposureRow.unit).in_(sorted(names)))
        .group_by(col(ExposureRow.unit))
    )
    return {unit: int(number) for unit, number in session.execute(query) if unit is not None}


def busiest_reporter(session: Session, phase: LivePhaseRecord, metric: str) -> Reporter | None:
    """The unit with the largest share of its variant's reports of a metric; None without any."""
    joined = and_(
        col(OutcomeRow.key) == phase.key,
        col(OutcomeRow.metric) == metric,
        col(OutcomeRow.unit) == col(ExposureRow.unit),
        col(OutcomeRow.at) >= col(ExposureRow.first_at),
        *standing(),
    )
    per_unit = select(col(ExposureRow.unit), col(ExposureRow.variant), func.count().label("events")).join(
        OutcomeRow, joined
    )
    return _busiest(session, phase, per_unit)


def busiest_caller(session: Session, phase: LivePhaseRecord) -> Reporter | None:
    """The unit with the largest share of its variant's model calls; None without any."""
    joined = and_(col(GatewayCallRow.exposure_id) == col(ExposureRow.id), col(GatewayCallRow.shadow).is_(False))
    per_unit = select(col(ExposureRow.unit), col(ExposureRow.variant), func.count().label("events")).join(
        GatewayCallRow, joined
    )
    return _busiest(session, phase, per_unit)


def _busiest(session: Session, phase: LivePhaseRecord, per_unit: Sql) -> Reporter | None:
    units = per_unit.where(*_counted(phase)).group_by(col(ExposureRow.unit), col(ExposureRow.variant)).subquery()
    arms = (
        select(
            units.c.variant,
            func.sum(units.c.events).label("events"),
            func.count().label("units"),
            func.max(units.c.events).label("most"),
        )
        .group_by(units.c.variant)
        .subquery()
    )
    largest = arms.c.most * 1.0 / arms.c.events
    arm = session.execute(select(arms).order_by(largest.desc(), arms.c.variant).limit(1)).mappings().first()
    if arm is None:
        return None
    named = select(units.c.unit).where(units.c.variant == arm["variant"], units.c.events == arm["most"])
    unit = session.execute(named.order_by(units.c.unit).limit(1)).scalar_one()
    return Reporter(str(unit), arm["variant"], int(arm["most"]), int(arm["events"]), int(arm["units"]))


def _counted(phase: LivePhaseRecord) -> list[ColumnElement[bool]]:
    return [
        col(ExposureRow.phase_id) == phase.id,
        col(ExposureRow.counted).is_(True),
        col(ExposureRow.crossed).is_(False),
    ]
