"""Loops in the background that survive any exception: each has a name, counts its failures, and shows whether it works.

A loop that ends with an exception nobody expected takes its work with it in silence: results wait for ever, limits of
live tests go blind. So a loop runs under ``keep_running``, or reports each round to its ``LoopState`` itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum

from experiments.errors import BakeoffError

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
REPEAT_LOG_S = 60.0
"""A loop that keeps failing is logged once a minute: a full disk would fill the log as well."""


class Loop(StrEnum):
    """Every background loop of the product."""

    LEDGER = "ledger"
    WORKER = "worker"
    HEARTBEAT = "heartbeat"
    LIVE_WORKER = "live_worker"
    EVENT_LOG = "event_log"
    DELIVERY = "delivery"
    CHECKPOINTS = "checkpoints"
    CONFIGURATION = "configuration"
    WORKER_WATCH = "worker_watch"


class LoopState:
    """What is known of one loop of this process; safe to use from any thread."""

    def __init__(self, name: Loop) -> None:
        self.name = name
        self.failures = 0
        self.failing_since: float | None = None
        self._logged = float("-inf")

    def works(self) -> None:
        """A round went well."""
        if self.failing_since is not None:
            self.failing_since, self._logged = None, float("-inf")
            logger.warning("the %s loop works again", self.name)

    def failed(self, error: BaseException) -> None:
        """A round failed; it is logged, with its traceback unless the cause lies outside the program."""
        self.failures += 1
        now = time.monotonic()
        if self.failing_since is None:
            self.failing_since = now
        if now - self._logged < REPEAT_LOG_S:
            return
        self._logged = now
        cause = error.code if isinstance(error, BakeoffError) else type(error).__name__
        outside = isinstance(error, BakeoffError | OSError)
        logger.error("the %s loop failed and goes on: %s", self.name, cause, exc_info=None if outside else error)


_states: dict[Loop, LoopState] = {}
_lock = threading.Lock()


def loop_state(name: Loop) -> LoopState:
    """The state of this process's loop of that name."""
    with _lock:
        return _states.setdefault(name, LoopState(name))


def loop_states() -> list[LoopState]:
    """The states of all loops that this process has begun, by name."""
    with _lock:
        return sorted(_states.values(), key=lambda state: state.name)


def failing_loops() -> list[str]:
    """Names of the loops whose last round failed."""
    return [state.name.value for state in loop_states() if state.failing_since is not None]


def keep_running(name: Loop, body: Callable[[LoopState], None], stopping: threading.Event) -> None:
    """Run ``body`` until it returns, or until ``stopping``; after an exception again, after a pause that doubles.

    ``body`` calls ``works()`` of the state that it gets after each round that went well.
    """
    state, pause = loop_state(name), FIRST_PAUSE_S
    while True:
        try:
            body(state)
        except Exception as error:
            pause = FIRST_PAUSE_S if state.failing_since is None else min(2 * pause, LONGEST_PAUSE_S)
            state.failed(error)
            if stopping.wait(pause):
                return
        else:
            state.works()
            return


async def keep_running_async(name: Loop, body: Callable[[LoopState], Awaitable[None]]) -> None:
    """The same on an event loop; it ends when ``body`` returns or the task is cancelled."""
    state, pause = loop_state(name), FIRST_PAUSE_S
    while True:
        try:
            await body(state)
        except Exception as error:
            pause = FIRST_PAUSE_S if state.failing_since is None else min(2 * pause, LONGEST_PAUSE_S)
            state.failed(error)
            await asyncio.sleep(pause)
        else:
            state.works()
            return
