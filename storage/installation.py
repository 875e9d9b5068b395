"""Queries about the installation itself: settings, typed-in prices, workers, money spent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from experiments.vocabulary import SIMULATED_PREFIX, AttemptState
from storage import tables
from storage.live_spend import spent_live_since
from storage.records import TypedPrice, WorkerRecord, to_record
from storage.tables import table_of


class Installation:
    """Settings, prices, workers of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def setting(self, key: str, default: Any = None) -> Any:  # noqa: ANN401
        """The value of a setting, or the default."""
        row = self._session.get(tables.Setting, key)
        return default if row is None else row.value

    def set_setting(self, key: str, value: Any, *, actor: str, at: datetime) -> None:  # noqa: ANN401
        """Keep a setting."""
        self._session.merge(tables.Setting(key=key, value=value, updated_by=actor, updated_at=at))
        self._session.flush()

    def prices(self) -> dict[str, TypedPrice]:
        """Typed-in prices by model."""
        query = select(tables.ModelPrice).order_by(tables.ModelPrice.model)
        return {
            row.model: TypedPrice(row.input_per_million, row.output_per_million, row.cached_input_per_million)
            for row in self._session.exec(query)
        }

    def set_price(
        self,
        model: str,
        *,
        input_per_million: float,
        output_per_million: float,
        cached_input_per_million: float | None,
        actor: str,
        at: datetime,
    ) -> None:
        """Keep a price; it wins over the shipped one."""
        self._session.merge(
            tables.ModelPrice(
                model=model,
                input_per_million=input_per_million,
                output_per_million=output_per_million,
                cached_input_per_million=cached_input_per_million,
                set_by=actor,
                set_at=at,
            )
        )
        self._session.flush()

    def forget_price(self, model: str) -> None:
        """Go back to the shipped price."""
        row = self._session.get(tables.ModelPrice, model)
        if row is not None:
            self._session.delete(row)
            self._session.flush()

    def spent_since(self, since: datetime) -> float:
        """US dollars of all calls started since then; what is out counts by its estimate, simulated calls never.

        Runs, judges, tries, live traffic and silent answers alike; live calls from the beginning of that day on.
        """
        attempt, preview = table_of(tables.Attempt).c, table_of(tables.Preview).c
        settled = func.coalesce(attempt.cost_usd, 0.0)
        out = func.coalesce(attempt.cost_usd, attempt.estimated_cost_usd, 0.0)
        attempts = select(func.sum(case((attempt.state == AttemptState.FAILED, settled), else_=out))).where(
            attempt.started_at >= since, attempt.model.not_like(f"{SIMULATED_PREFIX}%")
        )
        previews = select(func.sum(func.coalesce(preview.cost_usd, preview.estimated_cost_usd, 0.0))).where(
            preview.created_at >= since, preview.request["model"].as_string().not_like(f"{SIMULATED_PREFIX}%")
        )
        connection = self._session.connection()
        offline = sum(float(connection.execute(query).scalar() or 0.0) for query in (attempts, previews))
        return offline + spent_live_since(self._session, since)

    def beat(self, worker_id: str, *, host: str, process: int, version: str, at: datetime) -> None:
        """A worker is alive."""
        row = self._session.get(tables.WorkerRow, worker_id)
        if row is None:
            self._session.add(
                tables.WorkerRow(
                    id=worker_id, host=host, process=process, version=version, started_at=at, heartbeat_at=at
                )
            )
        else:
            row.heartbeat_at = at
        self._session.flush()

    def worker_stopped(self, worker_id: str, at: datetime) -> None:
        """A worker ended in good order."""
        row = self._session.get(tables.WorkerRow, worker_id)
        if row is not None:
            row.stopped_at = at
            self._session.flush()

    def workers_alive(self, since: datetime) -> list[WorkerRecord]:
        """Workers whose heartbeat is younger than ``since``."""
        query = (
            select(tables.WorkerRow)
            .where(tables.WorkerRow.heartbeat_at >= since, col(tables.WorkerRow.stopped_at).is_(None))
            .order_by(tables.WorkerRow.id)
        )
        return [to_record(WorkerRecord, row) for row in self._session.exec(query)]
