"""Who met what: the assignment, and its exposure on disk before anybody acts on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

from experiments.live.assignment import KEPT, Assignment, Context, LiveTest, assign, drawn, exposure_id
from experiments.live.events import Event, exposure_of
from experiments.vocabulary import Clock
from gateway.spill import Spill

REMEMBERED = 20_000
_COMPACT = json.JSONEncoder(separators=(",", ":"))


class Met(NamedTuple):
    """What a unit meets, and the event that says so: None when it is not kept, or is on disk already."""

    assignment: Assignment
    event: bytes | None


class ExposureRecorder:
    """Assigns and keeps. An exposure has the same id each time, so one that is on disk is not written again.

    Two generations of ids are remembered, at most ``REMEMBERED`` each: memory stays flat, and forgetting one costs a
    line on disk that the database ignores.
    """

    def __init__(self, spill: Spill, clock: Clock) -> None:
        self._spill = spill
        self._clock = clock
        self._new: set[str] = set()
        self._old: set[str] = set()

    def meet(self, live: LiveTest, unit: str | None, context: Context | None, *, source: str) -> Met:
        """What the unit meets; nothing is kept yet."""
        assignment = assign(live, unit, context)
        if assignment.reason not in KEPT or assignment.exposure in self._new or assignment.exposure in self._old:
            return Met(assignment, None)
        exposure = exposure_of(live, unit, assignment, context, at=self._clock(), source=source)
        return Met(assignment, encoded(exposure))

    def has_met(self, live: LiveTest, unit: str) -> bool:
        """Whether an exposure of the unit in this phase was kept by this process lately."""
        identity = exposure_id(live, unit, live.forced.get(unit) or drawn(live, unit))
        return identity in self._new or identity in self._old

    def keep(self, met: Sequence[Met]) -> asyncio.Future[None]:
        """Done when the exposures are on disk: the caller awaits it before acting on them. It fails with SpillFull."""
        fresh = [m for m in met if m.event is not None]
        if not fresh:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        kept = self._spill.append([m.event for m in fresh if m.event is not None])
        kept.add_done_callback(lambda future: self._note(future, fresh))
        return kept

    def _note(self, kept: asyncio.Future[None], fresh: Sequence[Met]) -> None:
        # asking for the exception marks it as seen: nobody awaits it after a caller has gone
        if not kept.cancelled() and kept.exception() is None:
            for met in fresh:
                self._remember(met.assignment.exposure)

    def _remember(self, identity: str) -> None:
        if not identity:
            return
        if len(self._new) >= REMEMBERED:
            self._old, self._new = self._new, set()
        self._new.add(identity)


def encoded(event: Event) -> bytes:
    """An event as one line of JSON; characters beyond ASCII are escaped, lone surrogates too."""
    return _COMPACT.encode(event.to_json()).encode()
