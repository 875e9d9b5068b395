"""Who gets what next: which items, in which order, on which side, and when a hidden check comes.

All chance comes from a keyed hash of the session's seed, so that a reload shows the same and nobody can foresee it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE = timedelta(minutes=10)
"""For raters who answer; one without an answer for as long counts as a visitor."""
VISIT = timedelta(minutes=2)
"""For who has only opened the link: long enough to read an item, since the open page asks for more time each minute."""
MOST_HELD = 40
"""At 25 keys a second that is 1.6 seconds of work: longer than the way to a busy server and back takes, twice."""
FEWEST_HELD = 4
VISITOR_HELD = 4
"""The item on the screen and the next few, until the first answer brings more: a visitor keeps little from others."""
CHECK_EVERY = 4
REPEAT_AFTER = 5
"""A hidden repeat comes at least so many items after its first time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that a rater may still get. ``taken`` counts ratings and leases of others that are still good."""

    item_id: str
    block: str
    taken: int


@dataclass(frozen=True, slots=True)
class Held:
    """A task that a rater has had: its item, its place in the rater's own order, and whether it was a check.

    ``usable`` is false when it was skipped or reported, so that its repeat would be of no use.
    """

    item_id: str
    block: str
    sequence: int
    gold: bool = False
    repeat: bool = False
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Next:
    """One task to hand out, with its place in the rater's own order."""

    item_id: str
    sequence: int
    repeat: bool = False


def chance(seed: int, *parts: object) -> float:
    """A number in [0, 1) that depends on the seed and the parts alone."""
    text = "\x1f".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def is_swapped(seed: int, item_id: str, rater_id: str, *, repeat: bool) -> bool:
    """Whether the first answer stands on the right: a coin for each item and rater; a repeat turns it round."""
    return (chance(seed, "side", item_id, rater_id) < 0.5) != repeat


def is_answering(answered_at: datetime | None, now: datetime) -> bool:
    """Whether a rater has answered lately; ``answered_at`` is the newest answer, None for a visitor."""
    return answered_at is not None and now - answered_at < LEASE


def how_many(*, held: int, done: int, quota: int | None, open_items: int, raters: int, answering: bool = True) -> int:
    """How many tasks to hand out now: enough to work ahead, no more than others leave, never past the quota.

    ``raters`` are those who were there lately; a rater alone leaves nothing for others. A rater who is not
    ``answering`` gets ``VISITOR_HELD`` at most.
    """
    fair = open_items + held if raters <= 1 else max(FEWEST_HELD, open_items // (2 * raters))
    wanted = min(MOST_HELD if answering else VISITOR_HELD, fair) - held
    return max(0, wanted if quota is None else min(wanted, quota - done - held))


def next_tasks(
    count: int,
    candidates: Sequence[Candidate],
    history: Sequence[Held],
    gold: Sequence[str],
    *,
    repeats: int,
    seed: int,
    rater_id: str,
    in_blocks: bool,
) -> list[Next]:
    """The next tasks of a rater, at most ``count``.

    Items that others have begun come first, so that overlap completes early; then chance. With ``in_blocks`` a rater
    who has one answer of a row gets the others too, though not side by side as far as that can be. Every fourth task
    is a check while there are any: a gold item first, then hidden repeats and gold items in turn.
    """
    started = {held.block for held in history if not held.gold}

    def rank(candidate: Candidate) -> tuple[bool, bool, float]:
        group = candidate.block if in_blocks else candidate.item_id
        new_row = in_blocks and candidate.block not in started
        return new_row, candidate.taken == 0, chance(seed, "order", group, rater_id)

    queue = sorted(candidates, key=rank)[:count]
    queue.sort(key=lambda candidate: chance(seed, "place", candidate.item_id, rater_id))
    offset = int(chance(seed, "check", rater_id) * CHECK_EVERY)
    found: list[Next] = []
    seen = list(history)
    while queue and len(found) < count:
        sequence = seen[-1].sequence + 1 if seen else 0
        held = None
        if sequence % CHECK_EVERY == offset:
            held = _check(seen, gold, repeats=repeats, seed=seed, rater_id=rater_id, sequence=sequence)
        if held is None:
            item = queue.pop(0)
            held = Held(item.item_id, item.block, sequence)
        seen.append(held)
        found.append(Next(held.item_id, held.sequence, held.repeat))
    return found


def renewed(now: datetime, *, answering: bool = True) -> datetime:
    """Until when a lease that is taken or renewed now is good."""
    return now + (LEASE if answering else VISIT)


def _check(
    seen: Sequence[Held], gold: Sequence[str], *, repeats: int, seed: int, rater_id: str, sequence: int
) -> Held | None:
    """The check of one place: gold in even ones, a repeat in odd ones, the other kind where there is none."""
    had = {held.item_id for held in seen if held.gold}
    fresh = sorted((g for g in gold if g not in had), key=lambda g: chance(seed, "gold", g, rater_id))
    again = _repeatable(seen, repeats, sequence)
    if fresh and (sequence // CHECK_EVERY % 2 == 0 or not again):
        return Held(fresh[0], "", sequence, gold=True)
    if again:
        first = min(again, key=lambda held: chance(seed, "again", held.item_id, rater_id))
        return Held(first.item_id, first.block, sequence, repeat=True)
    return None


def _repeatable(seen: Sequence[Held], repeats: int, sequence: int) -> list[Held]:
    repeated = {held.item_id for held in seen if held.repeat}
    if len(repeated) >= repeats:
        return []
    latest = sequence - REPEAT_AFTER
    return [
        h
        for h in seen
        if h.usable and not h.gold and not h.repeat and h.item_id not in repeated and h.sequence <= latest
    ]
