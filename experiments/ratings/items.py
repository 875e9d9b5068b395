"""Answers of a run → the items of a session: pairs or single answers, how often each is wanted, gold items."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from experiments.errors import BakeoffError, nearest
from experiments.ratings.drawing import DrawnRow, RowFacts, draw_rows
from experiments.ratings.leaks import LeakFilter
from experiments.ratings.questions import BOTH_BAD, BOTH_GOOD, FIRST, SECOND
from experiments.ratings.session_file import GoldItem, SessionSpec

SECONDS_TO_DECIDE = 4.0
WORDS_PER_SECOND = 4.0
"""Silent reading: 238 words a minute (Brysbaert 2019, J. Mem. Lang. 109:104047)."""


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One output that can be shown."""

    output_id: str
    text: str


@dataclass(frozen=True, slots=True)
class RatableRow:
    """One row of the run: what raters see above the answers, and the answers by variant (failed ones are missing)."""

    example_id: str
    unit_id: str
    prompt_text: str
    answers: Mapping[str, ShownAnswer]
    slice: str = ""
    differs: bool = True


@dataclass(frozen=True, slots=True)
class NewItem:
    """One item to be stored; ``expected`` and ``texts`` belong to gold items. ``words`` is what a rater reads."""

    example_id: str | None
    first_output_id: str | None
    second_output_id: str | None
    wanted: int
    probability: float
    words: int
    stratum: str = ""
    gold: bool = False
    texts: dict[str, Any] | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything a session would consist of; ``left_out`` counts rows or pairs by reason."""

    items: tuple[NewItem, ...]
    gold: tuple[NewItem, ...]
    rows: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    same_twice: int = 0

    @property
    def ratings(self) -> int:
        """Ratings that the items want, without gold items and repeats."""
        return sum(item.wanted for item in self.items)

    @property
    def seconds_per_item(self) -> float:
        """Time for one item: reading at 4 words a second, and 4 seconds to decide; 0.0 without items."""
        if not self.items:
            return 0.0
        words = sum(item.words * item.wanted for item in self.items) / self.ratings
        return SECONDS_TO_DECIDE + words / WORDS_PER_SECOND


NOT_ANSWERED, LEAKED = "not answered", "names a model or variant"


def draft_session(
    rows: Sequence[RatableRow], spec: SessionSpec, *, variants: Sequence[str], leaks: LeakFilter, seed: int
) -> Draft:
    """The items of a session, in the order in which they are stored (random); the same seed gives the same ones.

    Raises:
        BakeoffError: ``no_such_row``, ``no_such_variant`` or ``gold_not_answered`` for a gold item that cannot be made.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    gold = tuple(_gold_item(item, rows, variants, spec) for item in spec.gold)
    gold_rows = {item.example_id for item in gold if item.example_id is not None}
    left_out: Counter[str] = Counter()
    eligible: dict[str, list[tuple[ShownAnswer, ...]]] = {}
    ordinary = [row for row in rows if row.example_id not in gold_rows]
    single = all(len(row.answers) <= 1 for row in rows)  # different rows per variant: no row can have them all
    for row in ordinary:
        names = tuple(row.answers) if single and not spec.pairwise else variants
        shown = list(_shown(row, spec, names, leaks, left_out))
        if shown:
            eligible[row.example_id] = shown
    facts = [RowFacts(r.example_id, r.slice, r.differs) for r in ordinary if r.example_id in eligible]
    drawn = draw_rows(facts, spec.rows, chance)
    wanted = _wanted([row.example_id for row in drawn], spec, chance)
    by_id = {row.example_id: row for row in ordinary}
    items = [
        _item(by_id[row.example_id], row, answers, wanted[row.example_id])
        for row in drawn
        for answers in eligible[row.example_id]
    ]
    chance.shuffle(items)
    chosen = [answers for row in drawn for answers in eligible[row.example_id]]
    same = sum(1 for answers in chosen if len(answers) == 2 and answers[0].text == answers[1].text)
    return Draft(tuple(items), gold, len(drawn), dict(left_out), same)


def _shown(
    row: RatableRow, spec: SessionSpec, variants: Sequence[str], leaks: LeakFilter, left_out: Counter[str]
) -> Iterator[tuple[ShownAnswer, ...]]:
    """What of a row may be shown. Of single answers all or none, so that every variant is rated on the same rows."""
    single: list[tuple[str, ...]] = [(name,) for name in variants]
    groups = [[pair] for pair in _pairs(spec, variants)] if spec.pairwise else [single]
    for group in groups:
        names = [name for shown in group for name in shown]
        if any(name not in row.answers for name in names):
            left_out[NOT_ANSWERED] += 1
        elif spec.leaks == "drop" and any(
            leaks.find(row.answers[name].text, said_before=row.prompt_text) for name in names
        ):
            left_out[LEAKED] += 1
        else:
            yield from (tuple(row.answers[name] for name in shown) for shown in group)


def _pairs(spec: SessionSpec, variants: Sequence[str]) -> list[tuple[str, ...]]:
    if spec.pairs == "control":
        return [(variants[0], other) for other in variants[1:]]
    return [*combinations(variants, 2)]


def _wanted(example_ids: Sequence[str], spec: SessionSpec, chance: random.Random) -> dict[str, int]:
    """Raters per row: the overlap for the share that has one, else one."""
    several = set(chance.sample(list(example_ids), round(spec.overlap_share * len(example_ids))))
    return {example_id: spec.overlap if example_id in several else 1 for example_id in example_ids}


def _item(row: RatableRow, drawn: DrawnRow, answers: tuple[ShownAnswer, ...], wanted: int) -> NewItem:
    return NewItem(
        example_id=row.example_id,
        first_output_id=answers[0].output_id,
        second_output_id=answers[1].output_id if len(answers) > 1 else None,
        wanted=wanted,
        probability=drawn.probability,
        words=_words(row.prompt_text, *(answer.text for answer in answers)),
        stratum=drawn.stratum,
    )


def _gold_item(gold: GoldItem, rows: Sequence[RatableRow], variants: Sequence[str], spec: SessionSpec) -> NewItem:
    if gold.unit is None:
        texts = {"prompt_text": gold.prompt_text, "first": gold.first or gold.text or "", "second": gold.second or ""}
        words = _words(*texts.values())
        return NewItem(None, None, None, 0, 1.0, words, gold=True, texts=texts, expected=gold.answer)
    row = next((r for r in rows if r.unit_id == gold.unit), None)
    if row is None:
        near = nearest(gold.unit, [r.unit_id for r in rows])
        raise BakeoffError("no_such_row", f"The gold item '{gold.unit[:60]}' is no row of this experiment.", near)
    names, expected = _gold_answers(gold, variants, spec)
    for name in names:
        if name not in variants:
            raise BakeoffError(
                "no_such_variant", f"The gold item '{gold.unit}' speaks of '{name[:60]}'.", nearest(name, variants)
            )
        if name not in row.answers:
            raise BakeoffError("gold_not_answered", f"The gold item '{gold.unit}' has no answer of {name}.")
    answers = [row.answers[name] for name in names]
    return NewItem(
        example_id=row.example_id,
        first_output_id=answers[0].output_id,
        second_output_id=answers[1].output_id if len(answers) > 1 else None,
        wanted=0,
        probability=1.0,
        words=_words(row.prompt_text, *(answer.text for answer in answers)),
        gold=True,
        expected=expected,
    )


def _gold_answers(gold: GoldItem, variants: Sequence[str], spec: SessionSpec) -> tuple[tuple[str, ...], str]:
    """Variants that the item shows, and the right answer from the first one's side."""
    if not spec.pairwise:
        return (gold.variant or "",), gold.answer
    if gold.answer in (BOTH_GOOD, BOTH_BAD):
        return (variants[0], gold.variant or variants[1]), gold.answer
    other = gold.variant or next(name for name in variants if name != gold.answer)
    first, second = sorted((gold.answer, other), key=lambda n: variants.index(n) if n in variants else len(variants))
    return (first, second), FIRST if first == gold.answer else SECOND


def _words(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)
