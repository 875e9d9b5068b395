"""Queries of what workers do for live tests: sampled answers that wait for scores, requests that wait for a shadow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from experiments.vocabulary import new_id
from storage.live_tables import GatewayCallRow, LivePhase, LiveScore, ShadowAskRow
from storage.tables import table_of

WAITING, SENDING, JUDGING = "waiting", "sending", "judging"


class LiveWork:
    """Work on live tests of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def answers_to_score(self, *, limit: int) -> list[dict[str, Any]]:
        """Sampled answers that wait (all columns of their calls) with the id of their experiment, oldest first."""
        call = table_of(GatewayCallRow)
        query = (
            select(call, col(LivePhase.experiment_id))
            .join(table_of(LivePhase), col(LivePhase.id) == call.c.phase_id)
            .where(call.c.score_state == WAITING)
            .order_by(call.c.at)
            .limit(limit)
        )
        return [dict(row) for row in self._session.execute(query).mappings()]

    def keep_scores(
        self,
        call_ids: Sequence[str],
        scores: Sequence[Mapping[str, Any]],
        *,
        at: datetime,
        to_judge: Collection[str] = (),
    ) -> None:
        """Keep the scores of these answers; scores that are there already stand.

        Answers ``to_judge`` wait for their judges now, the others for nothing.
        """
        make = sqlite.insert if self._session.get_bind().dialect.name == "sqlite" else postgresql.insert
        rows = [{"id": new_id(), "created_at": at, **score} for score in scores]
        if rows:
            self._session.execute(make(table_of(LiveScore)).on_conflict_do_nothing(), rows)
        self._session.execute(
            update(GatewayCallRow)
            .where(col(GatewayCallRow.id).in_(call_ids))
            .values(
                score_state=case((col(GatewayCallRow.id).in_(to_judge), JUDGING), else_="done") if to_judge else "done"
            )
            .execution_options(synchronize_session=False)
        )

    def shadows_waiting(self, *, limit: int) -> list[dict[str, Any]]:
        """Requests that wait for a challenger's answer, oldest first."""
        ask = table_of(ShadowAskRow)
        query = select(ask).where(ask.c.state == WAITING).order_by(ask.c.at).limit(limit)
        return [dict(row) for row in self._session.execute(query).mappings()]

    def claim_shadow(self, ask_id: str, *, worker: str, estimate: float, budget: float, phase_id: str) -> bool:
        """Take a waiting request and put its estimate on the books; False when it is gone or beyond the budget."""
        spent = self._session.execute(
            update(LivePhase)
            .where(col(LivePhase.id) == phase_id, col(LivePhase.shadow_spent_usd) + estimate <= budget)
            .values(shadow_spent_usd=col(LivePhase.shadow_spent_usd) + estimate)
            .execution_options(synchronize_session=False)
        )
        if spent.rowcount != 1:  # type: ignore[attr-defined]
            return False
        taken = self._session.execute(
            update(ShadowAskRow)
            .where(col(ShadowAskRow.id) == ask_id, col(ShadowAskRow.state) == WAITING)
            .values(state=SENDING, worker=worker, estimated_cost_usd=estimate)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount == 1:  # type: ignore[attr-defined]
            return True
        self.settle_spending(phase_id, -estimate)
        return False

    def end_shadow(self, ask_id: str, *, state: str, reason: str, at: datetime) -> None:
        """Note how a request ended: ``done``, ``failed`` or ``skipped``."""
        self._session.execute(
            update(ShadowAskRow)
            .where(col(ShadowAskRow.id) == ask_id, col(ShadowAskRow.state).in_((WAITING, SENDING)))
            .values(state=state, reason=reason[:300], ended_at=at)
            .execution_options(synchronize_session=False)
        )

    def settle_spending(self, phase_id: str, difference: float) -> None:
        """Add what a call cost beyond (or below) its estimate."""
        self._session.execute(
            update(LivePhase)
            .where(col(LivePhase.id) == phase_id)
            .values(shadow_spent_usd=col(LivePhase.shadow_spent_usd) + difference)
            .execution_options(synchronize_session=False)
        )

    def backlog(self) -> tuple[int, int]:
        """(answers that wait for scores, requests that wait for a shadow)."""
        scores = select(func.count()).select_from(GatewayCallRow).where(col(GatewayCallRow.score_state) == WAITING)
        shadows = select(func.count()).select_from(ShadowAskRow).where(col(ShadowAskRow.state) == WAITING)
        return int(self._session.execute(scores).scalar_one()), int(self._session.execute(shadows).scalar_one())
