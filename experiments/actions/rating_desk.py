"""Inside one transaction: what a rater holds, what is handed out next, what is left, how it looks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from experiments.lookup.rating_sessions import Seat
from experiments.ratings.leaks import LeakFilter
from experiments.ratings.leasing import LEASE, Candidate, Held, how_many, is_swapped, next_tasks, renewed
from experiments.ratings.showing import Shown, shown, visible_input
from experiments.vocabulary import TaskState
from storage.rating_tasks import OpenItem, ShownTask
from storage.records import RatingTaskRecord
from storage.store import Transaction

USABLE = (TaskState.LEASED, TaskState.RATED)


@dataclass(frozen=True)
class Desk:
    """What lies before a rater: all tasks so far (with row and whether gold), items to come, and the counts."""

    tasks: tuple[tuple[RatingTaskRecord, str, bool], ...]
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


def look_at(tx: Transaction, seat: Seat, now: datetime) -> Desk:
    """The desk as it stands."""
    to_come = () if seat.over else tx.rating_tasks.open_items(seat.session.id, seat.rater.id, now)
    return Desk(tuple(tx.rating_tasks.of_rater(seat.rater.id)), tuple(to_come), seat.spec.quota)


def refresh(tx: Transaction, seat: Seat, now: datetime) -> Desk:
    """Keep the leases that are still the rater's (those that ran out only where there is room), and hand out more."""
    desk = look_at(tx, seat, now)
    if seat.over:
        return Desk(tuple(t for t in desk.tasks if t[0].state != TaskState.LEASED), (), desk.quota)
    lost = {
        task.id
        for task in desk.held
        if task.lease_until <= now and not task.repeat and tx.rating_tasks.is_full(task.item_id, seat.rater.id, now)
    }
    for task_id in lost:
        tx.rating_tasks.remove(task_id)
    tx.rating_tasks.renew([task.id for task in desk.held if task.id not in lost], renewed(now))
    kept = Desk(tuple(t for t in desk.tasks if t[0].id not in lost), desk.to_come, desk.quota)
    return look_at(tx, seat, now) if _hand_out(tx, seat, kept, now) or lost else kept


def _hand_out(tx: Transaction, seat: Seat, desk: Desk, now: datetime) -> bool:
    free = [item for item in desk.to_come if item.taken < item.wanted]
    count = how_many(
        held=len(desk.held),
        done=desk.done,
        quota=desk.quota,
        open_items=len(free),
        raters=tx.ratings.seen_since(seat.session.id, now - LEASE),
    )
    if not free or count == 0:
        return False
    session, rater = seat.session, seat.rater
    chosen = next_tasks(
        count,
        [Candidate(item.item_id, item.example_id, item.taken) for item in free],
        [_held(task, block, gold=gold) for task, block, gold in desk.tasks],
        tx.rating_tasks.gold_items(session.id) if seat.spec.gold else (),
        repeats=seat.spec.repeats,
        seed=session.seed,
        rater_id=rater.id,
        in_blocks=not seat.spec.pairwise,
    )
    tx.rating_tasks.add(
        [
            {
                "id": secrets.token_hex(12),
                "session_id": session.id,
                "item_id": n.item_id,
                "rater_id": rater.id,
                "repeat": n.repeat,
                "sequence": n.sequence,
                "swapped": seat.spec.pairwise and is_swapped(session.seed, n.item_id, rater.id, repeat=n.repeat),
                "state": TaskState.LEASED,
                "leased_at": now,
                "lease_until": renewed(now),
                "comment": "",
                "undone": 0,
            }
            for n in chosen
        ]
    )
    return bool(chosen)


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
