"""Every stored exposure drawn again: does the hash give what stands in the database, in every phase?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from experiments.live.assignment import LiveTest, Reason, drawn, exposure_id
from experiments.loading.live.phases import assigner, find_phase
from storage.exposures import Meeting
from storage.records import LivePhaseRecord
from storage.store import Store

BATCH = 5_000
"""Exposures in memory at once, and in one read of the database, so that no reader holds up a checkpoint."""
MOST_SHOWN = 20
DRAWN = frozenset({Reason.SPLIT, Reason.FROZEN})
"""Exposures that the split decided; testers and units without a name met what they met without a draw."""


class ReplayFault(StrEnum):
    """What is not as the hash gives it."""

    VARIANT = "the hash gives another variant"
    ID = "its id is that of another unit, variant or phase"
    COUNTED = "it counts, or not, against its reason"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One exposure that cannot be drawn again; ``drawn`` is the variant that the hash gives, where it decides."""

    phase: int
    exposure: str
    unit: str | None
    variant: str
    drawn: str | None
    fault: ReplayFault


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found. ``looked_at`` are exposures and crossings, ``drawn`` those that the split decided.

    ``first`` are the first mismatches, at most so many as are worth reading.
    """

    key: str
    experiment: str
    phases: int
    looked_at: int
    drawn: int
    mismatches: int
    first: tuple[Mismatch, ...]

    @property
    def ok(self) -> bool:
        """Whether every exposure is what the hash gives."""
        return not self.mismatches

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``bakeoff live check --json``."""
        return {**asdict(self), "ok": self.ok}


def replay_live(store: Store, name: str) -> Replay:
    """The replay of all phases of the live test with that key, or of the experiment with that name.

    Each phase is drawn with the seed, limits and testers it is stored with. Who was enrolled and targeted is not asked:
    shares may have been ramped since, and attributes of requests are not kept. Memory does not grow with the exposures.

    Raises:
        NotFound.
    """
    with store.read() as tx:
        newest = find_phase(tx, name)
        experiment = tx.experiments.get(newest.experiment_id)
        phases = tx.live.phases(newest.experiment_id)
    looked_at = drawn_again = mismatches = 0
    first: list[Mismatch] = []
    for phase in reversed(phases):
        live = assigner(phase)
        for meeting in _meetings(store, phase):
            looked_at += 1
            drawn_again += meeting.reason in DRAWN
            fault = _fault(live, meeting)
            if fault is not None:
                mismatches += 1
                if len(first) < MOST_SHOWN:
                    first.append(_mismatch(live, meeting, fault))
        with store.read() as tx:
            number, counted = tx.exposures.nameless(phase.id)
        looked_at, mismatches = looked_at + number, mismatches + counted
        if counted and len(first) < MOST_SHOWN:
            first.append(Mismatch(phase.number, "", None, "", None, ReplayFault.COUNTED))
    return Replay(newest.key, experiment.name, len(phases), looked_at, drawn_again, mismatches, tuple(first))


def _meetings(store: Store, phase: LivePhaseRecord) -> Iterator[Meeting]:
    """All exposures of named units of a phase, then their crossings."""
    for crossings in (False, True):
        last: Meeting | None = None
        while True:
            with store.read() as tx:
                batch = tx.exposures.meetings(phase.id, crossings=crossings, after=last, limit=BATCH)
            yield from batch
            if len(batch) < BATCH:
                break
            last = batch[-1]


def _fault(live: LiveTest, meeting: Meeting) -> ReplayFault | None:
    if meeting.reason in DRAWN and drawn(live, meeting.unit) != meeting.variant:
        return ReplayFault.VARIANT
    if meeting.id != exposure_id(live, meeting.unit, meeting.variant):
        return ReplayFault.ID
    if meeting.counted is not None and meeting.counted != (meeting.reason == Reason.SPLIT):
        return ReplayFault.COUNTED
    return None


def _mismatch(live: LiveTest, meeting: Meeting, fault: ReplayFault) -> Mismatch:
    gives = drawn(live, meeting.unit) if meeting.reason in DRAWN else None
    return Mismatch(live.phase, meeting.id, meeting.unit, meeting.variant, gives, fault)
