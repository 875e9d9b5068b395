"""How a judge behaved, read from its own votes: steadiness, the pull of a side, answers that were no verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.judges.questions import FIRST, SECOND

OF_PAIRS, OF_ONE = "given", "value"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a judge's votes tell without any person. Shares are 0 to 1, None where nothing was asked that could tell.

    ``unreadable``: cases that got no verdict. ``self_consistency``: cases on which a model that was asked again said
    the same each time. ``jury_agreement``: cases on which all models agree. ``position_bias``: pairs on which the
    verdict names the same side in both orders, ``first_share``: those of them that named the first.
    """

    cases: int
    unreadable: float
    self_consistency: float | None
    jury_agreement: float | None
    position_bias: float | None
    first_share: float | None
    pairs: int


def behaviour_of(scores: Iterable[tuple[float | None, Mapping[str, Any] | None]]) -> Behaviour:
    """The behaviour behind (value, details) of a judge's scores as ``votes.scores_of`` makes them."""
    cases = unreadable = 0
    steady, unanimous, swayed = [], [], []
    for value, details in scores:
        votes = [vote for vote in (details or {}).get("votes", ()) if isinstance(vote, Mapping)]
        if value is None and not (details or {}).get("unjudged"):
            continue  # could not be judged at all: no reference, no other answer
        cases += 1
        unreadable += value is None
        by_model: dict[str, list[Any]] = defaultdict(list)
        for vote in votes:
            key = OF_PAIRS if OF_PAIRS in vote else OF_ONE
            by_model[str(vote.get("model"))].append(vote.get(key))
            if key == OF_PAIRS:
                swayed.append(_swayed(vote))
        steady += [len(set(said)) == 1 for said in by_model.values() if len(said) > 1]
        if len(by_model) > 1:
            unanimous.append(len({tuple(map(str, said)) for said in by_model.values()}) == 1)
    named = [side for side in swayed if side is not None]
    return Behaviour(
        cases=cases,
        unreadable=unreadable / cases if cases else 0.0,
        self_consistency=_share(steady),
        jury_agreement=_share(unanimous),
        position_bias=len(named) / len(swayed) if swayed else None,
        first_share=named.count(FIRST) / len(named) if named else None,
        pairs=len(swayed),
    )


def _swayed(vote: Mapping[str, Any]) -> str | None:
    """The side that was named in both orders, which contradicts itself; None for a verdict that holds."""
    given = vote.get("given")
    return str(given) if given == vote.get("swapped") and given in (FIRST, SECOND) else None


def _share(flags: list[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
