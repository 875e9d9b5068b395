"""What a worker does for live tests: scores, judges, silent answers, and a regular look by the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from experiments.actions.live.answer_shadow import answer_shadow
from experiments.actions.live.judge_live import LiveJudges
from experiments.actions.live.score_live import score_waiting
from experiments.background import Loop, loop_state
from experiments.completions import Completions
from experiments.live.assignment import LiveState
from storage.live_sums import fingerprint_of
from storage.store import Store

POLL_S = 1.0
GUARD_S = 30.0
LOOK_SHARE = 0.01
LONGEST_LOOK_S = 1_800.0
"""A test is looked at each time it has grown older by one per cent, at least twice an hour: later looks add little."""
SHADOWS_AT_ONCE = 4

Analyse = Callable[[str], Awaitable[None]]
"""Analyses the experiment with this id (the guard acts on it)."""


class LiveWorker:
    """The live part of one worker process; ``serve`` until it is cancelled."""

    def __init__(self, store: Store, completions: Completions, worker: str, analyse: Analyse) -> None:
        self._store = store
        self._completions = completions
        self._worker = worker
        self._analyse = analyse
        self._judges = LiveJudges(store, completions, worker)
        self._seen: dict[str, tuple[str, datetime]] = {}

    async def serve(self) -> None:
        """Work on what waits. Scores that fail do not keep the guard from looking, nor the other way round."""
        loop, state = asyncio.get_running_loop(), loop_state(Loop.LIVE_WORKER)
        looked = loop.time()
        while True:
            busy, failures = False, state.failures
            try:
                busy = await self.work_once()
            except Exception as error:
                state.failed(error)
            if loop.time() - looked >= GUARD_S:
                looked = loop.time()
                try:
                    await self.look()
                except Exception as error:
                    state.failed(error)
            if state.failures == failures:
                state.works()
            await asyncio.sleep(0 if busy else POLL_S)

    async def work_once(self) -> bool:
        """Score some answers, ask some judges and some challengers; whether there was anything to do."""
        scored = await asyncio.to_thread(score_waiting, self._store)
        asks = await asyncio.to_thread(self._shadows)
        await asyncio.gather(*(answer_shadow(self._store, self._completions, ask, worker=self._worker) for ask in asks))
        judged = await self._judges.judge_some()
        return bool(scored or asks or judged)

    async def look(self) -> None:
        """Analyse every live test whose traffic has changed since the last look."""
        for experiment_id in await asyncio.to_thread(self._changed):
            await self._analyse(experiment_id)

    def _shadows(self) -> list[dict[str, object]]:
        with self._store.read() as tx:
            return tx.live_work.shadows_waiting(limit=SHADOWS_AT_ONCE)

    def _changed(self) -> list[str]:
        changed = []
        with self._store.read() as tx:
            time = tx.clock()
            for phase in tx.live.newest():
                if phase.state not in (LiveState.RUNNING, LiveState.FROZEN):
                    continue
                fingerprint, looked = self._seen.get(phase.id, ("", phase.started_at))
                pause = min(LONGEST_LOOK_S, LOOK_SHARE * (time - phase.started_at).total_seconds())
                if fingerprint and (time - looked).total_seconds() < pause:
                    continue
                now = fingerprint_of(tx.session, phase)
                if now != fingerprint:
                    self._seen[phase.id] = (now, time)
                    changed.append(phase.experiment_id)
        return changed
