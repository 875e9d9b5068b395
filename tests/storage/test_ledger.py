"""The books of running work: nothing leaves unbooked, no budget is overdrawn, no result is half kept."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from experiments.actions.runs.start_run import start_run
from experiments.errors import BakeoffError
from experiments.vocabulary import RunState, new_id
from storage import ledger as books
from storage.ledger import Grant, Ledger
from storage.store import Store
from tests.builders import ADA, made

OWNER = "worker-1"


class Running:
    """A run that this worker holds, and rows for its books."""

    def __init__(self, store: Store, rows: int = 12) -> None:
        self.store = store
        made(store, rows=rows)
        self.run = start_run(store, "sums", actor=ADA)
        with store.begin() as tx:
            assert tx.runs.claim(self.run.id, owner=OWNER, now=store.clock(), lease=timedelta(minutes=5))
            experiment = tx.experiments.get(self.run.experiment_id)
            self.variant = tx.experiments.variants(experiment.id)[0].id
            self.examples = [e.id for e in tx.datasets.examples(experiment.dataset_version_id)]

    def attempt(self, example: int, *, estimate: float | None = 0.1) -> dict:
        """The row of a call that wants to leave."""
        return {
            "id": new_id(), "run_id": self.run.id, "variant_id": self.variant, "example_id": self.examples[example],
            "repetition": 0, "purpose": "generate", "number": 1, "state": "sending", "model": "demo/small",
            "request_hash": "", "worker": OWNER, "estimated_cost_usd": estimate, "cost_status": "unknown",
            "started_at": self.store.clock(),
        }  # fmt: skip

    def done(self, attempt: dict, *, cost: float = 0.04) -> dict:
        """The columns that change when the call came back."""
        return {
            "id": attempt["id"],
            "state": "done",
            "cost_usd": cost,
            "cost_status": "known",
            "ended_at": self.store.clock(),
        }

    def output(self, attempt: dict, *, variant: str | None = None) -> dict:
        """The final result of the trial."""
        return {
            "id": new_id(), "run_id": self.run.id, "variant_id": variant or self.variant, "example_id": attempt["example_id"],
            "repetition": 0, "status": "ok", "text": "3", "request_hash": "", "attempt_id": attempt["id"], "attempts": 1,
            "cost_usd": 0.04, "cost_status": "known", "cached": False, "simulated": True, "sanitised": False,
            "created_at": self.store.clock(),
        }  # fmt: skip

    def money(self) -> tuple[float, float]:
        """(settled, reserved) of the run in US dollars."""
        with self.store.read() as tx:
            run = tx.runs.get(self.run.id)
        return round(run.spent_usd, 6), round(run.reserved_usd, 6)

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        with self.store.read() as tx:
            return int(tx.session.execute(text(f"SELECT count(*) FROM {table}")).scalar() or 0)


@pytest.fixture
def running(store: Store) -> Running:
    return Running(store)


def _with_ledger(store: Store, work):
    async def go():
        ledger = Ledger(store, OWNER)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(go())


def test_a_call_is_on_the_books_before_it_may_leave(store: Store, running: Running):
    row = running.attempt(0)

    async def ask(ledger):
        grant = await ledger.start_attempt(row, budget_usd=1.0)
        return grant, running.rows("attempt"), running.money()

    assert _with_ledger(store, ask) == (Grant.GO, 1, (0.0, 0.1))


def test_many_calls_at_once_never_overdraw_the_budget(store: Store, running: Running):
    async def ask(ledger):
        wishes = [ledger.start_attempt(running.attempt(i), budget_usd=0.55) for i in range(12)]
        return await asyncio.gather(*wishes)

    grants = _with_ledger(store, ask)

    assert grants.count(Grant.GO) == 5
    assert grants.count(Grant.OVER_BUDGET) == 7
    assert running.money() == (0.0, 0.5)
    assert running.rows("attempt") == 5


def test_two_writers_share_one_budget(store: Store, running: Running):
    async def ask(first):
        second = Ledger(store, OWNER)
        wishes = [
            (first, second)[i % 2].start_attempt(running.attempt(i, estimate=0.25), budget_usd=1.0) for i in range(12)
        ]
        grants = await asyncio.gather(*wishes)
        await second.close()
        return grants

    grants = _with_ledger(store, ask)

    assert grants.count(Grant.GO) == 4
    assert running.money() == (0.0, 1.0)


def test_one_trial_leaves_once_and_the_loser_gives_its_reservation_back(store: Store, running: Running):
    async def ask(first):
        second = Ledger(store, OWNER)
        grants = await asyncio.gather(
            *(one.start_attempt(running.attempt(i), budget_usd=None) for i in range(6) for one in (first, second))
        )
        await second.close()
        return grants

    grants = _with_ledger(store, ask)

    assert sorted(grants) == sorted([Grant.GO] * 6 + [Grant.TAKEN] * 6)
    assert running.rows("attempt") == 6
    assert running.money() == (0.0, 0.6)


def test_a_worker_that_lost_its_lease_gets_no_call_out(store: Store, running: Running):
    async def ask(ledger):
        with store.begin() as tx:
            tx.session.execute(text("UPDATE run SET lease_owner = 'worker-2'"))
        return await ledger.start_attempt(running.attempt(0), budget_usd=None)

    assert _with_ledger(store, ask) is Grant.NOT_RUNNING
    assert running.money() == (0.0, 0.0)


def test_result_scores_and_money_are_kept_as_one(store: Store, running: Running):
    row = running.attempt(0)
    output = running.output(row)
    score = {
        "id": new_id(),
        "output_id": output["id"],
        "metric": "has_key",
        "fingerprint": "1",
        "value": 1.0,
        "created_at": store.clock(),
    }

    async def work(ledger):
        await ledger.start_attempt(row, budget_usd=1.0)
        await ledger.settle(running.run.id, attempt=running.done(row), output=output, scores=[score], reserved_usd=0.1)

    _with_ledger(store, work)

    assert (running.rows("output"), running.rows("score"), running.money()) == (1, 1, (0.04, 0.0))


def test_a_result_that_cannot_be_kept_leaves_nothing_of_itself(store: Store, running: Running, monkeypatch):
    monkeypatch.setattr(books, "PATIENCE_S", -1.0)
    row = running.attempt(0)

    async def work(ledger):
        await ledger.start_attempt(row, budget_usd=1.0)
        wrong = running.output(row, variant="nobody")
        await ledger.settle(running.run.id, attempt=running.done(row), output=wrong, reserved_usd=0.1)

    with pytest.raises(BakeoffError) as error:
        _with_ledger(store, work)

    assert error.value.code == "changed_meanwhile"
    assert (running.rows("output"), running.money()) == (0, (0.0, 0.1))
    with store.read() as tx:
        assert tx.session.execute(text("SELECT state FROM attempt")).scalar() == "sending"


def test_a_database_that_is_away_for_a_moment_loses_no_result(store: Store, running: Running, monkeypatch):
    monkeypatch.setattr(books, "RETRY_S", 0.01)
    row, begin, refused = running.attempt(0), store.begin, []

    def away_twice():
        if len(refused) < 2:
            refused.append(1)
            raise BakeoffError("database_unavailable", "The database cannot be reached.")
        return begin()

    async def work(ledger):
        await ledger.start_attempt(row, budget_usd=1.0)
        monkeypatch.setattr(store, "begin", away_twice)
        await ledger.settle(running.run.id, attempt=running.done(row), output=running.output(row), reserved_usd=0.1)

    _with_ledger(store, work)

    assert len(refused) == 2
    assert (running.rows("output"), running.money()) == (1, (0.04, 0.0))


def test_a_call_is_refused_when_the_database_stays_away(store: Store, running: Running, monkeypatch):
    monkeypatch.setattr(books, "PATIENCE_S", 0.05)
    monkeypatch.setattr(books, "RETRY_S", 0.01)

    def away():
        raise BakeoffError("database_unavailable", "The database cannot be reached.")

    async def ask(ledger):
        monkeypatch.setattr(store, "begin", away)
        try:
            await ledger.start_attempt(running.attempt(0), budget_usd=1.0)
        finally:
            monkeypatch.undo()

    with pytest.raises(BakeoffError, match="cannot be reached"):
        _with_ledger(store, ask)
    assert running.rows("attempt") == 0


def test_a_call_waits_for_a_database_that_is_away_for_a_moment(store: Store, running: Running, monkeypatch):
    monkeypatch.setattr(books, "RETRY_S", 0.01)
    begin, refused = store.begin, []

    def away_twice():
        if len(refused) < 2:
            refused.append(1)
            raise BakeoffError("database_unavailable", "The database cannot be reached.")
        return begin()

    async def ask(ledger):
        monkeypatch.setattr(store, "begin", away_twice)
        return await ledger.start_attempt(running.attempt(0), budget_usd=1.0)

    assert _with_ledger(store, ask) is Grant.GO
    assert (len(refused), running.rows("attempt")) == (2, 1)


def test_a_commit_whose_answer_was_lost_counts_once(store: Store, running: Running, monkeypatch):
    """The connection dies after the commit: the same writes come again, money and reservation stay as they are."""
    monkeypatch.setattr(books, "RETRY_S", 0.01)
    row, commit, lost = running.attempt(0), Ledger._commit, []

    def lose_the_answer(ledger, wishes, settlements):
        grants = commit(ledger, wishes, settlements)
        if len(lost) < 4 and not (wishes or settlements)[0].retried:
            lost.append(1)
            raise BakeoffError("database_unavailable", "The database cannot be reached.")
        return grants

    monkeypatch.setattr(Ledger, "_commit", lose_the_answer)

    async def work(ledger):
        assert await ledger.start_attempt(row, budget_usd=1.0) is Grant.GO
        await ledger.settle(running.run.id, attempt=running.done(row), output=running.output(row), reserved_usd=0.1)

    _with_ledger(store, work)

    assert len(lost) == 2
    assert (running.rows("attempt"), running.rows("output"), running.money()) == (1, 1, (0.04, 0.0))


def test_an_answer_with_a_number_that_no_database_takes_is_kept_without_it(store: Store, running: Running, monkeypatch):
    """The writer used to die of it, and every later result of the process waited for ever."""
    rows = [running.attempt(i) for i in range(3)]

    async def work(ledger):
        for row in rows:
            await ledger.start_attempt(row, budget_usd=1.0)
        outputs = [running.output(row) for row in rows]
        outputs[1]["tool_calls"] = [{"function": {"name": "f", "arguments": float("inf")}, "text": "a\x00b"}]
        kept = [
            ledger.settle(running.run.id, attempt=running.done(row), output=output, reserved_usd=0.1)
            for row, output in zip(rows, outputs, strict=True)
        ]
        async with asyncio.timeout(30):
            await asyncio.gather(*kept)

    _with_ledger(store, work)

    assert running.rows("output") == 3
    assert running.money() == (pytest.approx(0.12), pytest.approx(0.0))


def test_what_cannot_be_stored_at_all_becomes_a_failure_with_its_cost(store: Store, running: Running):
    row = running.attempt(0)

    async def work(ledger):
        await ledger.start_attempt(row, budget_usd=1.0)
        output = {**running.output(row), "tool_calls": [{"odd": object()}]}
        async with asyncio.timeout(30):
            await ledger.settle(running.run.id, attempt=running.done(row), output=output, reserved_usd=0.1)

    _with_ledger(store, work)

    with store.read() as tx:
        [(status, kind)] = tx.session.execute(text("SELECT status, error_kind FROM output")).all()
    assert (status, kind, running.money()) == ("failed", "malformed_response", (0.04, 0.0))


def test_what_is_queued_is_written_before_the_ledger_closes(store: Store, running: Running):
    rows = [running.attempt(i) for i in range(12)]

    async def work(ledger):
        await asyncio.gather(*(ledger.start_attempt(row, budget_usd=None) for row in rows))
        late = [
            asyncio.ensure_future(
                ledger.settle(running.run.id, attempt=running.done(row), output=running.output(row), reserved_usd=0.1)
            )
            for row in rows
        ]
        await asyncio.sleep(0)
        await ledger.close()
        await asyncio.gather(*late)

    asyncio.run(_alone(store, work))

    assert (running.rows("output"), running.money()) == (12, (0.48, 0.0))
    with store.read() as tx:
        assert tx.runs.get(running.run.id).state == RunState.RUNNING


def test_calls_of_a_wide_run_leave_in_several_commits_and_all_are_written_before_it_closes(
    store: Store, running: Running, monkeypatch
):
    monkeypatch.setattr(books, "MOST_AT_ONCE", 5)
    commits, commit = [], Ledger._commit

    def counted(self, wishes, settlements):
        commits.append(len(wishes) + len(settlements))
        return commit(self, wishes, settlements)

    monkeypatch.setattr(Ledger, "_commit", counted)
    rows = [running.attempt(i) for i in range(12)]

    async def work(ledger):
        late = [asyncio.ensure_future(ledger.start_attempt(row, budget_usd=None)) for row in rows]
        await asyncio.sleep(0)
        await ledger.close()
        return await asyncio.gather(*late)

    assert set(asyncio.run(_alone(store, work))) == {Grant.GO}
    assert (running.rows("attempt"), sum(commits), max(commits)) == (12, 12, 5)


async def _alone(store, work):
    return await work(Ledger(store, OWNER))
