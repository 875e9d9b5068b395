"""The books of running work: every paid call is on them before it leaves, every result is kept in one transaction.

Commits are grouped: while one is on its way to the disk, the next ones queue up and share the following one. The next
call of a slot leaves only when its last result is durable, so a kill can cost at most one call per slot.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Connection, Float, Integer, Update, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import TimeoutError as PoolExhausted

from experiments.background import Loop, loop_state
from experiments.errors import BakeoffError
from experiments.vocabulary import AttemptState, RunState
from storage import tables
from storage.engine import is_sqlite
from storage.pending_writes import Grant, PendingCall, PendingResult, PendingWrites
from storage.refusals import COMES_BACK
from storage.store import Store
from storage.tables import table_of

GATHER_S = 0.005
MOST_AT_ONCE = 48
"""Wishes and results of one commit. If a wide run's calls all left with one commit, they would come back together too:
the processor would rest while they are out, and they would wait for it afterwards."""
RETRY_S = 0.5
PATIENCE_S = 60.0
_STOP = object()
_NOT_STORED = BakeoffError(
    "not_stored",
    "The database refused a write of this run, and would refuse it again.",
    "The server's log says why; resume the run when it is mended.",
)


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
        self._insert_score = insert(table_of(tables.ScoreRow)).on_conflict_do_nothing()
        self._insert_judgement = insert(table_of(tables.JudgementRow)).on_conflict_do_nothing()
        self._statements = _Statements(owner)

    async def start_attempt(self, row: Mapping[str, Any], *, budget_usd: float | None) -> Grant:
        """Put a call on the books; it may leave only when the answer is ``GO``, and is durable by then.

        Raises:
            BakeoffError: when the database cannot take it.
        """
        future: asyncio.Future[Grant] = self._loop.create_future()
        self._inbox.put(PendingCall(row, budget_usd, future))
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
        self._inbox.put(PendingResult(run_id, attempt, output, scores, judgement, reserved_usd, cost, future))
        return future

    async def close(self) -> None:
        """Write what is queued and stop."""
        self._inbox.put(_STOP)
        await asyncio.to_thread(self._thread.join)

    # --- the writer thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Commit what comes until told to stop; no exception ends it, since every call of the process waits for it."""
        state, batch, stopping = loop_state(Loop.LEDGER), PendingWrites(), False
        while not (stopping and not batch):
            try:
                stopping = self._gather(batch, stopping=stopping)
                if batch:
                    self._commit_and_tell(batch)
                    state.works()
            except Exception as error:
                state.failed(error)
                self._after_failure(error, batch)

    def _gather(self, batch: PendingWrites, *, stopping: bool) -> bool:
        """Add what waits to the batch; whether the end was asked for."""
        items: list[Any] = []
        try:
            if batch:
                time.sleep(RETRY_S)
            elif not stopping:
                items.append(self._inbox.get())
                # A short breath lets calls that end together share one flush to the disk.
                time.sleep(GATHER_S)
            while len(batch) + len(items) < MOST_AT_ONCE:
                items.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        batch.wishes += [i for i in items if isinstance(i, PendingCall)]
        batch.settlements += [i for i in items if isinstance(i, PendingResult)]
        return stopping or any(item is _STOP for item in items)

    def _commit_and_tell(self, batch: PendingWrites) -> None:
        grants = self._commit(batch.wishes, batch.settlements)
        answers: list[tuple[asyncio.Future[Any], Any]] = [
            (w.future, g) for w, g in zip(batch.wishes, grants, strict=True)
        ]
        self._tell(answers + [(s.future, None) for s in batch.settlements])
        batch.wishes, batch.settlements = [], []

    def _after_failure(self, error: Exception, batch: PendingWrites) -> None:
        """Try again what may succeed later; otherwise isolate what the database refuses."""
        if not _may_pass(error):
            self._one_by_one(batch)
        problem = error if isinstance(error, BakeoffError) else _NOT_STORED
        oldest = time.monotonic() - PATIENCE_S
        items: list[PendingCall | PendingResult] = [*batch.wishes, *batch.settlements]
        batch.wishes = [w for w in batch.wishes if w.first_tried >= oldest]
        batch.settlements = [s for s in batch.settlements if s.first_tried >= oldest]
        self._tell([(i.future, problem) for i in items if i.first_tried < oldest])
        for call in batch.wishes:
            call.retried = True
        for result in batch.settlements:
            result.retried = True

    def _one_by_one(self, batch: PendingWrites) -> None:
        """Commit each item alone. What is refused is kept as far as it can be stored; what may pass stays in the batch.

        Only what nothing helps is given up, and says so to the one call that waits for it.
        """
        wishes, settlements = batch.wishes, batch.settlements
        batch.wishes, batch.settlements = [], []
        for settlement in settlements:
            forms = (lambda s=settlement: s, settlement.storable, settlement.without_answer)
            if not self._alone([PendingWrites(settlements=[form()]) for form in forms]):
                batch.settlements.append(settlement)
        for wish in wishes:
            if not self._alone([PendingWrites([wish])]):
                batch.wishes.append(wish)

    def _alone(self, forms: Sequence[PendingWrites]) -> bool:
        """Commit the first form that the database takes; False when it takes none at present but may later."""
        problem = _NOT_STORED
        for form in forms:
            try:
                self._commit_and_tell(form)
            except Exception as error:
                if _may_pass(error):
                    return False
                loop_state(Loop.LEDGER).failed(error)
                problem = error if isinstance(error, BakeoffError) else _NOT_STORED
            else:
                return True
        self._tell([(c.future, problem) for c in forms[-1].wishes])
        self._tell([(r.future, problem) for r in forms[-1].settlements])
        return True

    def _commit(self, wishes: list[PendingCall], settlements: list[PendingResult]) -> list[Grant]:
        with self._store.begin() as tx:
            connection = tx.session.connection()
            tx.runs.lock({s.run_id for s in settlements} | {w.row["run_id"] for w in wishes})
            self._write_settlements(connection, settlements)
            return self._grant(connection, wishes)

    def _write_settlements(self, connection: Connection, settlements: list[PendingResult]) -> None:
        counted = self._counted_already(connection, settlements)
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
        self._write_totals(connection, settlements, counted)

    def _counted_already(self, connection: Connection, settlements: list[PendingResult]) -> Set[str]:
        """Attempts that a commit ended whose answer never reached us: their money is in the totals."""
        tried = [s.attempt["id"] for s in settlements if s.retried and s.attempt is not None]
        attempt = table_of(tables.Attempt).c
        query = select(attempt.id).where(attempt.id.in_(tried), attempt.state != AttemptState.SENDING)
        return set(connection.execute(query).scalars()) if tried else set()

    def _write_totals(self, connection: Connection, settlements: list[PendingResult], counted: Set[str]) -> None:
        totals: dict[str, list[float]] = {}
        for s in settlements:
            if s.attempt is not None and s.attempt["id"] in counted:
                continue
            total = totals.setdefault(s.run_id, [0.0, 0.0, 0])
            total[0] += s.cost_usd
            total[1] += s.reserved_usd
            total[2] += s.output is not None or bool(s.scores)
        for run_id, (cost, reserved, results) in totals.items():
            given = {"run_id": run_id, "cost": cost, "reserved": reserved, "results": int(results)}
            connection.execute(self._statements.total, given)

    def _grant(self, connection: Connection, wishes: list[PendingCall]) -> list[Grant]:
        grants = [Grant.GO] * len(wishes)
        booked = self._booked_already(connection, wishes)
        by_run: dict[str, list[int]] = {}
        for i, wish in enumerate(wishes):
            if wish.retried and wish.row["id"] in booked:
                continue
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

    def _booked_already(self, connection: Connection, wishes: list[PendingCall]) -> Set[str]:
        """Calls that a commit put on the books whose answer never reached us: they hold their reservation."""
        tried = [w.row["id"] for w in wishes if w.retried]
        attempt = table_of(tables.Attempt).c
        return set(connection.execute(select(attempt.id).where(attempt.id.in_(tried))).scalars()) if tried else set()

    def _reserve(self, connection: Connection, run_id: str, amount_usd: float, budget_usd: float | None) -> Grant:
        given: dict[str, Any] = {"run_id": run_id, "amount": amount_usd}
        statement = self._statements.reserve
        if budget_usd is not None:
            statement, given["budget"] = self._statements.reserve_within, budget_usd
        if connection.execute(statement, given).rowcount == 1:
            return Grant.GO
        still_mine = connection.execute(self._statements.still_mine, {"run_id": run_id}).rowcount == 1
        return Grant.OVER_BUDGET if still_mine else Grant.NOT_RUNNING

    def _insert_attempts(self, connection: Connection, wishes: list[PendingCall], grants: list[Grant]) -> None:
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


def _may_pass(error: Exception) -> bool:
    """Whether the same writes may succeed later: the database is away, busy, full, or chose us in a deadlock."""
    return isinstance(error, PoolExhausted | OSError) or (isinstance(error, BakeoffError) and error.code in COMES_BACK)
