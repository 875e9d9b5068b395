"""Queries about runs: their states, leases, progress and what is finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, literal, or_, update
from sqlmodel import Session, col, select

from experiments.vocabulary import AttemptState, CostStatus, OutputStatus, Purpose, ResponseClass, RunState, new_id
from storage import tables
from storage.columns import UtcDateTime
from storage.engine import is_sqlite
from storage.records import RunRecord, to_record
from storage.tables import table_of

TrialKey = tuple[str, str, int]
"""(example id, variant id, repetition)."""

CLAIMABLE = (RunState.QUEUED, RunState.RUNNING)


class Runs:
    """Runs of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, run_id: str) -> RunRecord:
        """The run of that id."""
        return to_record(RunRecord, self._session.get_one(tables.Run, run_id))

    def of_experiment(self, experiment_id: str, *, kind: str | None = None) -> list[RunRecord]:
        """Runs of an experiment, newest first."""
        query = select(tables.Run).where(tables.Run.experiment_id == experiment_id)
        if kind is not None:
            query = query.where(tables.Run.kind == kind)
        return [to_record(RunRecord, r) for r in self._session.exec(query.order_by(col(tables.Run.number).desc()))]

    def newest_by_experiment(self) -> dict[str, RunRecord]:
        """The newest full run of each experiment, by experiment id."""
        query = select(tables.Run).where(tables.Run.kind != "pilot").order_by(col(tables.Run.number))
        return {row.experiment_id: to_record(RunRecord, row) for row in self._session.exec(query)}

    def add(self, experiment_id: str, values: Mapping[str, Any]) -> RunRecord:
        """A new run, numbered after the newest of its experiment."""
        newest = self._session.exec(
            select(func.max(tables.Run.number)).where(tables.Run.experiment_id == experiment_id)
        ).one()
        row = tables.Run(id=new_id(), experiment_id=experiment_id, number=(newest or 0) + 1, **values)
        self._session.add(row)
        self._session.flush()
        return to_record(RunRecord, row)

    def change(self, run_id: str, **values: Any) -> RunRecord:  # noqa: ANN401
        """Set columns of a run."""
        row = self._session.get_one(tables.Run, run_id)
        for name, value in values.items():
            setattr(row, name, value)
        self._session.flush()
        return to_record(RunRecord, row)

    def move(
        self,
        run_id: str,
        *,
        to: RunState,
        expected: Iterable[RunState],
        reason: str = "",
        **values: Any,  # noqa: ANN401
    ) -> bool:
        """Change the state if it is still one of ``expected``; False when it is not."""
        changed = self._session.execute(
            update(tables.Run)
            .where(col(tables.Run.id) == run_id, col(tables.Run.state).in_(list(expected)))
            .values(state=to, state_reason=reason, **values)
        )
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]

    # --- leases ------------------------------------------------------------------------------------------------

    def claimable(self, now: datetime) -> list[str]:
        """Ids of runs that want work and that nobody works on, oldest first."""
        query = (
            select(tables.Run.id)
            .where(
                col(tables.Run.state).in_(CLAIMABLE),
                or_(col(tables.Run.lease_owner).is_(None), col(tables.Run.lease_until) < now),
            )
            .order_by(col(tables.Run.created_at))
        )
        return list(self._session.exec(query))

    def claim(self, run_id: str, *, owner: str, now: datetime, lease: timedelta) -> bool:
        """True when this owner holds the run now; renewing one's own lease counts."""
        changed = self._session.execute(
            update(tables.Run)
            .where(
                col(tables.Run.id) == run_id,
                col(tables.Run.state).in_(CLAIMABLE),
                or_(
                    col(tables.Run.lease_owner).is_(None),
                    col(tables.Run.lease_until) < now,
                    col(tables.Run.lease_owner) == owner,
                ),
            )
            .values(
                lease_owner=owner,
                lease_until=now + lease,
                state=RunState.RUNNING,
                started_at=func.coalesce(tables.Run.started_at, literal(now, UtcDateTime())),
            )
        )
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]

    def lock(self, run_ids: Iterable[str]) -> None:
        """Take the rows of these runs before anything else of theirs, in the order of their ids, as every writer does.

        Two transactions that take the same rows in different orders wait for each other for ever. SQLite has one writer
        at a time.
        """
        if not is_sqlite(self._session.get_bind()):
            run = table_of(tables.Run).c
            query = select(run.id).where(run.id.in_(sorted(run_ids))).order_by(run.id)
            self._session.execute(query.with_for_update(key_share=True))

    def release(self, run_id: str, owner: str) -> None:
        """Give the run back, if it is still this owner's."""
        self._session.execute(
            update(tables.Run)
            .where(col(tables.Run.id) == run_id, col(tables.Run.lease_owner) == owner)
            .values(lease_owner=None, lease_until=None)
        )

    def leases(self) -> list[tuple[str, str]]:
        """(run id, owner) of every run that somebody holds."""
        query = select(tables.Run.id, tables.Run.lease_owner).where(col(tables.Run.lease_owner).is_not(None))
        return [(run_id, owner or "") for run_id, owner in self._session.exec(query)]

    def settle_orphans(self, run_id: str, at: datetime) -> int:
        """Attempts that were out when their process died become ``unknown`` and count with their estimate."""
        result = self._session.execute(
            update(tables.Attempt)
            .where(col(tables.Attempt.run_id) == run_id, col(tables.Attempt.state) == AttemptState.SENDING)
            .values(
                state=AttemptState.UNKNOWN,
                ended_at=at,
                error_kind="interrupted",
                error_message="The process stopped while the call was out; it may have been billed.",
                cost_usd=tables.Attempt.estimated_cost_usd,
                cost_status=CostStatus.ESTIMATED,
            )
        )
        return int(result.rowcount)  # type: ignore[attr-defined]

    def recount_money(self, run_id: str) -> float:
        """Set the run's spent money to the sum of its attempts and its reservation to zero; returns the sum."""
        spent = self._session.exec(
            select(func.sum(func.coalesce(tables.Attempt.cost_usd, 0.0))).where(tables.Attempt.run_id == run_id)
        ).one()
        self.change(run_id, spent_usd=float(spent or 0.0), reserved_usd=0.0)
        return float(spent or 0.0)

    # --- what is finished ----------------------------------------------------------------------------------------

    def finished_keys(self, run_id: str, example_ids: list[str]) -> set[TrialKey]:
        """Trials of these examples that have their one final result."""
        query = select(tables.Output.example_id, tables.Output.variant_id, tables.Output.repetition).where(
            tables.Output.run_id == run_id, col(tables.Output.example_id).in_(example_ids)
        )
        return {(e, v, r) for e, v, r in self._session.exec(query)}

    def attempt_numbers(
        self, run_id: str, example_ids: list[str], *, purpose: Purpose = Purpose.GENERATE
    ) -> dict[TrialKey, int]:
        """Highest attempt number of each trial of these examples that was ever tried for that purpose."""
        query = (
            select(
                tables.Attempt.example_id,
                tables.Attempt.variant_id,
                tables.Attempt.repetition,
                func.max(tables.Attempt.number),
            )
            .where(
                tables.Attempt.run_id == run_id,
                tables.Attempt.purpose == purpose,
                col(tables.Attempt.example_id).in_(example_ids),
            )
            .group_by(tables.Attempt.example_id, tables.Attempt.variant_id, col(tables.Attempt.repetition))
        )
        return {(e, v, r): n for e, v, r, n in self._session.exec(query)}

    def cached_outputs(self, request_hashes: list[str]) -> dict[str, dict[str, Any]]:
        """Earlier answers to the very same requests: hash → columns of the output; the hash holds the repetition."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(request_hashes), 500):
            query = select(tables.Output).where(
                col(tables.Output.request_hash).in_(request_hashes[start : start + 500]),
                tables.Output.status == OutputStatus.OK,
            )
            for row in self._session.exec(query):
                found.setdefault(row.request_hash, row.model_dump())
        return found

    def remove_failed_outputs(self, run_id: str, kinds: Iterable[str] | None = None) -> int:
        """Take back the failed results, so that the trials are tried again; the attempts stay on the books."""
        statement = delete(tables.Output).where(
            col(tables.Output.run_id) == run_id, col(tables.Output.status) == OutputStatus.FAILED
        )
        if kinds is not None:
            statement = statement.where(col(tables.Output.error_kind).in_(list(kinds)))
        return int(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def bump_revision(self, run_id: str) -> None:
        """The evidence of this run changed."""
        self._session.execute(
            update(tables.Run).where(col(tables.Run.id) == run_id).values(revision=tables.Run.revision + 1)
        )

    # --- progress ------------------------------------------------------------------------------------------------

    def counts(self, run_id: str) -> list[dict[str, Any]]:
        """One row per variant × status × class × kind of failure × cached: count, cost, how many have one, tokens."""
        o = tables.Output
        query = (
            select(
                o.variant_id,
                o.status,
                o.response_class,
                o.error_kind,
                o.cached,
                func.count().label("count"),
                func.sum(o.cost_usd).label("cost_usd"),
                func.count(col(o.cost_usd)).label("priced"),
                func.sum(o.prompt_tokens).label("prompt_tokens"),
                func.sum(o.completion_tokens).label("completion_tokens"),
                func.sum(o.latency_ms).label("latency_ms"),
            )  # type: ignore[call-overload]
            .where(o.run_id == run_id)
            .group_by(o.variant_id, o.status, o.response_class, o.error_kind, o.cached)
        )
        return [dict(row._mapping) for row in self._session.exec(query)]

    def cut_without_text(self, run_id: str) -> dict[str, int]:
        """Variant id → answers that reached the token limit before they held any text (reasoning used it up)."""
        o = tables.Output
        query = (
            select(o.variant_id, func.count())
            .where(
                o.run_id == run_id,
                o.status == OutputStatus.OK,
                o.response_class == ResponseClass.CUT_AT_LENGTH,
                func.trim(o.text, " \t\r\n") == "",
            )
            .group_by(col(o.variant_id))
        )
        return {variant: int(count) for variant, count in self._session.exec(query)}

    def money(self, run_id: str) -> list[dict[str, Any]]:
        """One row per variant × purpose × state × cost status of the attempts: count and cost."""
        a = tables.Attempt
        query = (
            select(
                a.variant_id,
                a.purpose,
                a.state,
                a.cost_status,
                func.count().label("count"),
                func.sum(func.coalesce(a.cost_usd, 0.0)).label("cost_usd"),
            )  # type: ignore[call-overload]
            .where(a.run_id == run_id)
            .group_by(a.variant_id, a.purpose, a.state, a.cost_status)
        )
        return [dict(row._mapping) for row in self._session.exec(query)]

    def recent_failures(self, run_id: str, limit: int = 5) -> list[tuple[str, str]]:
        """(kind, message) of the newest failed results, each kind once."""
        query = (
            select(tables.Output.error_kind, func.max(tables.Output.error_message))
            .where(tables.Output.run_id == run_id, tables.Output.status == OutputStatus.FAILED)
            .group_by(col(tables.Output.error_kind))
            .limit(limit)
        )
        return [(kind or "", message or "") for kind, message in self._session.exec(query)]
