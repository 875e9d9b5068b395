"""What a rater does: look, vote, skip, report, take back. Each is one transaction; what is acknowledged is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from experiments.actions.rating.join_rating import seated
from experiments.actions.rating.rating_desk import HeldTask, is_lost, refresh, show
from experiments.errors import Gone
from experiments.loading.rating.sessions import Seat, take_seat
from experiments.permissions import Operation, require
from experiments.ratings.leasing import renewed
from experiments.ratings.questions import counted
from experiments.ratings.session_file import SessionSpec
from experiments.ratings.showing import Shown
from experiments.storable import sanitised_text
from experiments.vocabulary import TaskState
from storage.records import RatingTaskRecord
from storage.store import Store, Transaction

LONGEST_COMMENT = 4_000
LONGEST_NAME = 80
LONGEST_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Vote:
    """One press of a key. ``seq`` is the page's own number for it; ``choice`` is None for a skip or a report."""

    seq: int
    task: str
    action: Literal["vote", "skip", "report"] = "vote"
    choice: str | None = None
    reasons: tuple[str, ...] = ()
    comment: str = ""
    ms: int = 0


@dataclass(frozen=True, slots=True)
class RefusedVote:
    """A vote that will never be kept, and why."""

    seq: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RaterState:
    """All that the rating page starts from."""

    spec: SessionSpec
    over: bool
    items: int
    seconds_per_item: float
    rater_key: str
    rater_name: str
    done: int
    left: int
    tasks: tuple[Shown, ...]
    last: Shown | None


@dataclass(frozen=True, slots=True)
class VotesTaken:
    """The answer to votes: which are kept, which never will be, and what the page holds from now on."""

    acknowledged: tuple[int, ...]
    refused: tuple[RefusedVote, ...]
    done: int
    left: int
    tasks: tuple[Shown, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The answer to an undo: the task again (None when it cannot be had), and the decision before it."""

    task: Shown | None
    last: Shown | None
    done: int
    left: int


def rater_state(store: Store, secret: str) -> RaterState:
    """What the rater has before them; at the first look the rater gets a number and the first tasks.

    Raises:
        Unauthenticated: ``link_needed``; Gone: ``link_full``, or ``session_closed`` for a newcomer.
    """
    with store.begin() as tx:
        seat, now = _seat(tx, secret)
        desk = refresh(tx, seat, now)
        return RaterState(
            spec=seat.spec,
            over=seat.over,
            items=seat.session.items,
            seconds_per_item=seat.session.seconds_per_item,
            rater_key=seat.rater.key,
            rater_name=seat.rater.name,
            done=desk.done,
            left=desk.left,
            tasks=tuple(show(tx, seat, desk.held)),
            last=_one(tx, seat, desk.last),
        )


def submit_votes(store: Store, secret: str, votes: Sequence[Vote], *, have: Collection[str] = ()) -> VotesTaken:
    """Keep votes in their order, renew the leases, hand out more. ``have`` are tasks that the page still shows.

    A task that the rater has decided on is acknowledged again and stays as it is. A lease that ran out is no reason to
    lose a vote as long as the item has room.

    Raises:
        Unauthenticated: ``link_needed``; Gone: as ``rater_state``.
    """
    with store.begin() as tx:
        seat, now = _seat(tx, secret)
        own = {held[0].id: held for held in tx.rating_tasks.of_rater(seat.rater.id)}
        next_decision = 1 + max((task.decision or 0 for task, _, _ in own.values()), default=0)
        acknowledged, refused, counts = [], [], False
        for n, vote in enumerate(votes):
            refusal = _keep(tx, seat, own, vote, now, decision=next_decision + n)
            if refusal is None:
                acknowledged.append(vote.seq)
                counts = counts or (vote.action == "vote")
            else:
                refused.append(refusal)
        if counts:
            _evidence_changed(tx, seat, now)
        desk = refresh(tx, seat, now, list(own.values()))
        held = {task.id for task in desk.held}
        return VotesTaken(
            acknowledged=tuple(acknowledged),
            refused=tuple(refused),
            done=desk.done,
            left=desk.left,
            tasks=tuple(show(tx, seat, [task for task in desk.held if task.id not in have])),
            gone=tuple(task_id for task_id in have if task_id not in held),
        )


def undo_vote(store: Store, secret: str, task_id: str) -> TakenBack:
    """Take back a vote, a skip or a report, and hold the task again. Where there is nothing to take back, only hold it.

    Raises:
        Unauthenticated: ``link_needed``; Gone: ``session_closed``.
    """
    with store.begin() as tx:
        seat, now = _seat(tx, secret)
        if seat.over:
            raise Gone("session_closed", "The rating session is over.", "What you rated is kept.")
        task = next((t for t, _, _ in tx.rating_tasks.of_rater(seat.rater.id) if t.id == task_id), None)
        if task is not None and task.state in (TaskState.SKIPPED, TaskState.REPORTED) and not task.repeat:
            task = None if tx.rating_tasks.is_full(task.item_id, seat.rater.id, now) else task
        if task is not None and task.state != TaskState.LEASED:
            tx.rating_tasks.take_back(task.id, lease_until=renewed(now))
            _evidence_changed(tx, seat, None)
        desk = refresh(tx, seat, now)
        again = next((held for held in desk.held if task is not None and held.id == task.id), None)
        return TakenBack(_one(tx, seat, again), _one(tx, seat, desk.last), desk.done, desk.left)


def name_rater(store: Store, secret: str, name: str) -> str:
    """The name that the rater goes by for the owner, cleaned; empty is fine.

    Raises:
        Unauthenticated: ``link_needed``; Gone: as ``rater_state``.
    """
    with store.begin() as tx:
        seat, _ = _seat(tx, secret)
        kept = " ".join(sanitised_text(name).split())[:LONGEST_NAME] if seat.spec.ask_name else ""
        tx.ratings.change_rater(seat.rater.id, name=kept)
        return kept


def _seat(tx: Transaction, secret: str) -> tuple[Seat, datetime]:
    now = tx.clock()
    seat = seated(tx, take_seat(tx, secret), now)
    require(seat.actor, Operation.RATE)
    return seat, now


def _keep(
    tx: Transaction, seat: Seat, own: dict[str, HeldTask], vote: Vote, now: datetime, *, decision: int
) -> RefusedVote | None:
    """Nothing when the vote is kept (or was before), else why not."""
    if vote.task not in own:
        return RefusedVote(vote.seq, "unknown_task", "This item is not yours (any more).")
    task, row, gold = own[vote.task]
    if task.state != TaskState.LEASED:
        return None
    if seat.over:
        return RefusedVote(vote.seq, "session_closed", "The session was closed before this vote came.")
    value = counted(seat.spec.choices(), vote.choice or "", swapped=task.swapped) if vote.action == "vote" else None
    if vote.action == "vote" and value is None:
        return RefusedVote(vote.seq, "bad_choice", "This is none of the answers.")
    if is_lost(tx, seat, task, now):
        tx.rating_tasks.remove(task.id)
        del own[task.id]
        return RefusedVote(vote.seq, "lease_lost", "Others have rated this item in the meantime.")
    state = _STATES[vote.action]
    tx.rating_tasks.change(
        task.id,
        state=state,
        decided_at=now,
        decision=decision,
        choice=vote.choice if vote.action == "vote" else None,
        value=value,
        reasons=[reason for reason in vote.reasons if reason in seat.spec.reasons] or None,
        comment=sanitised_text(vote.comment)[:LONGEST_COMMENT],
        milliseconds=max(0, min(vote.ms, LONGEST_MS)),
    )
    own[task.id] = (replace(task, state=state, decision=decision, decided_at=now), row, gold)
    return None


_STATES: dict[str, TaskState] = {
    "vote": TaskState.RATED,
    "skip": TaskState.SKIPPED,
    "report": TaskState.REPORTED,
}


def _evidence_changed(tx: Transaction, seat: Seat, voted_at: datetime | None) -> None:
    tx.runs.bump_revision(seat.session.run_id)
    if voted_at is not None:
        tx.ratings.change(seat.session.id, last_vote_at=voted_at)


def _one(tx: Transaction, seat: Seat, task: RatingTaskRecord | None) -> Shown | None:
    return None if task is None else next(iter(show(tx, seat, [task])), None)
