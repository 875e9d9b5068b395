"""The books of running work: every paid call is on them before it leaves, every result is kept in one transaction.

Commits are grouped: while one is on its way to the disk, the next ones queue up and share the following one. The next
call of a slot leaves only when its last result is durable, so a kill can cost at most one call per slot.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Float, Integer, Update, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from experiments.errors import BakeoffError
from experiments.vocabulary import RunState
from storage import tables
from storage.engine import is_sqlite
from storage.store import Store
from storage.tables import table_of

logger = logging.getLogger(__name__)

GATHER_S = 0.005
MOST_AT_ONCE = 48
"""Wishes and results of one commit. If a wide run's calls all left with one commit, they would come back together too:
the processor would rest while they are out, and they would wait for it afterwards."""
RETRY_S = 0.5
PATIENCE_S = 60.0
_STOP = object()


class Grant(StrEnum):
    """Answer to a call that wants to leave."""

    GO = "go"
    OVER_BUDGET = "over_budget"
    NOT_RUNNING = "not_running"
    TAKEN = "taken"


@dataclass(slots=True)
class _Wish:
    """A call that wants to leave: the columns of its attempt row, and the run's budget (None: no stop)."""

    row: Mapping[str, Any]
    budget_usd: float | None
    future: asyncio.Future[Grant]


@dataclass(slots=True)
class _Settlement:
    """What became of an attempt, and, when the trial is over, its output and scores, or what a judge answered."""

    run_id: str
    attempt: Mapping[str, Any] | None
    output: Mapping[str, Any] | None
    scores: Sequence[Mapping[str, Any]]
    judgement: Mapping[str, Any] | None
    reserved_usd: float
    cost_usd: float
    future: asyncio.Future[None]
    first_tried: float = field(default_factory=time.monotonic)


class _Statements:
    """What a ledger writes again and again, put together once: that costs as much as executing it."""

    def __init__(self, owner: str) -> None:
        run = table_of(tables.Run).c
        cost, amount = bindparam("cost", type_=Float), bindparam("amount", type_=Float)
        this = run.id == bindparam("run_id")
        mine = this & (run.lease_owner == owner) & (run.state == RunState.RUNNING)
        self._ends: dict[tuple[str, ...], Update] = {}
        self.reserve = update(table_of(tables.Run)).where(mine).values(reserved_usd=run.reserved_usd + amount)
        self.reserve_within = self.reserve.where(
            run.spent_usd + run.reserved_usd + amount <= bindparam("budget", type_=Float)
        )
        self.still_mine = update(table_of(tables.Run)).where(mine).values(state=run.state)
        self.total = (
            update(table_of(tables.Run))
            .where(this)
            .values(
                spent_usd=run.spent_usd + cost,
                reserved_usd=run.reserved_usd - bindparam("reserved", type_=Float),
                revision=run.revision + bindparam("results", type_=Integer),
            )
        )

    def end_attempt(self, columns: tuple[str, ...]) -> Update:
        """The update of these columns of an attempt, one of which is ``attempt_id``."""
        if columns not in self._ends:
            attempt = table_of(tables.Attempt)
            values: dict[str, Any] = {name: bindparam(name) for name in columns if name != "attempt_id"}
            self._ends[columns] = update(attempt).where(attempt.c.id == bindparam("attempt_id")).values(values)
        return self._ends[columns]


class Ledger:
    """The single writer of a worker process. Use from one event loop; ``close`` when done."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()
        insert = sqlite.insert if is_sqlite(store.engine) else postgresql.insert
        self._insert_attempt = insert(table_of(tables.Attempt)).on_conflict_do_nothing()
        self._insert_output = insert(table_of(tables.Output)).on_conflict_do_nothing()
        self._insert_score = insert(table_of(tables.Score)).on_conflict_do_nothing()
        self._insert_judgement = insert(table_of(tables.Judgement)).on_conflict_do_nothing()
        self._statements = _Statements(owner)

    async def start_attempt(self, row: Mapping[str, Any], *, budget_usd: float | None) -> Grant:
        """Put a call on the books; it may leave only when the answer is ``GO``, and is durable by then.

        Raises:
            BakeoffError: when the database cannot take it.
        """
        future: asyncio.Future[Grant] = self._loop.create_future()
        self._inbox.put(_Wish(row, budget_usd, future))
        return await future

    def settle(
        self,
        run_id: str,
        *,
        attempt: Mapping[str, Any] | None = None,
        output: Mapping[str, Any] | None = None,
        scores: Sequence[Mapping[str, Any]] = (),
        judgement: Mapping[str, Any] | None = None,
        reserved_usd: float = 0.0,
    ) -> asyncio.Future[None]:
        """Keep the end of an attempt and, when given, the final result of its trial with its scores, as one.

        ``judgement`` is what a judge answered to the attempt. ``attempt`` holds ``id`` and the columns that changed.
        The future is done when it is durable; a wish that is put in right after it shares its transaction. A database
        that is out of reach is tried again for a minute; the future raises BakeoffError after that.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        cost = float((attempt or {}).get("cost_usd") or 0.0)
        self._inbox.put(_Settlement(run_id, attempt, output, scores, judgement, reserved_usd, cost, future))
        return future

    async def close(self) -> None:
        """Write what is queued and stop."""
        self._inbox.put(_STOP)
        await asyncio.to_thread(self._thread.join)

    # --- the writer thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        kept: list[_Settlement] = []
        stopping = False
        while not (stopping and not kept):
            wishes, settlements, stopping = self._gather(wait=not kept, stopping=stopping)
            settlements = kept + settlements
            if not wishes and not settlements:
                continue
            try:
                grants = self._commit(wishes, settlements)
                kept = []
            except (DBAPIError, BakeoffError) as error:
                kept = self._after_failure(error, wishes, settlements)
                continue
            self._tell(
                [(w.future, g) for w, g in zip(wishes, grants, strict=True)] + [(s.future, None) for s in settlements]
            )

    def _gather(self, *, wait: bool, stopping: bool) -> tuple[list[_Wish], list[_Settlement], bool]:
        items: list[Any] = []
        try:
            if wait and not stopping:
                items.append(self._inbox.get())
                # A short breath lets calls that end together share one flush to the disk.
                time.sleep(GATHER_S)
            elif not wait:
                time.sleep(RETRY_S)
            while len(items) < MOST_AT_ONCE:
                items.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        stopping = stopping or any(item is _STOP for item in items)
        return (
            [i for i in items if isinstance(i, _Wish)],
            [i for i in items if isinstance(i, _Settlement)],
            stopping,
        )

    def _commit(self, wishes: list[_Wish], settlements: list[_Settlement]) -> list[Grant]:
        with self._store.begin() as tx:
            connection = tx.session.connection()
            self._write_settlements(connection, settlements)
            return self._grant(connection, wishes)

    def _write_settlements(self, connection: Connection, settlements: list[_Settlement]) -> None:
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for s in settlements:
            if s.attempt is not None:
                changed = dict(s.attempt)
                changed["attempt_id"] = changed.pop("id")
                by_columns.setdefault(tuple(sorted(changed)), []).append(changed)
        for columns, rows in by_columns.items():
            connection.execute(self._statements.end_attempt(columns), rows)
        outputs = [dict(s.output) for s in settlements if s.output is not None]
        if outputs:
            connection.execute(self._insert_output, outputs)
        scores = [dict(row) for s in settlements for row in s.scores]
        if scores:
            connection.execute(self._insert_score, scores)
        judgements = [dict(s.judgement) for s in settlements if s.judgement is not None]
        if judgements:
            connection.execute(self._insert_judgement, judgements)
        self._write_totals(connection, settlements)

    def _write_totals(self, connection: Connection, settlements: list[_Settlement]) -> None:
        totals: dict[str, list[float]] = {}
        for s in settlements:
            total = totals.setdefault(s.run_id, [0.0, 0.0, 0])
            total[0] += s.cost_usd
            total[1] += s.reserved_usd
            total[2] += s.output is not None or bool(s.scores)
        for run_id, (cost, reserved, results) in totals.items():
            given = {"run_id": run_id, "cost": cost, "reserved": reserved, "results": int(results)}
            connection.execute(self._statements.total, given)

    def _grant(self, connection: Connection, wishes: list[_Wish]) -> list[Grant]:
        grants = [Grant.GO] * len(wishes)
        by_run: dict[str, list[int]] = {}
        for i, wish in enumerate(wishes):
            by_run.setdefault(wish.row["run_id"], []).append(i)
        for run_id, indexes in by_run.items():
            budget = wishes[indexes[0]].budget_usd
            estimates = [float(wishes[i].row["estimated_cost_usd"] or 0.0) for i in indexes]
            answer = self._reserve(connection, run_id, sum(estimates), budget)
            if answer is Grant.OVER_BUDGET and len(indexes) > 1:
                for i, estimate in zip(indexes, estimates, strict=True):
                    grants[i] = self._reserve(connection, run_id, estimate, budget)
            else:
                for i in indexes:
                    grants[i] = answer
        self._insert_attempts(connection, wishes, grants)
        return grants

    def _reserve(self, connection: Connection, run_id: str, amount_usd: float, budget_usd: float | None) -> Grant:
        given: dict[str, Any] = {"run_id": run_id, "amount": amount_usd}
        statement = self._statements.reserve
        if budget_usd is not None:
            statement, given["budget"] = self._statements.reserve_within, budget_usd
        if connection.execute(statement, given).rowcount == 1:
            return Grant.GO
        still_mine = connection.execute(self._statements.still_mine, {"run_id": run_id}).rowcount == 1
        return Grant.OVER_BUDGET if still_mine else Grant.NOT_RUNNING

    def _insert_attempts(self, connection: Connection, wishes: list[_Wish], grants: list[Grant]) -> None:
        rows = [dict(w.row) for w, g in zip(wishes, grants, strict=True) if g is Grant.GO]
        if not rows:
            return
        if connection.execute(self._insert_attempt, rows).rowcount == len(rows):
            return
        # Another worker holds one of these trials: find out which rows are ours.
        attempt = table_of(tables.Attempt)
        found = connection.execute(
            attempt.select().with_only_columns(attempt.c.id).where(attempt.c.id.in_([r["id"] for r in rows]))
        )
        ours = {row.id for row in found}
        for i, wish in enumerate(wishes):
            if grants[i] is Grant.GO and wish.row["id"] not in ours:
                grants[i] = Grant.TAKEN
                self._give_back(connection, wish.row["run_id"], float(wish.row["estimated_cost_usd"] or 0.0))

    def _give_back(self, connection: Connection, run_id: str, amount_usd: float) -> None:
        run = table_of(tables.Run)
        connection.execute(update(run).where(run.c.id == run_id).values(reserved_usd=run.c.reserved_usd - amount_usd))

    def _after_failure(
        self, error: Exception, wishes: list[_Wish], settlements: list[_Settlement]
    ) -> list[_Settlement]:
        problem = (
            error
            if isinstance(error, BakeoffError)
            else BakeoffError("database_unavailable", "The database refused a write.")
        )
        logger.warning("write failed, %d results wait: %s", len(settlements), problem.code)
        self._tell([(w.future, problem) for w in wishes])
        now = time.monotonic()
        lost = [s for s in settlements if now - s.first_tried > PATIENCE_S]
        self._tell([(s.future, problem) for s in lost])
        return [s for s in settlements if now - s.first_tried <= PATIENCE_S]

    def _tell(self, answers: list[tuple[asyncio.Future[Any], Any]]) -> None:
        def deliver() -> None:
            for future, answer in answers:
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

        if answers and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(deliver)
