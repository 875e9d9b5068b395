"""How good each rater is: speed, habit, sides, known answers, repeats; and who is left out by the session's rule."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from experiments.ratings.questions import LEFT, RIGHT, seen_from_first
from experiments.ratings.session_file import Exclusion
from experiments.vocabulary import QuestionKind, TaskState

FAST_S = 2.0
HABIT = 0.9
SIDE_P = 0.01
WEAK = 0.6
FEWEST_VOTES = 10


@dataclass(frozen=True, slots=True)
class RaterJudgement:
    """One decision of a rater, in the order of time. ``value`` is told from the first answer's side, or a grade."""

    rater: int
    item_id: str
    state: str
    choice: str | None = None
    value: float | None = None
    swapped: bool = False
    repeat: bool = False
    gold: bool = False
    expected: str | None = None
    milliseconds: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RaterQuality:
    """One rater in numbers. Shares are None where there is nothing to count; ``left_share`` is for pairs only.

    ``excluded`` says by which part of the rule the rater's votes leave the result; empty when they stay.
    """

    rater: int
    done: int
    skipped: int
    reported: int
    median_s: float | None
    left_votes: int
    side_votes: int
    gold_right: int
    gold_seen: int
    repeats_same: int
    repeats_seen: int
    same_answer: int
    longest_same_run: int
    last_at: datetime | None
    flags: tuple[str, ...] = ()
    excluded: str = ""

    @property
    def left_share(self) -> float | None:
        """Share of left among the votes for a side."""
        return self.left_votes / self.side_votes if self.side_votes else None


@dataclass
class _Tally:
    judged: list[RaterJudgement] = field(default_factory=list)
    skipped: int = 0
    reported: int = 0


def rater_qualities(
    judgements: Iterable[RaterJudgement], kind: QuestionKind, rule: Exclusion
) -> dict[int, RaterQuality]:
    """Every rater who decided on anything, by number."""
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    for judgement in judgements:
        tally = tallies[judgement.rater]
        if judgement.state == TaskState.RATED:
            tally.judged.append(judgement)
        elif judgement.state == TaskState.SKIPPED:
            tally.skipped += 1
        else:
            tally.reported += 1
    return {rater: _quality(rater, tally, kind, rule) for rater, tally in sorted(tallies.items())}


def excluded_raters(qualities: Mapping[int, RaterQuality]) -> frozenset[int]:
    """Numbers of the raters whose votes leave the result."""
    return frozenset(number for number, quality in qualities.items() if quality.excluded)


def rule_in_words(rule: Exclusion) -> str:
    """The exclusion rule as one sentence for people."""
    parts = []
    if rule.gold_below is not None:
        parts.append(f"under {rule.gold_below:.0%} right on known answers")
    if rule.repeats_below is not None:
        parts.append(f"under {rule.repeats_below:.0%} the same on repeated items")
    if rule.faster_than_s is not None:
        parts.append(f"half of the votes faster than {rule.faster_than_s:g} s")
    if rule.same_answer_above is not None:
        parts.append(f"over {rule.same_answer_above:.0%} the same answer")
    if not parts:
        return "Nobody is left out: the session was opened without such a rule."
    return f"Left out, by the rule fixed before anybody rated: {'; '.join(parts)} (from {rule.at_least} such items on)."


def _quality(rater: int, tally: _Tally, kind: QuestionKind, rule: Exclusion) -> RaterQuality:
    judged = tally.judged
    times = [j.milliseconds / 1000 for j in judged if j.milliseconds is not None]
    sides = Counter(j.choice for j in judged if j.choice in (LEFT, RIGHT) and kind is QuestionKind.PAIRWISE)
    gold = [_is_right(j, kind) for j in judged if j.gold]
    repeats = _repeats(judged, kind)
    choices = Counter(j.choice for j in judged)
    found = RaterQuality(
        rater=rater,
        done=len(judged),
        skipped=tally.skipped,
        reported=tally.reported,
        median_s=statistics.median(times) if times else None,
        left_votes=sides[LEFT],
        side_votes=sides[LEFT] + sides[RIGHT],
        gold_right=sum(gold),
        gold_seen=len(gold),
        repeats_same=sum(repeats),
        repeats_seen=len(repeats),
        same_answer=max(choices.values(), default=0),
        longest_same_run=max((sum(1 for _ in run) for _, run in groupby(j.choice for j in judged)), default=0),
        last_at=max((j.at for j in judged if j.at is not None), default=None),
    )
    return replace(found, flags=tuple(_flags(found)), excluded=_reason(found, rule))


def _flags(found: RaterQuality) -> Iterable[str]:
    if found.done >= FEWEST_VOTES and found.median_s is not None and found.median_s < FAST_S:
        yield f"Very fast: half of the votes took under {found.median_s:.1f} s."
    if found.done >= FEWEST_VOTES and found.same_answer > HABIT * found.done:
        yield f"The same answer {found.same_answer} of {found.done} times."
    if found.side_votes >= FEWEST_VOTES and two_sided_coin(found.left_votes, found.side_votes) < SIDE_P:
        yield f"Left {found.left_votes} of {found.side_votes} times: a habit for one side."
    if found.gold_seen >= 3 and found.gold_right < WEAK * found.gold_seen:
        yield f"Right on {found.gold_right} of {found.gold_seen} known answers."
    if found.repeats_seen >= 2 and found.repeats_same < WEAK * found.repeats_seen:
        yield f"Answered {found.repeats_same} of {found.repeats_seen} repeated items the same."


def _reason(found: RaterQuality, rule: Exclusion) -> str:
    """The first part of the rule that the rater breaks, in words; empty when none."""
    if _below(found.gold_right, found.gold_seen, rule.gold_below, rule.at_least):
        return f"right on {found.gold_right} of {found.gold_seen} known answers"
    if _below(found.repeats_same, found.repeats_seen, rule.repeats_below, rule.at_least):
        return f"the same on {found.repeats_same} of {found.repeats_seen} repeated items"
    enough = found.done >= FEWEST_VOTES
    if rule.faster_than_s is not None and enough and found.median_s is not None and found.median_s < rule.faster_than_s:
        return f"half of the votes in under {found.median_s:.1f} s"
    if rule.same_answer_above is not None and enough and found.same_answer > rule.same_answer_above * found.done:
        return f"the same answer {found.same_answer} of {found.done} times"
    return ""


def _below(good: int, seen: int, least: float | None, at_least: int) -> bool:
    return least is not None and seen >= at_least and good < least * seen


def _is_right(judgement: RaterJudgement, kind: QuestionKind) -> bool:
    if kind is QuestionKind.PAIRWISE:
        return seen_from_first(judgement.choice or "", swapped=judgement.swapped) == judgement.expected
    return _near(judgement.choice, judgement.expected, kind)


def _repeats(judged: Sequence[RaterJudgement], kind: QuestionKind) -> list[bool]:
    """For every repeat whose first time was rated: whether the answer is the same (ties of both kinds are one)."""
    first = {j.item_id: j for j in judged if not j.repeat}
    return [
        j.value == first[j.item_id].value
        if kind is QuestionKind.PAIRWISE
        else _near(j.choice, first[j.item_id].choice, kind)
        for j in judged
        if j.repeat and j.item_id in first
    ]


def _near(one: str | None, other: str | None, kind: QuestionKind) -> bool:
    """The same answer; on a scale a neighbour counts as the same."""
    if kind is QuestionKind.SCALE and one is not None and other is not None:
        return abs(int(one) - int(other)) <= 1
    return one == other


def two_sided_coin(heads: int, tosses: int) -> float:
    """Exact two-sided p-value of a fair coin: twice the smaller tail, at most 1."""
    tail = min(heads, tosses - heads)
    ways = sum(math.comb(tosses, k) for k in range(tail + 1))
    return min(1.0, float(2 * ways / 2**tosses))
