"""Queries about live tests: phases, their changes, and the number that tells gateways to look again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlmodel import Session, SQLModel, col

from experiments.vocabulary import new_id
from storage import tables
from storage.live_tables import (
    ExposureCrossing,
    ExposureRow,
    GatewayCallRow,
    LiveDraw,
    LiveJudgement,
    LivePhase,
    LiveScore,
    OutcomeRow,
    ShadowAskRow,
)
from storage.records import LivePhaseRecord, to_record


class Live:
    """Live tests of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_phase(self, key: str, values: Mapping[str, Any]) -> LivePhaseRecord:
        """A new phase of a key, numbered after its newest."""
        newest = self._session.execute(select(func.max(LivePhase.number)).where(col(LivePhase.key) == key)).scalar_one()
        row = LivePhase(id=new_id(), key=key, number=(newest or 0) + 1, **values)
        self._session.add(row)
        self._session.flush()
        return to_record(LivePhaseRecord, row)

    def newest(self) -> list[LivePhaseRecord]:
        """The newest phase of every key, by key: what is served."""
        latest = select(col(LivePhase.key), func.max(LivePhase.number).label("number")).group_by(col(LivePhase.key))
        newest = latest.subquery()
        query = (
            select(LivePhase)
            .join(newest, (col(LivePhase.key) == newest.c.key) & (col(LivePhase.number) == newest.c.number))
            .order_by(col(LivePhase.key))
        )
        return [to_record(LivePhaseRecord, row) for row in self._session.execute(query).scalars()]

    def of_key(self, key: str) -> LivePhaseRecord | None:
        """The newest phase of a key, or None."""
        return next((phase for phase in self.newest() if phase.key == key), None)

    def phases(self, experiment_id: str) -> list[LivePhaseRecord]:
        """The phases of an experiment, newest first."""
        query = (
            select(LivePhase)
            .where(col(LivePhase.experiment_id) == experiment_id)
            .order_by(col(LivePhase.number).desc())
        )
        return [to_record(LivePhaseRecord, row) for row in self._session.execute(query).scalars()]

    def get(self, phase_id: str) -> LivePhaseRecord:
        """The phase of that id."""
        return to_record(LivePhaseRecord, self._session.get_one(LivePhase, phase_id))

    def numbered(self, keys: set[str]) -> dict[tuple[str, int], LivePhaseRecord]:
        """All phases of these keys by (key, number)."""
        query = select(LivePhase).where(col(LivePhase.key).in_(keys))
        rows = self._session.execute(query).scalars()
        return {(row.key, row.number): to_record(LivePhaseRecord, row) for row in rows}

    def change(self, phase: LivePhaseRecord, **values: Any) -> LivePhaseRecord | None:  # noqa: ANN401
        """Change a phase that still is as ``phase`` says; None when somebody changed it meanwhile."""
        changed = self._session.execute(
            update(LivePhase)
            .where(col(LivePhase.id) == phase.id, col(LivePhase.revision) == phase.revision)
            .values(revision=phase.revision + 1, **values)
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount != 1:  # type: ignore[attr-defined]
            return None
        self._session.expire_all()
        return self.get(phase.id)

    def remove_traffic(self, experiment_ids: Collection[str]) -> int:
        """Delete the live tests of these experiments with all their traffic; returns how many rows there were."""
        mine = col(LivePhase.experiment_id).in_(experiment_ids)
        phases, keys = select(col(LivePhase.id)).where(mine), select(col(LivePhase.key)).where(mine)
        calls = select(col(GatewayCallRow.id)).where(col(GatewayCallRow.phase_id).in_(phases))
        doomed: tuple[tuple[type[SQLModel], ColumnElement[bool]], ...] = (
            (LiveScore, col(LiveScore.call_id).in_(calls)),
            (LiveJudgement, col(LiveJudgement.phase_id).in_(phases)),
            (LiveDraw, col(LiveDraw.phase_id).in_(phases)),
            (GatewayCallRow, col(GatewayCallRow.phase_id).in_(phases)),
            (ShadowAskRow, col(ShadowAskRow.phase_id).in_(phases)),
            (ExposureCrossing, col(ExposureCrossing.phase_id).in_(phases)),
            (ExposureRow, col(ExposureRow.phase_id).in_(phases)),
            (OutcomeRow, col(OutcomeRow.key).in_(keys)),
            (LivePhase, mine),
        )
        count = 0
        for kind, condition in doomed:
            done = self._session.execute(delete(kind).where(condition).execution_options(synchronize_session=False))
            count += int(done.rowcount)  # type: ignore[attr-defined]
        return count

    def version(self) -> str:
        """Changes with every change of a phase or a label; one small query."""
        phases = select(func.count(), func.coalesce(func.sum(LivePhase.revision), 0)).select_from(LivePhase)
        labels = select(func.count(), func.coalesce(func.sum(tables.Label.revision), 0)).select_from(tables.Label)
        found = [*self._session.execute(phases).one(), *self._session.execute(labels).one()]
        return ".".join(str(number) for number in found)
