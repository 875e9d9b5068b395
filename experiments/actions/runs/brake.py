"""The brake of a run whose provider is down: calls wait, one at a time looks whether it is back.

Without it every row that is left would be tried, fail and be lost within minutes of an outage.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from experiments.vocabulary import Completion, Failure, FailureKind

OUTAGE = frozenset({FailureKind.CONNECTION, FailureKind.SERVER_ERROR, FailureKind.TIMEOUT})
"""Failures that a provider which is down gives; each may also be one row's own fault."""
ROWS = 10
"""So many different rows fail in succession, with no answer between them, before it counts as an outage."""
FIRST_PROBE_S, LONGEST_PROBE_S = 2.0, 60.0
PATIENCE_S = 3600.0
"""After so long without an answer the run stops; it can be resumed."""

Sleep = Callable[[float], Awaitable[None]]


class Brake:
    """The brake on one endpoint for one run. ``on_change`` is told why calls wait, and "" when they go on."""

    def __init__(self, endpoint: str, *, on_change: Callable[[str], None], sleep: Sleep) -> None:
        self.engaged_at: float | None = None
        self._name = endpoint.partition(" ")[0]
        self._on_change = on_change
        self._sleep = sleep
        self._rows: set[str] = set()
        self._since = 0.0
        self._turn = asyncio.Lock()
        self._pause_s = FIRST_PROBE_S

    def is_engaged(self) -> bool:
        """Whether calls wait at present."""
        return self.engaged_at is not None

    @property
    def in_doubt(self) -> bool:
        """Whether the last calls failed as in an outage, and no answer came since."""
        return bool(self._rows)

    @property
    def out_of_patience(self) -> bool:
        """Whether the outage has lasted longer than a run waits."""
        return self.engaged_at is not None and _now() - self.engaged_at > PATIENCE_S

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Passes at once while nothing is wrong; in an outage one caller at a time, after a pause that doubles."""
        if not self.is_engaged():
            yield
            return
        async with self._turn:
            if self.is_engaged():
                await self._sleep(self._pause_s)
                self._pause_s = min(2 * self._pause_s, LONGEST_PROBE_S)
                yield
                return
        yield

    def note(self, row: str, result: Completion | Failure, *, started_at: float) -> None:
        """Takes in how a call of that row ended that began at ``started_at`` (``loop.time()``).

        Any answer, refusals of a single request too, ends the outage, unless it was asked for before the outage began.
        """
        if isinstance(result, Failure) and result.kind in OUTAGE:
            self._since = self._since if self._rows else _now()
            self._rows.add(row)
            if not self.is_engaged() and len(self._rows) >= ROWS:
                self.engaged_at = _now()
                self._on_change(
                    f"outage: {self._name} does not answer ({result.message.rstrip('.')}). "
                    "The run waits and goes on by itself when it answers again"
                )
            return
        if self._rows and started_at < self._since:
            return
        self._rows.clear()
        if self.is_engaged():
            self.engaged_at, self._pause_s = None, FIRST_PROBE_S
            self._on_change("")


def _now() -> float:
    return asyncio.get_running_loop().time()
