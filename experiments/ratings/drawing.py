"""Which rows are rated: everything, or a sample whose probabilities are known and kept."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.ratings.session_file import RowChoice

DIFFERENT, ALIKE = "variants differ", "variants alike"


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What the choice of a row depends on: its slice (for ``stratified``) and whether the variants differ there."""

    example_id: str
    slice: str = ""
    differs: bool = True


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One row of the sample: its probability to be in it, and the stratum that it came from ("" for none)."""

    example_id: str
    probability: float
    stratum: str = ""


def draw_rows(rows: Sequence[RowFacts], choice: RowChoice, chance: random.Random) -> list[DrawnRow]:
    """The sample, in the order of the rows; all rows when it asks for as many as there are. Empty input: empty."""
    if choice.pick == "all" or choice.count is None or choice.count >= len(rows):
        return [DrawnRow(row.example_id, 1.0) for row in rows]
    if choice.pick == "random":
        strata = {"": list(rows)}
        sizes = {"": choice.count}
    elif choice.pick == "stratified":
        strata = _by(rows, lambda row: row.slice or "(empty)")
        sizes = _in_proportion({name: len(part) for name, part in strata.items()}, choice.count)
    else:
        strata = _by(rows, lambda row: DIFFERENT if row.differs else ALIKE)
        sizes = _focused({name: len(part) for name, part in strata.items()}, choice.count, choice.focus)
    drawn: dict[str, DrawnRow] = {}
    for name in sorted(strata):
        part = strata[name]
        for row in chance.sample(part, sizes[name]):
            drawn[row.example_id] = DrawnRow(row.example_id, sizes[name] / len(part), name)
    return [drawn[row.example_id] for row in rows if row.example_id in drawn]


def is_uneven(probabilities: Sequence[float]) -> bool:
    """Whether some rows had a clearly larger chance to be drawn than others (rounding of strata is none)."""
    return bool(probabilities) and max(probabilities) > 1.5 * min(probabilities)


def _by(rows: Sequence[RowFacts], key: Callable[[RowFacts], str]) -> dict[str, list[RowFacts]]:
    strata: dict[str, list[RowFacts]] = defaultdict(list)
    for row in rows:
        strata[key(row)].append(row)
    return dict(strata)


def _in_proportion(sizes: dict[str, int], count: int) -> dict[str, int]:
    """Largest remainders, with at least one row of every stratum as far as the count goes."""
    total = sum(sizes.values())
    exact = {name: count * size / total for name, size in sizes.items()}
    given = {name: min(sizes[name], int(share)) for name, share in exact.items()}
    order = sorted(sizes, key=lambda name: (given[name] > 0, -(exact[name] - int(exact[name])), name))
    while sum(given.values()) < count:
        for name in order:
            if sum(given.values()) < count and given[name] < sizes[name]:
                given[name] += 1
    return given


def _focused(sizes: dict[str, int], count: int, focus: float) -> dict[str, int]:
    different, alike = sizes.get(DIFFERENT, 0), sizes.get(ALIKE, 0)
    wanted = min(different, round(count * focus))
    rest = min(alike, count - wanted)
    given = {DIFFERENT: min(different, count - rest), ALIKE: rest}
    return {name: given[name] for name in sizes}
