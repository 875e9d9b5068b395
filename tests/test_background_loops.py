"""Every background loop is fed an exception that nobody expects, and goes on; a new loop cannot do without its case."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from commands import worker_process
from experiments import background
from experiments.actions.live import work_live
from experiments.actions.live.work_live import LiveWorker
from experiments.actions.runs import work
from experiments.actions.runs.start_run import start_run
from experiments.actions.runs.work import Worker
from experiments.background import Loop, failing_loops, keep_running, loop_state
from experiments.completions import CompletionSettings, open_completions
from gateway import delivery, last_known
from gateway.delivery import Deliverer
from gateway.last_known import LastKnown
from gateway.spill import Spill, SpillFull, open_spill
from storage import checkpoints, ledger
from storage.checkpoints import Checkpointer
from storage.ledger import Ledger
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of

PATIENCE_S = 30.0


class Unexpected(Exception):
    """What nobody catches by name."""


class Once:
    """A method that raises the first time it is called, and works from then on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.calls = 0
        works = getattr(owner, name)

        def method(*arguments, **named):
            self.calls += 1
            if self.calls == 1:
                raise Unexpected(name)
            return works(*arguments, **named)

        monkeypatch.setattr(owner, name, method)


@pytest.fixture(autouse=True)
def states(monkeypatch: pytest.MonkeyPatch) -> None:
    """No state of another test."""
    monkeypatch.setattr(background, "_states", {})
    for module, name in ((work, "POLL_S"), (work_live, "POLL_S"), (checkpoints, "EVERY_S"), (checkpoints, "LOOK_S")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(work, "BEAT_S", 0.01)
    monkeypatch.setattr(delivery, "GATHER_S", 0.0)
    monkeypatch.setattr(last_known, "EVERY_S", 0.01)
    for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S"):
        monkeypatch.setattr(worker_process, name, 0.01)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def recovered(loop: Loop) -> bool:
    """The loop failed once, and a later round went well."""
    state = loop_state(loop)
    return state.failures >= 1 and state.failing_since is None


def feed_the_ledger(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(store, rows=4)
    Once(monkeypatch, Ledger, "_commit")
    assert run_to_end(store).state == "finished"


def feed_a_worker(name: str) -> Callable[[Store, Path, pytest.MonkeyPatch], None]:
    def feed(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made(store, rows=4)
        start_run(store, "sums", actor=ADA)
        Once(monkeypatch, Worker, name)

        async def go() -> None:
            environment = {"BAKEOFF_DEMO_TIME_SCALE": "0"}
            completions = open_completions(CompletionSettings.from_env(environment), environ=environment)
            worker = Worker(store, completions)
            serving = asyncio.create_task(worker.serve())
            await asyncio.to_thread(wait_until, lambda: _finished(store))
            await asyncio.sleep(0.1)
            worker.stop()
            await serving
            await completions.aclose()

        asyncio.run(go())

    return feed


def _finished(store: Store) -> bool:
    with store.read() as tx:
        return all(run.state == "finished" for run in tx.runs.newest_by_experiment().values())


def feed_the_live_worker(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_live, "GUARD_S", 0.0)
    once = Once(monkeypatch, LiveWorker, "_shadows")
    looks = Once(monkeypatch, LiveWorker, "_changed")

    async def go() -> None:
        async def analyse(_experiment_id: str) -> None: ...

        completions = open_completions(CompletionSettings.from_env({}), environ={})
        serving = asyncio.create_task(LiveWorker(store, completions, "me", analyse).serve())
        await asyncio.to_thread(wait_until, lambda: once.calls > 2 and looks.calls > 2)
        serving.cancel()
        await completions.aclose()

    asyncio.run(go())


def feed_the_event_log(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Once(monkeypatch, Spill, "_write")
    spill = open_spill(home)

    async def go() -> None:
        with pytest.raises(SpillFull):
            await spill.append([b"{}"])
        await spill.append([b"{}"])

    asyncio.run(go())
    assert spill.pending == 1
    spill.close()


def feed_delivery(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill = open_spill(home)
    Once(monkeypatch, Spill, "read")
    delivered: list[bytes] = []

    def record(events):
        delivered.extend(events)
        return [None] * len(events)

    deliverer = Deliverer(spill, record)
    deliverer.start()

    async def go() -> None:
        await spill.append([b'{"id": 1}'])

    asyncio.run(go())
    wait_until(lambda: bool(delivered))
    deliverer.stop()
    spill.close()
    assert delivered == [b'{"id": 1}']


def feed_checkpoints(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Once(monkeypatch, Checkpointer, "_checkpoint")
    checkpointer = Checkpointer(store.engine)
    checkpointer.start()
    wait_until(lambda: once.calls > 2)
    checkpointer.stop()


def feed_the_configuration(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Once(monkeypatch, LastKnown, "look")
    known = LastKnown(store, home / "last-known.json", lambda _store, config: config)
    known.start()
    wait_until(lambda: once.calls > 2)
    known.stop()
    assert known.reachable


def feed_the_watch_of_the_worker(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []

    class Worked:
        async def wait(self) -> int:
            return 1

    async def start(*command: str, **_named: object) -> Worked:
        started.append(command)
        if len(started) == 1:
            raise Unexpected("no process could be made")
        return Worked()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)

    async def go() -> None:
        watching = asyncio.create_task(worker_process.watch_worker({}))
        await asyncio.to_thread(wait_until, lambda: len(started) > 2)
        watching.cancel()

    asyncio.run(go())


CASES = {
    Loop.LEDGER: feed_the_ledger,
    Loop.WORKER: feed_a_worker("_look_for_work"),
    Loop.HEARTBEAT: feed_a_worker("_renew"),
    Loop.LIVE_WORKER: feed_the_live_worker,
    Loop.EVENT_LOG: feed_the_event_log,
    Loop.DELIVERY: feed_delivery,
    Loop.CHECKPOINTS: feed_checkpoints,
    Loop.CONFIGURATION: feed_the_configuration,
    Loop.WORKER_WATCH: feed_the_watch_of_the_worker,
}


def test_every_loop_has_its_case():
    assert set(CASES) == set(Loop)
    assert {ledger.Loop, checkpoints.Loop} == {Loop}


@pytest.mark.parametrize("loop", list(Loop))
def test_a_loop_goes_on_after_an_exception_that_nobody_expects(
    loop: Loop, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    CASES[loop](sqlite_store, tmp_path, monkeypatch)

    assert recovered(loop)


def test_a_run_that_fails_in_an_unexpected_way_is_stopped_with_a_reason_and_the_next_one_is_done(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
):
    """The task used to die in silence; the lease ended, the next worker took the run, and so on for ever."""
    Once(monkeypatch, work.RunStages, "execute")
    made(sqlite_store, rows=4)
    start_run(sqlite_store, "sums", actor=ADA)

    async def go() -> None:
        environment = {"BAKEOFF_DEMO_TIME_SCALE": "0"}
        completions = open_completions(CompletionSettings.from_env(environment), environ=environment)
        worker = Worker(sqlite_store, completions)
        serving = asyncio.create_task(worker.serve())
        await asyncio.to_thread(wait_until, lambda: _state(sqlite_store)[0] == "stopped")
        worker.stop()
        await serving
        await completions.aclose()

    asyncio.run(go())
    assert _state(sqlite_store) == ("stopped", work.UNEXPECTED, None)


def _state(store: Store) -> tuple[str, str, str | None]:
    with store.read() as tx:
        [run] = tx.runs.newest_by_experiment().values()
    return run.state, run.state_reason, run.lease_owner


def test_a_loop_that_keeps_failing_is_shown_until_it_works_again(caplog: pytest.LogCaptureFixture):
    stopping, rounds, seen = threading.Event(), [], []

    def body(state):
        rounds.append(1)
        if len(rounds) < 4:
            raise OSError("no space left")
        seen.append(failing_loops())
        state.works()
        seen.append(failing_loops())

    keep_running(Loop.DELIVERY, body, stopping)

    assert seen == [["delivery"], []]
    assert loop_state(Loop.DELIVERY).failures == 3
    logged = [record for record in caplog.records if "failed and goes on" in record.message]
    assert len(logged) == 1
    assert logged[0].exc_info is None


def test_several_runs_of_one_worker_never_deadlock(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Commits of several runs, the heartbeat that renews their leases and the closing of a run met in other orders."""
    monkeypatch.setattr(work, "BEAT_S", 0.0)
    for number in range(4):
        made(store, spec_of(f"sums {number}", limits={"cache": False, "concurrency": 16}), rows=40)
        start_run(store, f"sums {number}", actor=ADA)

    async def go() -> None:
        environment = {"BAKEOFF_DEMO_TIME_SCALE": "0"}
        completions = open_completions(CompletionSettings.from_env(environment), environ=environment)
        worker = Worker(store, completions)
        serving = asyncio.create_task(worker.serve())
        await asyncio.to_thread(wait_until, lambda: _finished(store))
        worker.stop()
        await serving
        await completions.aclose()

    asyncio.run(go())

    assert loop_state(Loop.LEDGER).failures == 0
    assert loop_state(Loop.HEARTBEAT).failures == 0
    if store.engine.dialect.name == "postgresql":
        with store.read() as tx:
            query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            assert tx.session.execute(text(query)).scalar() == 0
