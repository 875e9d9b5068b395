"""A run from its first call to its last: first the answers, then what its judges say of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from experiments.actions.runs.execute_run import RunExecution
from experiments.actions.runs.judge_run import JudgeExecution
from experiments.actions.runs.paid_calls import Limiters, Stop
from experiments.completions import Completions
from experiments.errors import BakeoffError
from experiments.vocabulary import RunState
from storage.ledger import Ledger
from storage.records import RunRecord
from storage.store import Store, Transaction

logger = logging.getLogger(__name__)

IMPORTED = "import"


class RunStages:
    """Both stages of one run in the hands of one worker; imported answers have the second one only.

    Judges wait until all answers are there: they would take calls, and time that is measured, from the variants.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        completions: Completions,
        limiters: Limiters,
        run: RunRecord,
        *,
        owner: str,
        concurrency: int | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._imported = run.kind == IMPORTED
        self._store, self._run_id = store, run.id
        self._notes: set[asyncio.Future[None]] = set()
        self._answering = RunExecution(
            store,
            ledger,
            completions,
            limiters,
            run,
            owner=owner,
            concurrency=concurrency,
            on_progress=on_progress,
            on_outage=self._note_outage,
        )
        self._judging = JudgeExecution(
            store,
            ledger,
            completions,
            limiters,
            run,
            owner=owner,
            concurrency=concurrency,
            on_outage=self._note_outage,
        )

    def stop(self, state: RunState, reason: str) -> None:
        """Start no further call; what is out is finished. The first reason given counts."""
        self._answering.stop(state, reason)
        self._judging.stop(state, reason)

    def reckon_budget(self, tx: Transaction) -> None:
        """Look again at what may be spent."""
        self._answering.reckon_budget(tx)
        self._judging.reckon_budget(tx)

    async def execute(self) -> Stop | None:
        """Work until all is done or something stops it; None when all is done.

        Raises:
            BakeoffError: when the database stays out of reach.
        """
        ended = None if self._imported else await self._answering.execute()
        ended = ended if ended is not None else await self._judging.execute()
        await asyncio.gather(*self._notes)
        return ended

    def _note_outage(self, reason: str) -> None:
        """Why the run waits, or "" when it goes on, where people look: beside its state."""
        logger.warning("%s", reason or "the provider answers again")
        note = asyncio.ensure_future(asyncio.to_thread(self._write_reason, reason))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    def _write_reason(self, reason: str) -> None:
        with suppress(BakeoffError), self._store.begin() as tx:
            tx.runs.move(self._run_id, to=RunState.RUNNING, expected={RunState.RUNNING}, reason=reason)
