"""Several challengers may ship: the best one, or the cheaper, faster, simpler of those it cannot be told from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.results.analysis import Analysis
from experiments.results.verdicts.cases import ChallengerCase

CRITERIA = (("cost_usd", "cheapest"), ("latency_ms", "fastest"), ("prompt_tokens", "simplest"))
ALIKE = 0.01
"""Values within this share of the smallest one count as the same."""


@dataclass(frozen=True, slots=True)
class ChosenCase:
    """The chosen case; ``told`` says why it and not another one, empty when nothing had to be chosen."""

    case: ChallengerCase
    told: str = ""


def choose_among(shippable: Sequence[ChallengerCase], analysis: Analysis) -> ChosenCase:
    """The case to ship of those that may; ``shippable`` stand best first."""
    best = shippable[0]
    alike = [case for case in shippable if case is best or not _told_apart(analysis, best, case)]
    if len(alike) == 1:
        return ChosenCase(best)
    names = " and ".join(sorted(case.treatment for case in alike))
    left = list(alike)
    for metric, word in CRITERIA:
        values = {case.treatment: analysis.arm(metric, case.treatment) for case in left}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) < len(left):
            continue
        smallest = min(known.values())
        left = [case for case in left if known[case.treatment] <= smallest + ALIKE * abs(smallest)]
        if len(left) == 1:
            told = f"{names} are too close to tell apart; {left[0].treatment} is the {word} of them."
            return ChosenCase(left[0], told)
    return ChosenCase(left[0], f"{names} are too close to tell apart; {left[0].treatment} is ahead by a little.")


def _told_apart(analysis: Analysis, best: ChallengerCase, other: ChallengerCase) -> bool:
    """Whether the interval between the two leaves 0 out."""
    pair = {best.treatment, other.treatment}
    for comparison in analysis.between:
        if {comparison.control, comparison.treatment} == pair:
            return comparison.better != "unclear"
    return False
