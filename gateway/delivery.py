"""From the log on disk into the database: each event once, whatever dies in between.

The database ignores an event whose id it has, so delivering again after a crash between its commit and our note does
nothing. While it is gone we wait and keep; an event that it will never take is put aside with the reason, so that it
does not hold up the others.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.background import Loop, LoopState, keep_running
from experiments.errors import BakeoffError
from gateway.spill import Batch, Spill, abandoned
from storage.refusals import COMES_BACK

logger = logging.getLogger(__name__)

MOST_EVENTS = 500
GATHER_S = 0.2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
SET_ASIDE = "refused.jsonl"

Record = Callable[[Sequence[bytes]], Sequence[str | None]]
"""Records events; for each None, or the code of why it is refused for good. Raises BakeoffError when the database takes
none of them at present."""


class Deliverer:
    """A thread that empties our own log, and those that dead processes left beside it."""

    def __init__(self, spill: Spill, record: Record) -> None:
        self._spill = spill
        self._record = record
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._adopted = False
        self.set_aside = 0

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after a last try; what the database does not take now stays on disk for the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        keep_running(Loop.DELIVERY, self._deliver_until_told, self._stopping)

    def _deliver_until_told(self, state: LoopState) -> None:
        while not self._stopping.is_set():
            self._empty(self._spill)
            if not self._adopted:
                for left in abandoned(self._spill.folder.parent, self._spill):
                    try:
                        self._empty(left)
                    finally:
                        left.close()
                self._adopted = True
            state.works()
            self._spill.wait_for_more(0.25)
            self._stopping.wait(GATHER_S)  # those that come with it share its transaction
        self._try(self._spill.read(MOST_EVENTS), self._spill)

    def _empty(self, spill: Spill) -> None:
        """Deliver what waits now, or until we are told to stop.

        What comes meanwhile waits for the next round: in traffic there is always some, and a few events cost the
        database as much as a hundred.
        """
        pause, left = FIRST_PAUSE_S, spill.pending
        while left > 0 and spill.pending and not self._stopping.is_set():
            batch = spill.read(min(left, MOST_EVENTS))
            if self._try(batch, spill):
                pause = FIRST_PAUSE_S
                left -= len(batch.events)
            else:
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def _try(self, batch: Batch, spill: Spill) -> bool:
        """Whether the batch is done with: recorded, or put aside."""
        if batch.torn:
            logger.warning(
                "%d torn lines of the event log were left out; nobody was told that they were kept", batch.torn
            )
        try:
            if batch.events:
                self._look_at(batch.events, self._record(batch.events))
        except BakeoffError as error:
            if error.code in COMES_BACK:
                return False
            return self._one_by_one(batch, spill)
        except Exception:
            logger.exception("events could not be recorded together; trying each alone")
            return self._one_by_one(batch, spill)
        spill.confirm(batch)
        return True

    def _one_by_one(self, batch: Batch, spill: Spill) -> bool:
        for event in batch.events:
            try:
                self._look_at([event], self._record([event]))
            except BakeoffError as error:
                if error.code in COMES_BACK:
                    return False
                self._put_aside(event, error.code)
            except Exception as error:
                logger.exception("an event could not be recorded")
                self._put_aside(event, type(error).__name__)
        spill.confirm(batch)
        return True

    def _look_at(self, events: Sequence[bytes], codes: Sequence[str | None]) -> None:
        for event, code in zip(events, codes, strict=True):
            if code is not None:
                self._put_aside(event, code)

    def _put_aside(self, event: bytes, reason: str) -> None:
        self.set_aside += 1
        logger.error("an event was put aside: %s", reason)
        with _aside(self._spill.folder.parent).open("ab") as file:
            file.write(json.dumps({"reason": reason, "event": event.decode("utf-8", "replace")}).encode() + b"\n")


def _aside(root: Path) -> Path:
    return root / SET_ASIDE
