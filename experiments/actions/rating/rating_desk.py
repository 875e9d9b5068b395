"""Inside one transaction: what a rater holds, what is handed out next, what is left, how it looks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.loading.rating.sessions import Seat
from experiments.ratings.leaks import LeakFilter
from experiments.ratings.leasing import (
    LEASE,
    VISITOR_HELD,
    Candidate,
    Held,
    Next,
    how_many,
    is_answering,
    is_swapped,
    next_tasks,
    renewed,
)
from experiments.ratings.showing import Shown, shown, visible_input
from experiments.vocabulary import TaskState
from storage.rating_tasks import OpenItem, ShownTask
from storage.records import RatingTaskRecord
from storage.store import Transaction

USABLE = (TaskState.LEASED, TaskState.RATED)
HeldTask = tuple[RatingTaskRecord, str, bool]
"""A task, the row it is of ("" for none), and whether it is gold."""


@dataclass(frozen=True)
class Desk:
    """What lies before a rater: all tasks so far (with row and whether gold), items to come, and the counts."""

    tasks: tuple[HeldTask, ...]
    to_come: tuple[OpenItem, ...]
    quota: int | None

    @property
    def held(self) -> tuple[RatingTaskRecord, ...]:
        """The open leases, in the order they are to be rated."""
        return tuple(task for task, _, _ in self.tasks if task.state == TaskState.LEASED)

    @property
    def done(self) -> int:
        """How many the rater has rated, checks too."""
        return sum(1 for task, _, _ in self.tasks if task.state == TaskState.RATED)

    def answering(self, now: datetime) -> bool:
        """Whether the rater has answered lately; who has only opened the link has not."""
        times = [task.decided_at for task, _, _ in self.tasks if task.decided_at is not None]
        return is_answering(max(times, default=None), now)

    @property
    def left(self) -> int:
        """How many the rater may still get: what is held, and items that are not full; never past the quota."""
        there = len(self.held) + len(self.to_come)
        return there if self.quota is None else max(0, min(there, self.quota - self.done))

    @property
    def last(self) -> RatingTaskRecord | None:
        """The newest decision, or None."""
        decided = [task for task, _, _ in self.tasks if task.decision is not None]
        return max(decided, key=lambda task: task.decision or 0, default=None)


def refresh(tx: Transaction, seat: Seat, now: datetime, tasks: Sequence[HeldTask] | None = None) -> Desk:
    """Keep the leases that are still the rater's (those that ran out only where there is room), and hand out more.

    Who does not answer gets more time for the first two items only, and less of it, so that the rest goes back.
    ``tasks`` is what the rater has had as the caller left it; without it they are read.
    """
    had = list(tx.rating_tasks.of_rater(seat.rater.id) if tasks is None else tasks)
    if seat.over:
        return Desk(tuple(t for t in had if t[0].state != TaskState.LEASED), (), seat.spec.quota)
    lost = {task.id for task, _, _ in had if is_lost(tx, seat, task, now)}
    for task_id in lost:
        tx.rating_tasks.remove(task_id)
    kept = [t for t in had if t[0].id not in lost]
    to_come = tx.rating_tasks.open_items(seat.session.id, seat.rater.id, now)
    desk = Desk(tuple(kept), tuple(to_come), seat.spec.quota)
    answering = desk.answering(now)
    shown = desk.held if answering else desk.held[:VISITOR_HELD]
    tx.rating_tasks.renew([task.id for task in shown], renewed(now, answering=answering))
    if not _hand_out(tx, seat, desk, now):
        return desk
    again = tx.rating_tasks.of_rater(seat.rater.id)
    given = {task.item_id for task, _, _ in again}
    return Desk(tuple(again), tuple(item for item in to_come if item.item_id not in given), seat.spec.quota)


def is_lost(tx: Transaction, seat: Seat, task: RatingTaskRecord, now: datetime) -> bool:
    """Whether a lease ran out and others have filled the item since."""
    ran_out = task.state == TaskState.LEASED and task.lease_until <= now and not task.repeat
    return ran_out and tx.rating_tasks.is_full(task.item_id, seat.rater.id, now)


def _hand_out(tx: Transaction, seat: Seat, desk: Desk, now: datetime) -> bool:
    free = [item for item in desk.to_come if item.taken < item.wanted]
    session, rater, spec, answering = seat.session, seat.rater, seat.spec, desk.answering(now)
    count = how_many(
        held=len(desk.held),
        done=desk.done,
        quota=desk.quota,
        open_items=len(free),
        raters=tx.ratings.seen_since(session.id, now - LEASE) if free else 1,
        answering=answering,
    )
    if not free or count == 0:
        return False
    chosen = next_tasks(
        count,
        [Candidate(item.item_id, item.example_id, item.taken) for item in free],
        [_held(task, block, gold=gold) for task, block, gold in desk.tasks],
        tx.rating_tasks.gold_items(session.id) if spec.gold else (),
        repeats=spec.repeats,
        seed=session.seed,
        rater_id=rater.id,
        in_blocks=not spec.pairwise,
    )
    tx.rating_tasks.add([_lease(seat, handed, now, renewed(now, answering=answering)) for handed in chosen])
    return bool(chosen)


def _lease(seat: Seat, handed: Next, now: datetime, until: datetime) -> dict[str, Any]:
    session, rater, item_id = seat.session, seat.rater, handed.item_id
    return {
        "id": secrets.token_hex(12),
        "session_id": session.id,
        "item_id": item_id,
        "rater_id": rater.id,
        "repeat": handed.repeat,
        "sequence": handed.sequence,
        "swapped": seat.spec.pairwise and is_swapped(session.seed, item_id, rater.id, repeat=handed.repeat),
        "state": TaskState.LEASED,
        "leased_at": now,
        "lease_until": until,
        "comment": "",
        "undone": 0,
    }


def _held(task: RatingTaskRecord, block: str, *, gold: bool) -> Held:
    return Held(task.item_id, block, task.sequence, gold=gold, repeat=task.repeat, usable=task.state in USABLE)


def show(tx: Transaction, seat: Seat, tasks: Sequence[RatingTaskRecord]) -> list[Shown]:
    """What these tasks show, in the order they were handed out."""
    mask = _mask(tx, seat) if seat.spec.leaks == "mask" else None
    return [_shown(seat, task, mask) for task in tx.rating_tasks.shown([task.id for task in tasks])]


def _shown(seat: Seat, task: ShownTask, mask: Callable[[str], str] | None) -> Shown:
    pairwise, cells = seat.spec.pairwise, task.cells or {}
    if task.texts is not None:
        answers = (task.texts["first"], task.texts["second"] if pairwise else None)
        return shown(task.id, task.texts["prompt_text"], answers, swapped=task.swapped)
    column = seat.spec.reference_column if seat.spec.show_reference else None
    return shown(
        task.id,
        visible_input(cells, seat.spec.show or ()),
        (task.first or "", (task.second or "") if pairwise else None),
        swapped=task.swapped,
        reference=cells.get(column) if column else None,
        mask=mask,
    )


def _mask(tx: Transaction, seat: Seat) -> Callable[[str], str]:
    variants = tx.experiments.variants(seat.session.experiment_id)
    return LeakFilter.of(models=[v.model for v in variants], variants=[v.name for v in variants]).mask
