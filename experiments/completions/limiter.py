"""How many calls an endpoint gets at once, and the pause that all of them make after it said "too many".

The limiter waits, it never rejects. Slots go in the order in which they were asked for. After a rate limit nobody
starts before the time that the endpoint named; then the width grows back by one for each round of successes, as TCP
does it (additive increase, multiplicative decrease).

Source: D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in Computer
Networks", Computer Networks and ISDN Systems 17 (1989), section 4.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

DECREASE = 0.8
"""Gentler than the classic half, because the pause that comes with it has already taken the pressure off: halving
would leave a quarter of the provider's limit unused."""
DEFAULT_PAUSE_S = 1.0


class EndpointLimiter:
    """Slots of one endpoint in one event loop, whose clock it uses. ``width`` is how many may be out at present."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("an endpoint needs at least one slot")
        self.most = most
        self.width = float(most)
        self.out = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._not_before = 0.0
        self._reduced_at = -1.0
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Waits for a slot, holds it for the block. Cancelling the wait or the block gives the slot to the next."""
        await self._take()
        try:
            yield
        finally:
            self._give_back()

    def rate_limited(self, retry_after_s: float | None, *, started_at: float) -> None:
        """Notes a refusal for the rate of a call that began at ``started_at`` (``loop.time()``).

        All hold back for ``retry_after_s`` (one second when the endpoint does not say). The width shrinks once per
        round: calls that were already out when it shrank meet the same refusal and tell nothing new.
        """
        now = asyncio.get_running_loop().time()
        pause = DEFAULT_PAUSE_S if retry_after_s is None else retry_after_s
        self._not_before = max(self._not_before, now + pause)
        if started_at >= self._reduced_at:
            self.width = max(1.0, self.width * DECREASE)
            self._reduced_at = now
        self._serve()

    def succeeded(self) -> None:
        """Notes an answer: the width grows, by one for as many answers as it is wide."""
        self.width = min(float(self.most), self.width + 1.0 / self.width)
        self._serve()

    def pause_s(self) -> float:
        """Seconds for which nobody may start at present, 0 without a pause."""
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    def waiting(self) -> int:
        """How many wait for a slot."""
        return sum(not place.done() for place in self._waiting)

    async def _take(self) -> None:
        if not self._waiting and self._is_free():
            self.out += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._serve()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._give_back()  # the slot came in the very moment of the cancellation
            elif place in self._waiting:
                self._waiting.remove(place)
            raise

    def _give_back(self) -> None:
        self.out -= 1
        self._serve()

    def _is_free(self) -> bool:
        return self.out < int(self.width) and self.pause_s() == 0.0

    def _serve(self) -> None:
        while self._waiting and self._is_free():
            place = self._waiting.popleft()
            if not place.done():
                self.out += 1
                place.set_result(None)
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        pause = self.pause_s()
        if self._waiting and pause > 0:
            self._alarm = asyncio.get_running_loop().call_later(pause, self._serve)
