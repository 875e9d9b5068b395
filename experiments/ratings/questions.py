"""What raters can answer, and what each answer counts in the analysis."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.plans.plan import MetricDefinition
from experiments.vocabulary import Direction, MetricKind, QuestionKind

METRIC_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]{0,79}$")
LEFT, BOTH_GOOD, BOTH_BAD, RIGHT = "left", "both_good", "both_bad", "right"
FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Choice:
    """One key of the rating page: what is stored, what is read, which key, and what it counts."""

    value: str
    label: str
    key: str
    score: float


def keyed(choices: Iterable[tuple[str, str, float]]) -> tuple[Choice, ...]:
    """Choices with the keys 1, 2, 3 … in their order."""
    return tuple(Choice(value, label, str(n), score) for n, (value, label, score) in enumerate(choices, start=1))


PAIR_CHOICES = keyed(
    (
        (LEFT, "Left is better", 1.0),
        (BOTH_GOOD, "Both good", 0.5),
        (BOTH_BAD, "Both bad", 0.5),
        (RIGHT, "Right is better", 0.0),
    )
)
"""Scores from the side of the left answer; both ties count half, and keep which of the two they were."""

DEFAULT_METRIC = {
    QuestionKind.PAIRWISE: "preferred",
    QuestionKind.SCALE: "rating",
    QuestionKind.THUMBS: "thumbs_up",
    QuestionKind.CATEGORIES: "category",
}
DEFAULT_QUESTION = {
    QuestionKind.PAIRWISE: "Which answer is better?",
    QuestionKind.SCALE: "How good is this answer?",
    QuestionKind.THUMBS: "Is this answer good enough?",
    QuestionKind.CATEGORIES: "What is this answer?",
}


def definition_of(metric: str, kind: QuestionKind, scores: Sequence[float] = ()) -> MetricDefinition:
    """What the metric of a question is to the analysis; categories of 0 and 1 only are a yes or no."""
    if kind is QuestionKind.PAIRWISE:
        return MetricDefinition(metric, MetricKind.PREFERENCE, Direction.HIGHER, "points")
    yes_or_no = kind is QuestionKind.THUMBS or (scores and set(scores) <= {0.0, 1.0})
    if yes_or_no:
        return MetricDefinition(metric, MetricKind.BINARY, Direction.HIGHER, "points")
    return MetricDefinition(metric, MetricKind.ORDINAL, Direction.HIGHER, "score")


def counted(choices: Sequence[Choice], value: str, *, swapped: bool) -> float | None:
    """What a choice counts from the side of the first answer (``swapped``: it stood on the right); None if unknown."""
    for choice in choices:
        if choice.value == value:
            return 1 - choice.score if swapped else choice.score
    return None


def seen_from_first(choice: str, *, swapped: bool) -> str:
    """A pairwise choice told by answers instead of sides: first, second, both_good, both_bad; others as they are."""
    if choice not in (LEFT, RIGHT):
        return choice
    return FIRST if (choice == LEFT) != swapped else SECOND
