"""The experiment file: YAML text → ``ExperimentSpec``, with errors that name the line and the nearest known key."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from experiments.plans.plan import MetricDefinition, Plan
from experiments.ratings.questions import METRIC_NAME, definition_of
from experiments.strict_yaml import parse_model
from experiments.value_ranges import range_of
from experiments.vocabulary import MetricKind, QuestionKind

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,119}$")
MOST_DOLLARS = 1e9
MOST_PER_MILLION = 1e9
"""No budget and no price is larger; beyond, sums of money would overflow or lose cents."""
PROMPT_REFERENCE = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)@(?P<at>[A-Za-z0-9][A-Za-z0-9._/-]*)$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MessageSpec(_Strict):
    """One message of a chat prompt."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


class VariantSpec(_Strict):
    """One arm: an inline text or chat prompt, or a reference ``name@version`` / ``name@label``.

    A reference brings the model and parameters of that version unless they are given here. ``imported`` arms
    have neither: their answers come from ``bakeoff import outputs``.
    """

    name: str
    imported: bool = False
    prompt: str | None = None
    messages: tuple[MessageSpec, ...] | None = None
    model: str | None = None
    parameters: dict[str, Any] = {}

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        return plain_name(name)

    @model_validator(mode="after")
    def _one_prompt(self) -> VariantSpec:
        if self.imported:
            if self.prompt is not None or self.messages is not None:
                raise ValueError(f"variant {self.name!r} is imported, so it has no prompt here")
            return self
        if (self.prompt is None) == (self.messages is None):
            raise ValueError(f"variant {self.name!r} needs either 'prompt' or 'messages'")
        if self.messages is not None and not self.messages:
            raise ValueError(f"variant {self.name!r} has no messages")
        if self.model is None and self.reference() is None:
            raise ValueError(f"variant {self.name!r} needs a 'model'")
        return self

    def reference(self) -> tuple[str, str] | None:
        """(prompt name, version or label) when the prompt is a reference, else None."""
        match = PROMPT_REFERENCE.fullmatch(self.prompt or "")
        return (match["name"], match["at"]) if match else None


DollarsPerMillion = Annotated[float, Field(ge=0, le=MOST_PER_MILLION)]
Dollars = Annotated[float, Field(ge=0, le=MOST_DOLLARS)]


class PriceSpec(_Strict):
    """Price of a model in US dollars per million tokens.

    Without ``cached_input_per_million`` cached prompt tokens count as others, and the cost of such a call is estimated.
    """

    input_per_million: DollarsPerMillion
    output_per_million: DollarsPerMillion
    cached_input_per_million: DollarsPerMillion | None = None


class Limits(_Strict):
    """What a run may use. ``deadline_s`` is wall time of one attempt, ``attempts`` the most per item.

    ``budget_usd`` holds for everything that the run pays, ``judge_budget_usd`` for its judges alone.
    """

    budget_usd: Dollars | None = None
    judge_budget_usd: Dollars | None = None
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16
    deadline_s: Annotated[float, Field(gt=0, le=3600)] = 60
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    cache: bool = True


ADJUSTABLE = ("score", "binary", "ratio")
ACTIVITY = "activity"
"""In ``before_with``: how often a unit reported before."""


class OutcomeSpec(_Strict):
    """A later event that applications report for a unit.

    With ``before_days`` the outcome is adjusted for what the unit reported before: from so many days before the phase
    began until its first exposure. A score is adjusted for the unit's earlier mean (or total), yes/no and ratios for
    its earlier total and denominator. ``before_with`` adds further values from before: the earlier mean of other
    outcomes of the test, and ``activity``, the number of earlier reports. ``range`` are the lowest and the highest
    value that count; others are refused.
    """

    metric: str
    kind: Literal["binary", "score", "ordinal", "ratio", "cost", "latency"] = "binary"
    direction: Literal["higher", "lower"] = "higher"
    missing: Literal["exclude", "zero"] = "exclude"
    before_days: Annotated[float, Field(gt=0, le=365)] | None = None
    before_with: Annotated[tuple[str, ...], Field(max_length=4)] = ()
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _range_is_one(self) -> OutcomeSpec:
        if self.range is None:
            return self
        widest = range_of(MetricKind(self.kind))
        lowest, highest = self.range
        if self.kind == "binary" or not (lowest < highest and widest.holds(lowest) and widest.holds(highest)):
            raise ValueError(
                f"'range' of {self.metric!r} is [lowest, highest] within {widest}; a binary outcome is 0 or 1 anyway"
            )
        return self

    @model_validator(mode="after")
    def _adjusted_where_means_are(self) -> OutcomeSpec:
        if self.before_days is not None and self.kind not in ADJUSTABLE:
            raise ValueError(
                f"'before_days' is for outcomes of the kinds {', '.join(ADJUSTABLE)}; {self.metric!r} is {self.kind!r}"
            )
        if self.before_with and self.before_days is None:
            raise ValueError(f"'before_with' of {self.metric!r} needs 'before_days'")
        if self.metric in self.before_with or len(set(self.before_with)) != len(self.before_with):
            raise ValueError(f"'before_with' of {self.metric!r} names each other value from before once")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Left out where nobody asked: the hash of a design that was locked before this key existed stays as it was.
        values: dict[str, Any] = written(self)
        return {k: v for k, v in values.items() if v or k not in ("before_days", "before_with", "range")}


class ShadowSpec(_Strict):
    """Challengers that answer in the background on a share (per cent) of the requests that are not enrolled."""

    share: Annotated[float, Field(gt=0, le=100)] = 5
    budget_usd: Annotated[float, Field(gt=0, le=MOST_DOLLARS)] = 1
    variants: tuple[str, ...] = ()


class RatingMetric(_Strict):
    """A metric that people will give in a rating session; with it here, the plan may name it before anybody rates.

    Categories whose scores are only 0 and 1 are ``yes_or_no``.
    """

    metric: Annotated[str, Field(pattern=METRIC_NAME.pattern)]
    kind: QuestionKind = QuestionKind.PAIRWISE
    yes_or_no: bool = False

    def definition(self) -> MetricDefinition:
        """What the metric's numbers are."""
        return definition_of(self.metric, self.kind, (0.0, 1.0) if self.yes_or_no else ())


class LiveSpec(_Strict):
    """The ``live:`` section: who takes part and how units are split (per cent).

    Tests of one ``layer`` exclude each other; a test without one excludes nobody. ``holdout`` is the share of the
    layer that no test enrols, ``forced`` are testers and what they meet, ``score_share`` the share of answers that
    automatic scorers judge.
    """

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,119}$")]
    split: dict[str, Annotated[float, Field(ge=0, le=100)]]
    enrol: Annotated[float, Field(ge=0, le=100)] = 100
    unit: str = "user"
    layer: Annotated[str, Field(max_length=120)] = ""
    holdout: Annotated[float, Field(ge=0, le=50)] = 0
    targeting: dict[str, list[str | int | float | bool]] = {}
    forced: dict[str, str] = {}
    outcomes: tuple[OutcomeSpec, ...] = ()
    score_share: Annotated[float, Field(ge=0, le=100)] = 10
    shadow: ShadowSpec | None = None
    on_error: Literal["control", "fail"] = "control"
    minimum_days: Annotated[float, Field(ge=0, le=90)] = 7

    @model_validator(mode="after")
    def _known_variants(self) -> LiveSpec:
        if not any(self.split.values()):
            raise ValueError("live.split gives nobody a share")
        named = {*self.forced.values(), *(self.shadow.variants if self.shadow else ())}
        unknown = sorted(named - set(self.split))
        if unknown:
            raise ValueError(f"live names {unknown[0]!r}, which is no variant of the split")
        metrics = [outcome.metric for outcome in self.outcomes]
        if len(set(metrics)) != len(metrics):
            raise ValueError("live.outcomes names a metric twice")
        beside = {name for outcome in self.outcomes for name in outcome.before_with} - {*metrics, ACTIVITY}
        if beside:
            raise ValueError(f"'before_with' names {min(beside)!r}, which is no outcome of this test")
        return self


ScorerEntry = str | dict[str, Any]


class ExperimentSpec(_Strict):
    """One experiment as its author wrote it; ``variants[0]`` is the control unless ``control`` names another.

    ``score_thinking``: reasoning that a model writes out before its answer (``<think>…</think>``) is scored and judged
    with it, instead of being left out. ``as_written``: the prompts are meant as they are, with text that looks like a
    hole of another tool, or as one and the same request for every row.
    """

    name: str
    hypothesis: str = ""
    dataset: str | None = None
    inputs: dict[str, str] = {}
    reference: str | None = None
    unit: str | None = None
    cluster: str | None = None
    slices: tuple[str, ...] = ()
    control: str | None = None
    promotes: str | None = None
    variants: Annotated[tuple[VariantSpec, ...], Field(min_length=2, max_length=26)]
    as_written: bool = False
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    scorers: tuple[ScorerEntry, ...] = ()
    ratings: tuple[RatingMetric, ...] = ()
    plan: Plan
    prices: dict[str, PriceSpec] = {}
    limits: Limits = Limits()
    score_thinking: bool = False
    live: LiveSpec | None = None

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        return plain_name(name)

    @model_validator(mode="after")
    def _consistent(self) -> ExperimentSpec:
        names = [v.name for v in self.variants]
        if len(set(names)) != len(names):
            raise ValueError("two variants have the same name")
        if self.control is not None and self.control not in names:
            raise ValueError(f"control {self.control!r} is not one of the variants {', '.join(names)}")
        if self.dataset is None and self.live is None:
            raise ValueError("'dataset' is missing; only a live experiment needs none")
        if self.live is not None and set(self.live.split) != set(names):
            raise ValueError("live.split must name each variant once")
        return self

    def control_name(self) -> str:
        """Name of the control."""
        return self.control or self.variants[0].name

    def ordered_variants(self) -> tuple[VariantSpec, ...]:
        """The control first, then the challengers as written."""
        control = self.control_name()
        return tuple(sorted(self.variants, key=lambda v: v.name != control))


def plain_name(name: str) -> str:
    """The name itself. Raises ValueError unless it is 1 to 120 letters, digits, spaces, dots, dashes."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a plain name: use letters, digits, spaces, dots and dashes")
    return name


def parse_experiment(text: str, *, source: str = "the experiment file") -> ExperimentSpec:
    """The experiment that a YAML (or JSON) text describes.

    Raises:
        BakeoffError: ``bad_yaml``, ``unknown_key`` or ``invalid_value``, with the line.
    """
    return parse_model(ExperimentSpec, text, source=source)


def parse_plan(text: str, *, source: str = "the plan file") -> Plan:
    """The plan that a YAML text describes; errors as in ``parse_experiment``."""
    return parse_model(Plan, text, source=source)
