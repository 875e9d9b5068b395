"""What makes the votes of a session unfit to decide on: known answers missed, or sides that stand for variants."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.ratings.quality import FEWEST_VOTES, HABIT, SIDE_P, RaterQuality, excluded_raters, two_sided_coin
from experiments.ratings.session_file import Exclusion
from experiments.wording import count, percent

BY_CHANCE = 0.001
LEAST_SHIFT = 0.01
"""The share of wins that a lean must move before it blocks: below one point it changes no verdict worth having."""
AGAIN = "Open another session, which draws sides anew, and ask other raters."


@dataclass(frozen=True, slots=True)
class SideVote:
    """One vote for a side: the variants that stood left and right, and whether the left one was chosen."""

    left: str
    right: str
    chose_left: bool


def gold_problem(qualities: Mapping[int, RaterQuality], rule: Exclusion) -> str | None:
    """Why the raters as a group fail the session's rule, as a sentence; None when they do not.

    They fail it when those who count are right together on fewer known answers than one rater must be, and when the
    rule leaves out more than half of those who rated.
    """
    rated = {number: quality for number, quality in qualities.items() if quality.done}
    left_out = excluded_raters(rated)
    counted = [quality for number, quality in rated.items() if number not in left_out]
    right = sum(quality.gold_right for quality in counted)
    seen = sum(quality.gold_seen for quality in counted)
    if rule.gold_below is not None and seen >= rule.at_least and right < rule.gold_below * seen:
        return (
            f"Together the raters who count were right on {right:,} of {seen:,} known answers; the rule set beforehand "
            f"wants {percent(rule.gold_below)}. Check the known answers and the guide, then open another session."
        )
    if 2 * len(left_out) > len(rated):
        return (
            f"The rule set beforehand leaves out {len(left_out):,} of {count(len(rated), 'rater')}, too many to go by "
            "the rest. Check the guide and the rule, then open another session."
        )
    return None


def side_problem(votes: Sequence[SideVote]) -> str | None:
    """Why sides may stand for variants, as a sentence; None when they do not.

    One side with over 90 % of all votes (exact binomial, p < 0.001) blocks. So does a lean to one side where one
    variant of a pair stood left more often than chance allows (p < 0.001), once the lean moves its wins by a point.
    """
    left = sum(vote.chose_left for vote in votes)
    more = max(left, len(votes) - left)
    if votes and more > HABIT * len(votes) and two_sided_coin(left, len(votes)) < BY_CHANCE:
        side = "left" if left == more else "right"
        told = f"Raters chose the {side} side {more:,} of {len(votes):,} times"
        return f"{told}, so their votes may say where an answer stood and not which one is better. {AGAIN}"
    pairs: dict[tuple[str, str], list[SideVote]] = defaultdict(list)
    for vote in votes:
        pairs[min(vote.left, vote.right), max(vote.left, vote.right)].append(vote)
    problems = (_lean_problem(pair, of_pair) for pair, of_pair in sorted(pairs.items()))
    return next((problem for problem in problems if problem is not None), None)


def _lean_problem(pair: tuple[str, str], votes: Sequence[SideVote]) -> str | None:
    """A lean to one side, together with uneven sides, of one pair of variants.

    With p(left | A stood left) and p(left | B stood left), a preference for A raises one by what it takes from the
    other, so their mean less one half is the lean alone; it moves A's share of wins by lean × (2 × share left − 1).

    Source: Agresti & Caffo (2000), Am. Stat. 54, for the variance of two shares with one more success and failure each.
    """
    shown = {name: [vote.chose_left for vote in votes if vote.left == name] for name in pair}
    sizes = [len(shown[name]) for name in pair]
    if two_sided_coin(sizes[0], sum(sizes)) >= BY_CHANCE:
        return None
    often, rarely = pair if sizes[0] > sizes[1] else pair[::-1]
    stood = f"{often} stood on the left {max(sizes):,} of {sum(sizes):,} times beside {rarely}"
    chosen = sum(map(sum, shown.values()))
    if min(sizes) < FEWEST_VOTES:
        if two_sided_coin(chosen, sum(sizes)) >= SIDE_P:
            return None
        side = "left" if 2 * chosen > sum(sizes) else "right"
        return f"Raters lean to the {side}, and {stood}: side and answer cannot be told apart. {AGAIN}"
    shares = [sum(shown[name]) / len(shown[name]) for name in pair]
    steadied = [(sum(shown[name]) + 1) / (len(shown[name]) + 2) for name in pair]
    lean = sum(shares) / 2 - 0.5
    error = sum(p * (1 - p) / (size + 2) for p, size in zip(steadied, sizes, strict=True)) ** 0.5 / 2
    shift = abs(lean) * (2 * max(sizes) / sum(sizes) - 1)
    if math.erfc(abs(lean) / error / math.sqrt(2)) >= SIDE_P or shift < LEAST_SHIFT:
        return None
    side = "left" if lean > 0 else "right"
    return (
        f"Raters lean to the {side}, and {stood}: the side alone moves its share of wins by about {percent(shift)}. "
        f"{AGAIN}"
    )
