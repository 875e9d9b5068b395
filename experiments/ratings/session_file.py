"""The session file: YAML text → ``SessionSpec``, everything about a rating session that is fixed before it opens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from experiments.errors import BakeoffError
from experiments.plans.plan import MetricDefinition
from experiments.ratings.questions import (
    DEFAULT_METRIC,
    DEFAULT_QUESTION,
    METRIC_NAME,
    PAIR_CHOICES,
    Choice,
    definition_of,
    keyed,
)
from experiments.strict_yaml import parse_model
from experiments.vocabulary import QuestionKind

MOST_CHOICES = 9
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=20_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Illustration(_Strict):
    """One worked example of the instructions: what was asked, the answers, the right key and why."""

    prompt_text: Text = ""
    left: Text = ""
    right: Text = ""
    text: Text = ""
    answer: Text = ""
    why: Text = ""


class Category(_Strict):
    """One category: the ``score`` is what it counts in the analysis (higher is better)."""

    value: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    label: Annotated[str, Field(max_length=120)] = ""
    score: Annotated[float, Field(allow_inf_nan=False)]


class RowChoice(_Strict):
    """Which rows are rated: all, some at random, some of each slice, or more where the variants disagree.

    ``stratified`` takes from each slice of ``by`` in proportion. ``disagreement`` takes the share ``focus`` of its rows
    from those where the variants differ in ``metric`` (without one: in their texts). Every item keeps its probability.
    """

    pick: Literal["all", "random", "stratified", "disagreement"] = "all"
    count: Annotated[int, Field(ge=1)] | None = None
    by: str | None = None
    metric: str | None = None
    focus: Annotated[float, Field(ge=0.5, lt=1)] = 0.8

    @model_validator(mode="after")
    def _complete(self) -> RowChoice:
        if self.pick != "all" and self.count is None:
            raise ValueError(f"'{self.pick}' needs a 'count' of rows")
        if self.pick == "stratified" and not self.by:
            raise ValueError("'stratified' needs 'by: COLUMN'")
        return self


class GoldItem(_Strict):
    """One item whose right answer is known: a row of the experiment (``unit``), or texts written by hand.

    ``answer``: for two answers the better variant, ``both_good`` or ``both_bad`` (with texts: ``first`` or ``second``
    for the better one); for one answer its value, and ``variant`` names which answer of the row.
    """

    answer: str
    unit: str | None = None
    variant: str | None = None
    prompt_text: Text = ""
    first: Text | None = None
    second: Text | None = None
    text: Text | None = None

    @field_validator("answer", mode="before")
    @classmethod
    def _as_text(cls, answer: object) -> object:
        return str(answer) if isinstance(answer, int | float) and not isinstance(answer, bool) else answer


class Exclusion(_Strict):
    """When a rater's votes leave the result, fixed before anybody rates; None switches a part off.

    ``gold_below`` and ``repeats_below`` are shares that count from ``at_least`` such items on; ``faster_than_s`` is a
    median; ``same_answer_above`` is the share of one key among at least 10 votes.
    """

    gold_below: Share | None = 0.6
    repeats_below: Share | None = None
    faster_than_s: Annotated[float, Field(ge=0)] | None = None
    same_answer_above: Share | None = None
    at_least: Annotated[int, Field(ge=1)] = 4


class SessionSpec(_Strict):
    """One rating session as its owner wrote it. ``overlap`` people rate each item, or only ``overlap_share`` of them.

    ``pairs`` matters from three variants on: every two of them, or each with the control. ``show`` names the columns
    that raters see above the answers (without it: what fills the prompt); ``show_reference`` adds the expected answer.
    ``leaks`` says what happens to answers that name a model or a variant.
    """

    kind: QuestionKind = QuestionKind.PAIRWISE
    question: Annotated[str, Field(max_length=400)] = ""
    metric: str = ""
    instructions: Text = ""
    examples: Annotated[tuple[Illustration, ...], Field(max_length=10)] = ()
    anchors: dict[str, Annotated[str, Field(max_length=120)]] = {}
    categories: tuple[Category, ...] = ()
    reasons: Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=12)] = ()
    comment: bool = True
    rows: RowChoice = RowChoice()
    pairs: Literal["all", "control"] = "all"
    show: tuple[str, ...] | None = None
    show_reference: bool = False
    reference_column: str | None = None
    leaks: Literal["drop", "mask", "keep"] = "drop"
    overlap: Annotated[int, Field(ge=1, le=20)] = 2
    overlap_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    gold: Annotated[tuple[GoldItem, ...], Field(max_length=100)] = ()
    repeats: Annotated[int, Field(ge=0, le=20)] = 2
    quota: Annotated[int, Field(ge=1, le=5000)] | None = None
    raters: Annotated[int, Field(ge=1, le=500)] = 10
    link_days: Annotated[int, Field(ge=1, le=365)] = 14
    ask_name: bool = False
    close_when_full: bool = True
    closes_at: datetime | None = None
    exclusion: Exclusion = Exclusion()
    seed: int | None = None

    @field_validator("metric")
    @classmethod
    def _metric_name(cls, metric: str) -> str:
        if metric and not METRIC_NAME.fullmatch(metric):
            raise ValueError(f"{metric!r} is not a metric name: a letter, then letters, digits, '_', '.' or '-'")
        return metric

    @field_validator("closes_at")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a zone, as in 2026-03-31T18:00:00Z")
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> SessionSpec:
        if self.kind is QuestionKind.CATEGORIES:
            values = [c.value for c in self.categories]
            if not 2 <= len(values) <= MOST_CHOICES or len(set(values)) != len(values):
                raise ValueError(f"'categories' needs 2 to {MOST_CHOICES} different values")
        elif self.categories:
            raise ValueError("'categories' belong to the kind 'categories'")
        if self.anchors and self.kind is not QuestionKind.SCALE:
            raise ValueError("'anchors' belong to the kind 'scale'")
        if set(self.anchors) - {str(n) for n in range(1, 6)}:
            raise ValueError("'anchors' are words for 1 to 5")
        for gold in self.gold:
            self._check_gold(gold)
        return self

    def _check_gold(self, gold: GoldItem) -> None:
        pair = self.kind is QuestionKind.PAIRWISE
        by_hand = gold.unit is None
        if by_hand and pair and (gold.first is None or gold.second is None):
            raise ValueError("a gold item needs 'unit', or 'first' and 'second'")
        if by_hand and not pair and gold.text is None:
            raise ValueError("a gold item needs 'unit' and 'variant', or 'text'")
        if not by_hand and not pair and gold.variant is None:
            raise ValueError("a gold item of one answer needs 'variant'")
        if pair:
            known = {"first", "second", "both_good", "both_bad"} if by_hand else None
        else:
            known = {choice.value for choice in self.choices()}
        if known is not None and gold.answer not in known:
            raise ValueError(f"the gold answer {gold.answer!r} is none of {', '.join(sorted(known))}")

    def metric_name(self) -> str:
        """Name of the metric in the analysis."""
        return self.metric or DEFAULT_METRIC[self.kind]

    def definition(self) -> MetricDefinition:
        """What the metric's numbers are."""
        return definition_of(self.metric_name(), self.kind, [c.score for c in self.categories])

    def question_text(self) -> str:
        """The question as raters read it."""
        return self.question or DEFAULT_QUESTION[self.kind]

    def choices(self) -> tuple[Choice, ...]:
        """The answers a rater can give, in the order of their keys."""
        if self.kind is QuestionKind.PAIRWISE:
            return PAIR_CHOICES
        if self.kind is QuestionKind.SCALE:
            return keyed((str(n), self.anchors.get(str(n), str(n)), float(n)) for n in range(1, 6))
        if self.kind is QuestionKind.THUMBS:
            return keyed((("up", "Good", 1.0), ("down", "Not good", 0.0)))
        return keyed((c.value, c.label or c.value, c.score) for c in self.categories)

    @property
    def pairwise(self) -> bool:
        """Whether two answers are shown."""
        return self.kind is QuestionKind.PAIRWISE


def parse_session(text: str, *, source: str = "the session file") -> SessionSpec:
    """The session that a YAML (or JSON) text describes.

    Raises:
        BakeoffError: ``bad_yaml``, ``unknown_key`` or ``invalid_value``, with the line.
    """
    return parse_model(SessionSpec, text or "{}", source=source)


def session_from(values: dict[str, Any]) -> SessionSpec:
    """The session of plain values, as a form gives them. Raises BakeoffError ``invalid_value``, naming the field."""
    try:
        return SessionSpec.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the session"
        message = problem["msg"].removeprefix("Value error, ")
        raise BakeoffError("invalid_value", f"{where}: {message}.".replace("..", ".")) from None
