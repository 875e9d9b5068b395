"""Which scorer fits the expected answers of a test set: a proposal that its owner keeps or changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.scoring.final_answers import final_numeral
from experiments.scoring.json_text import NotJson, parse_json
from experiments.scoring.numerals import NUMERAL

MOST = 0.9
"""The share of the expected answers that must be of a kind; a few odd rows do not decide."""
SHORT_CHARACTERS = 30
LABEL_CHARACTERS = 60
ROWS_PER_LABEL = 5
_MARKS_OF_AN_ANSWER = ("####", "\\boxed{")


@dataclass(frozen=True, slots=True)
class Fitting:
    """The name of a scorer, and in one sentence why it was chosen."""

    scorer: str
    why: str


def fitting_scorer(references: Sequence[str | None]) -> Fitting:
    """The scorer for rows with these expected answers; empty cells are left out.

    JSON is compared field by field, numbers by value, labels and single words as they are, longer texts by likeness.
    Short phrases are looked for inside the answer: a model that says "a photo" says it in a sentence. Without
    expected answers only refusals can be counted, which needs no reference but says little of quality.
    """
    texts = [text.strip() for text in references if text and text.strip()]
    if not texts:
        return Fitting(
            "refusal",
            "The test set has no expected answers, so a rule can only count refusals. "
            "Let people rate the answers, or add a judge, to measure how good they are.",
        )
    if _most(texts, _is_json):
        return Fitting("json_fields", "The expected answers are JSON, so their fields are compared one by one.")
    if _most(texts, _is_number):
        return Fitting(
            "numeric_answer", "The expected answers are numbers, so the number an answer ends on is compared."
        )
    if _are_labels(texts):
        return Fitting(
            "exact_match", "The expected answers are a few labels, so an answer counts when it is the label."
        )
    if _most(texts, _is_short):
        return _for_short(texts)
    return Fitting(
        "similarity",
        "The expected answers are longer texts, which no answer repeats word for word, so likeness is measured. "
        "For meaning rather than wording, let people rate the answers or add a judge.",
    )


def _for_short(texts: Sequence[str]) -> Fitting:
    if _most(texts, lambda text: " " not in text):
        return Fitting("exact_match", "The expected answers are single words, so an answer counts when it is the word.")
    return Fitting("contains", "The expected answers are short phrases, so an answer counts when it says the phrase.")


def _most(texts: Sequence[str], fits: Callable[[str], bool]) -> bool:
    return sum(map(fits, texts)) >= MOST * len(texts)


def _is_json(text: str) -> bool:
    """An object or a list; a bare number or word is JSON too, but nobody means it so."""
    try:
        return isinstance(parse_json(text, allow_fence=True), dict | list)
    except NotJson:
        return False


def _is_number(text: str) -> bool:
    """A number and nothing else, or a worked solution with its answer marked."""
    if any(mark in text for mark in _MARKS_OF_AN_ANSWER):
        return final_numeral(text) is not None
    return NUMERAL.fullmatch(text) is not None


def _is_short(text: str) -> bool:
    return len(text) <= SHORT_CHARACTERS and "\n" not in text


def _are_labels(texts: Sequence[str]) -> bool:
    different = set(texts)
    few = len(texts) >= ROWS_PER_LABEL * len(different)
    return few and all(len(text) <= LABEL_CHARACTERS and "\n" not in text for text in different)
