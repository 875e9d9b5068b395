"""The clock by which the sample's weeks are played: it is set to the moments of the story and only moves forward."""

from __future__ import annotations

import threading
from datetime import datetime, time, timedelta

READING = timedelta(milliseconds=40)
"""What the clock moves on by itself each time it is read."""


class StoryClock:
    """A clock that is set to the moments of the story; the threads of a run may read it at once."""

    def __init__(self, first_day: datetime) -> None:
        self._first_day = first_day
        self._now = first_day
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """The present of the story; each reading is a little later, so that orders are strict."""
        with self._lock:
            self._now += READING
            return self._now

    def moment(self, *, day: int, hour: int, minute: int) -> datetime:
        """A moment of the story; day 0 is the first."""
        return datetime.combine(self._first_day + timedelta(days=day), time(hour, minute), self._first_day.tzinfo)

    def set(self, *, day: int, hour: int, minute: int) -> None:
        """Go on to a moment; time never moves back."""
        moment = self.moment(day=day, hour=hour, minute=minute)
        with self._lock:
            self._now = max(self._now, moment)

    def pass_by(self, milliseconds: float) -> None:
        """Let so much time pass."""
        with self._lock:
            self._now += timedelta(milliseconds=milliseconds)
