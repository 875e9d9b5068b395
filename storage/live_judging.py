"""Queries of judges over sampled live answers: which wait, which calls are on the books, what was drawn for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from storage.live_spend import add_spending
from storage.live_tables import ExposureRow, GatewayCallRow, LiveDraw, LiveJudgement, LivePhase, LiveScore
from storage.live_work import JUDGING, SENDING
from storage.records import LivePhaseRecord
from storage.tables import table_of

_BATCH = 500


class LiveJudging:
    """Judges of live answers in one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def waiting(self, *, states: Collection[str], besides: Collection[str], limit: int) -> list[dict[str, Any]]:
        """Answers that wait for a judge, oldest first: all columns of their calls, and ``experiment_id``.

        Only of phases in these ``states``, and of none whose id is in ``besides``.
        """
        call = table_of(GatewayCallRow)
        query = (
            select(call, col(LivePhase.experiment_id))
            .join(table_of(LivePhase), col(LivePhase.id) == call.c.phase_id)
            .where(call.c.score_state == JUDGING, col(LivePhase.state).in_(states), call.c.phase_id.not_in(besides))
            .order_by(call.c.at, call.c.id)
            .limit(limit)
        )
        return [dict(row) for row in self._session.execute(query).mappings()]

    def asked(self, call_ids: Collection[str]) -> list[dict[str, Any]]:
        """All calls of judges about these answers, in the order of their tries."""
        made = table_of(LiveJudgement)
        query = select(made).where(made.c.call_id.in_(call_ids)).order_by(made.c.number)
        return [dict(row) for row in self._session.execute(query).mappings()]

    def scored(self, call_ids: Collection[str]) -> set[tuple[str, str]]:
        """(id of the answer, fingerprint) of the scores that these answers have."""
        query = select(col(LiveScore.call_id), col(LiveScore.fingerprint)).where(col(LiveScore.call_id).in_(call_ids))
        return {(call_id, fingerprint) for call_id, fingerprint in self._session.execute(query)}

    def reserve(self, phase_id: str, estimate: float, *, budget: float) -> bool:
        """Put an estimate on the phase's books; False when that would pass the budget."""
        done = self._session.execute(
            update(LivePhase)
            .where(col(LivePhase.id) == phase_id, col(LivePhase.judge_spent_usd) + estimate <= budget)
            .values(judge_spent_usd=col(LivePhase.judge_spent_usd) + estimate)
            .execution_options(synchronize_session=False)
        )
        return bool(done.rowcount == 1)  # type: ignore[attr-defined]

    def begin(self, row: Mapping[str, Any]) -> bool:
        """Put a call on the books, its estimate reserved before; False when another worker has begun this try."""
        make = sqlite.insert if self._session.get_bind().dialect.name == "sqlite" else postgresql.insert
        made = table_of(LiveJudgement)
        new = make(made).values(**row).on_conflict_do_nothing().returning(made.c.id)
        if self._session.execute(new).first() is not None:
            return True
        self._settle(row["phase_id"], -(row["estimated_cost_usd"] or 0.0))
        return False

    def end(self, judgement_id: str, values: Mapping[str, Any], *, at: datetime) -> bool:
        """Settle a call that is out with what came of it; False when it was settled before."""
        made = table_of(LiveJudgement)
        row = self._session.execute(select(made).where(made.c.id == judgement_id)).mappings().one()
        # the phase first, as where calls begin: PostgreSQL lets a second beginner of this try wait for its end
        phase = select(col(LivePhase.id)).where(col(LivePhase.id) == row["phase_id"])
        self._session.execute(phase.with_for_update(key_share=True))
        done = self._session.execute(
            update(LiveJudgement)
            .where(col(LiveJudgement.id) == judgement_id, col(LiveJudgement.state) == SENDING)
            .values(ended_at=at, **values)
            .execution_options(synchronize_session=False)
        )
        if done.rowcount != 1:  # type: ignore[attr-defined]
            return False
        self._settle(row["phase_id"], (values["cost_usd"] or 0.0) - (row["estimated_cost_usd"] or 0.0))
        call = self._session.get_one(GatewayCallRow, row["call_id"])
        spent = {"at": at, "purpose": "judge", "model": row["model"], "prompt": call.prompt, "version": call.version}
        add_spending(self._session, [{**spent, "cost_usd": values["cost_usd"]}])
        return True

    def orphans(self, before: datetime) -> list[tuple[str, float | None]]:
        """(id, estimate) of calls that began before and never ended: their worker died."""
        made = table_of(LiveJudgement)
        query = select(made.c.id, made.c.estimated_cost_usd).where(made.c.state == SENDING, made.c.started_at < before)
        return [(identity, estimate) for identity, estimate in self._session.execute(query)]

    def progress(self, phase_id: str) -> tuple[int, str | None]:
        """(answers that wait for a judge, how the newest call that failed did)."""
        waits = select(func.count()).where(
            col(GatewayCallRow.phase_id) == phase_id, col(GatewayCallRow.score_state) == JUDGING
        )
        failed = (
            select(col(LiveJudgement.error_message))
            .where(col(LiveJudgement.phase_id) == phase_id, col(LiveJudgement.state) == "failed")
            .order_by(col(LiveJudgement.started_at).desc())
            .limit(1)
        )
        return int(self._session.execute(waits).scalar_one()), self._session.execute(failed).scalar()

    def answers(self, phase: LivePhaseRecord, *, metric: str, fingerprint: str) -> list[tuple[str, str]]:
        """(id of the call, variant) of all answers of users who count that this judge has scored."""
        query = (
            select(col(GatewayCallRow.id), col(ExposureRow.variant))
            .select_from(_scored_answers(metric, fingerprint))
            .order_by(col(GatewayCallRow.id))
        )
        return [(identity, variant) for identity, variant in self._session.execute(query.where(*_counted(phase)))]

    def scores_of_users(
        self, phase: LivePhaseRecord, call_ids: Sequence[str], *, metric: str, fingerprint: str
    ) -> list[tuple[str, str, str, float]]:
        """(exposure, variant, call, score) of all scored answers of the users who have one of these calls."""
        found: list[tuple[str, str, str, float]] = []
        columns = (col(ExposureRow.id), col(ExposureRow.variant), col(GatewayCallRow.id), col(LiveScore.value))
        users = self._users_of(call_ids)
        for start in range(0, len(users), _BATCH):
            query = (
                select(*columns)
                .select_from(_scored_answers(metric, fingerprint))
                .where(*_counted(phase), col(ExposureRow.id).in_(users[start : start + _BATCH]))
            )
            found += [(user, arm, call, float(value)) for user, arm, call, value in self._session.execute(query)]
        return found

    def _users_of(self, call_ids: Sequence[str]) -> list[str]:
        users: set[str] = set()
        for start in range(0, len(call_ids), _BATCH):
            query = select(col(GatewayCallRow.exposure_id)).where(
                col(GatewayCallRow.id).in_(call_ids[start : start + _BATCH]),
                col(GatewayCallRow.exposure_id).is_not(None),
            )
            users |= set(self._session.execute(query).scalars())
        return sorted(users)

    def samples(self, call_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The kept texts of these calls, by their ids."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(call_ids), _BATCH):
            query = select(col(GatewayCallRow.id), col(GatewayCallRow.sample)).where(
                col(GatewayCallRow.id).in_(call_ids[start : start + _BATCH]), col(GatewayCallRow.sample).is_not(None)
            )
            found |= {row.id: row.sample for row in self._session.execute(query)}
        return found

    def add_draw(self, values: Mapping[str, Any]) -> None:
        """Note a draw of answers for people."""
        self._session.add(LiveDraw(**values))
        self._session.flush()

    def draws(self, phase_id: str) -> list[dict[str, Any]]:
        """The draws of a phase, oldest first."""
        draw = table_of(LiveDraw)
        query = select(draw).where(draw.c.phase_id == phase_id).order_by(draw.c.created_at, draw.c.experiment_id)
        return [dict(row) for row in self._session.execute(query).mappings()]

    def _settle(self, phase_id: str, difference: float) -> None:
        self._session.execute(
            update(LivePhase)
            .where(col(LivePhase.id) == phase_id)
            .values(judge_spent_usd=col(LivePhase.judge_spent_usd) + difference)
            .execution_options(synchronize_session=False)
        )


def _scored_answers(metric: str, fingerprint: str) -> Any:  # noqa: ANN401
    return (
        table_of(ExposureRow)
        .join(
            table_of(GatewayCallRow),
            (col(GatewayCallRow.exposure_id) == col(ExposureRow.id)) & (col(GatewayCallRow.shadow).is_(False)),
        )
        .join(
            table_of(LiveScore),
            (col(LiveScore.call_id) == col(GatewayCallRow.id))
            & (col(LiveScore.metric) == metric)
            & (col(LiveScore.fingerprint) == fingerprint)
            & (col(LiveScore.value).is_not(None)),
        )
    )


def _counted(phase: LivePhaseRecord) -> list[Any]:
    return [
        col(ExposureRow.phase_id) == phase.id,
        col(ExposureRow.counted).is_(True),
        col(ExposureRow.crossed).is_(False),
    ]
