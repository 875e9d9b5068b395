"""The worker: finds runs and tries that wait, holds their leases, works through them, survives being killed.

Used by ``bakeoff worker``, by the process that the server watches, and, for a single run, by ``bakeoff run``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from experiments.actions.runs.paid_calls import Limiters, Stop
from experiments.actions.runs.run_stages import RunStages
from experiments.actions.trying.answer_preview import answer_preview
from experiments.background import Loop, loop_state
from experiments.completions import Completions
from experiments.errors import BakeoffError
from experiments.version import VERSION
from experiments.vocabulary import RunState, new_id
from storage.ledger import Ledger
from storage.records import PreviewRecord, RunRecord
from storage.store import Store

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
BEAT_S = 5.0
POLL_S = 0.3
DRAIN_S = 30.0
RUNS_AT_ONCE = 4
PAUSE_AFTER_FAILURE_S = 2.0
UNEXPECTED = "Something unexpected went wrong while it ran; the worker's log says what. Resume it when that is mended."

OnFinished = Callable[[RunRecord], Awaitable[None]]


class Worker:
    """One worker process. ``concurrency`` caps the calls of one run below the run's own limit."""

    def __init__(
        self,
        store: Store,
        completions: Completions,
        *,
        concurrency: int | None = None,
        on_finished: OnFinished | None = None,
    ) -> None:
        self.id = f"{socket.gethostname()[:40]}-{os.getpid()}-{new_id()[-6:]}"
        self._store = store
        self._completions = completions
        self._limiters = Limiters()
        self._concurrency = concurrency
        self._on_finished = on_finished
        self._active: dict[str, RunStages] = {}
        self._not_before: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._ledger: Ledger

    def stop(self) -> None:
        """Take no more work; calls that are out are finished, up to 30 seconds."""
        self._stopping.set()
        for execution in self._active.values():
            execution.stop(RunState.QUEUED, "")

    def stopping(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopping.is_set()

    async def serve(self) -> None:
        """Work on whatever waits until ``stop``."""
        self._ledger = Ledger(self._store, self.id)
        state = loop_state(Loop.WORKER)
        beat = asyncio.create_task(self._beat())
        with suppress(BakeoffError):
            await asyncio.to_thread(free_dead_leases, self._store)
        try:
            while not self._stopping.is_set():
                try:
                    await self._look_for_work()
                    state.works()
                except Exception as error:  # the database is away, or something nobody expected: look again later
                    state.failed(error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._stopping.wait()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=DRAIN_S)
        finally:
            await self._end(beat)

    async def work_on(self, run: RunRecord, *, on_progress: Callable[[int], None] | None = None) -> Stop | None:
        """Work through one run in the foreground; the run must be this worker's (see ``claim``).

        Raises:
            BakeoffError: when the database stays out of reach.
        """
        self._ledger = Ledger(self._store, self.id)
        beat = asyncio.create_task(self._beat())
        try:
            return await self._execute(run, on_progress)
        finally:
            await self._end(beat)

    def claim(self, run_id: str) -> RunRecord | None:
        """The run, when this worker holds it now; None when somebody else works on it or nobody should."""
        with self._store.begin() as tx:
            if not tx.runs.claim(run_id, owner=self.id, now=self._store.clock(), lease=LEASE):
                return None
            return tx.runs.get(run_id)

    async def _end(self, beat: asyncio.Task[None]) -> None:
        beat.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(beat, *self._tasks, return_exceptions=True)
        await self._ledger.close()
        with suppress(BakeoffError):
            await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        with self._store.begin() as tx:
            for run_id in sorted(self._active):
                tx.runs.release(run_id, self.id)
            tx.installation.worker_stopped(self.id, self._store.clock())

    # --- finding work ----------------------------------------------------------------------------------------------

    async def _look_for_work(self) -> None:
        previews, run_ids = await asyncio.to_thread(self._waiting)
        for preview in previews:
            self._spawn(self._answer(preview))
        for run_id in run_ids:
            if run_id in self._active or len(self._active) >= RUNS_AT_ONCE:
                continue
            if self._not_before.get(run_id, 0.0) > asyncio.get_running_loop().time():
                continue
            run = await asyncio.to_thread(self.claim, run_id)
            if run is not None:
                self._spawn(self._execute_in_background(run))

    def _waiting(self) -> tuple[list[PreviewRecord], list[str]]:
        with self._store.read() as tx:
            return tx.previews.queued(), tx.runs.claimable(self._store.clock())

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, preview: PreviewRecord) -> None:
        try:
            await answer_preview(self._store, self._completions, preview, worker=self.id)
        except Exception as error:
            loop_state(Loop.WORKER).failed(error)

    async def _execute_in_background(self, run: RunRecord) -> None:
        """Work through a run; one that fails does not touch the others, and is not taken up again at once."""
        try:
            await self._execute(run, None)
        except BakeoffError as error:
            logger.warning("run %s waits: %s", run.id, error.code)
            self._not_before[run.id] = asyncio.get_running_loop().time() + PAUSE_AFTER_FAILURE_S
        except Exception as error:
            loop_state(Loop.WORKER).failed(error)
            with suppress(BakeoffError):
                await asyncio.to_thread(self._close_run, run.id, Stop(RunState.STOPPED, UNEXPECTED))

    def _release(self, run_id: str) -> None:
        with self._store.begin() as tx:
            tx.runs.release(run_id, self.id)

    # --- working -----------------------------------------------------------------------------------------------------

    async def _execute(self, run: RunRecord, on_progress: Callable[[int], None] | None) -> Stop | None:
        execution = RunStages(
            self._store,
            self._ledger,
            self._completions,
            self._limiters,
            run,
            owner=self.id,
            concurrency=self._concurrency,
            on_progress=on_progress,
        )
        self._active[run.id] = execution
        if self._stopping.is_set():
            execution.stop(RunState.QUEUED, "")
        try:
            ended = await execution.execute()
            self._active.pop(run.id, None)  # before the lease goes back, or the heartbeat takes it again
            finished = await asyncio.to_thread(self._close_run, run.id, ended)
        except Exception:
            self._active.pop(run.id, None)
            with suppress(BakeoffError):  # otherwise everybody waits until the lease ends
                await asyncio.to_thread(self._release, run.id)
            raise
        if finished is not None and self._on_finished is not None:
            await self._on_finished(finished)
        return ended

    def _close_run(self, run_id: str, ended: Stop | None) -> RunRecord | None:
        """Write down how the run ended; the run when all its trials are done, else None."""
        now = self._store.clock()
        with self._store.begin() as tx:
            if ended is None:
                moved = tx.runs.move(run_id, to=RunState.FINISHED, expected={RunState.RUNNING}, ended_at=now)
            elif ended.state in (RunState.STOPPED, RunState.QUEUED) or ended.reason:
                moved = tx.runs.move(run_id, to=ended.state, expected={RunState.RUNNING}, reason=ended.reason)
            else:
                moved = False
            tx.runs.release(run_id, self.id)
            run = tx.runs.get(run_id)
            if moved and run.state in (RunState.FINISHED, RunState.STOPPED):
                name = tx.experiments.get(run.experiment_id).name
                details = {"run": run.number, "spent_usd": round(run.spent_usd, 6), "reason": run.state_reason}
                tx.audit.append(f"worker {self.id}", f"run_{run.state}", f"experiment:{name}", details)
        return run if moved and ended is None else None

    # --- staying alive ------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        last_beat = 0.0
        loop = asyncio.get_running_loop()
        state = loop_state(Loop.HEARTBEAT)
        while True:
            try:
                if loop.time() - last_beat >= BEAT_S:
                    await asyncio.to_thread(self._renew)
                    await asyncio.to_thread(free_dead_leases, self._store)
                    last_beat = loop.time()
                await asyncio.to_thread(self._obey)
                state.works()
            except Exception as error:
                state.failed(error)
            await asyncio.sleep(POLL_S * 2)

    def _renew(self) -> None:
        now = self._store.clock()
        with self._store.begin() as tx:
            tx.installation.beat(self.id, host=socket.gethostname()[:60], process=os.getpid(), version=VERSION, at=now)
            active = sorted(self._active.items())
            tx.runs.lock([run_id for run_id, _ in active])
            for run_id, execution in active:
                if not tx.runs.claim(run_id, owner=self.id, now=now, lease=LEASE):
                    execution.stop(RunState.PAUSED, "")
                execution.reckon_budget(tx)
                if run_id not in self._active:  # it ended while this transaction waited to write
                    tx.runs.release(run_id, self.id)
            alive = [w.id for w in tx.installation.workers_alive(now - LEASE)]
            tx.previews.give_up_orphans(alive, now)

    def _obey(self) -> None:
        """Stop executions whose run was paused or cancelled by somebody."""
        if not self._active:
            return
        with self._store.read() as tx:
            for run_id, execution in list(self._active.items()):
                if tx.runs.get(run_id).state != RunState.RUNNING:
                    execution.stop(RunState.PAUSED, "")


def free_dead_leases(store: Store) -> int:
    """Release runs whose worker on this very machine is dead, so that nobody waits for its lease to end.

    Returns how many were released. Leases of other machines are left to run out.
    """
    freed = 0
    with store.begin() as tx:
        for run_id, owner in sorted(tx.runs.leases()):
            host, _, process = owner.rpartition("-")[0].rpartition("-")
            if host == socket.gethostname()[:40] and process.isdigit() and not _is_alive(int(process)):
                tx.runs.release(run_id, owner)
                freed += 1
    return freed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
