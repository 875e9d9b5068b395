"""Queries about single tries of the prompt page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from experiments.vocabulary import CostStatus, new_id
from storage import tables
from storage.records import PreviewRecord, to_record


class Previews:
    """Tries of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, batch_id: str, letter: str, request: Mapping[str, Any], *, actor: str, at: datetime) -> PreviewRecord:
        """Queue one call."""
        row = tables.Preview(
            id=new_id(),
            batch_id=batch_id,
            letter=letter,
            state="queued",
            request=dict(request),
            cost_status=CostStatus.UNKNOWN,
            created_by=actor,
            created_at=at,
        )
        self._session.add(row)
        self._session.flush()
        return to_record(PreviewRecord, row)

    def batch(self, batch_id: str) -> list[PreviewRecord]:
        """The calls of one try, by letter."""
        query = select(tables.Preview).where(tables.Preview.batch_id == batch_id).order_by(tables.Preview.letter)
        return [to_record(PreviewRecord, row) for row in self._session.exec(query)]

    def queued(self, limit: int = 16) -> list[PreviewRecord]:
        """Calls that wait for a worker, oldest first."""
        query = (
            select(tables.Preview)
            .where(tables.Preview.state == "queued")
            .order_by(col(tables.Preview.created_at), tables.Preview.letter)
            .limit(limit)
        )
        return [to_record(PreviewRecord, row) for row in self._session.exec(query)]

    def claim(self, preview_id: str, *, worker: str, estimated_cost_usd: float | None) -> bool:
        """True when this worker got the call; it is then on the books before it leaves."""
        changed = self._session.execute(
            update(tables.Preview)
            .where(col(tables.Preview.id) == preview_id, col(tables.Preview.state) == "queued")
            .values(state="sending", worker=worker, estimated_cost_usd=estimated_cost_usd)
        )
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]

    def finish(
        self,
        preview_id: str,
        *,
        state: str,
        answer: Mapping[str, Any],
        cost_usd: float | None,
        cost_status: str,
        at: datetime,
    ) -> None:
        """Keep the answer (or the reason why there is none) and its cost."""
        row = self._session.get_one(tables.Preview, preview_id)
        row.state, row.answer, row.cost_usd, row.cost_status, row.ended_at = (
            state,
            dict(answer),
            cost_usd,
            cost_status,
            at,
        )
        self._session.flush()

    def give_up_orphans(self, alive: list[str], at: datetime) -> int:
        """Close calls whose worker is gone: they may have been billed, so they count with their estimate."""
        query = select(tables.Preview).where(
            tables.Preview.state == "sending", col(tables.Preview.worker).not_in(alive or [""])
        )
        orphans = self._session.exec(query).all()
        for row in orphans:
            row.state, row.ended_at, row.cost_usd = "failed", at, row.estimated_cost_usd
            row.cost_status = CostStatus.ESTIMATED if row.estimated_cost_usd is not None else CostStatus.UNKNOWN
            row.answer = {"kind": "interrupted", "message": "The worker stopped while the call was out."}
        self._session.flush()
        return len(orphans)
