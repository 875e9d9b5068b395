"""What an author writes under ``judge:``: a rubric, what verdicts there are, which model or models give them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from experiments.errors import BakeoffError, nearest
from experiments.experiment_file import ScorerEntry, plain_name
from experiments.vocabulary import content_hash

JUDGE = "judge"
INSTRUCTIONS_VERSION = "1"
"""Must change with every change of the wording that judges are sent: verdicts of two wordings are not comparable."""
MOST_CHARACTERS = 20_000

Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
Verdict = str | bool | int | float


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ShownVerdict(_Strict):
    """One answer with the verdict that people gave it, shown to the judge as an example."""

    answer: Text
    verdict: Verdict
    reason: str = ""


class JudgeSpec(_Strict):
    """One judge.

    Verdicts are pass or fail, unless ``scale`` is a mapping of numbers to anchors, ``categories`` maps words to their
    values, or ``pairwise`` asks which of two answers is better. ``criteria`` asks several questions in one call, each
    with the same scale. ``models`` is a jury. ``repeats`` asks each model again, which shows how steady it is.
    ``people`` is the metric under which people rate the same thing, the judge's own name unless given. ``check`` is
    the name of the saved quality check that this is.
    """

    name: str = JUDGE
    model: str | None = None
    models: Annotated[tuple[str, ...], Field(max_length=9)] = ()
    rubric: Annotated[str, Field(max_length=MOST_CHARACTERS)] = ""
    scale: Literal["pass_fail"] | dict[int, Text] = "pass_fail"
    categories: dict[str, float] = {}
    criteria: dict[str, Text] = {}
    pairwise: bool = False
    reference: bool = False
    columns: tuple[str, ...] = ()
    examples: Annotated[tuple[ShownVerdict, ...], Field(max_length=20)] = ()
    output: Literal["schema", "json", "text"] = "schema"
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    max_tokens: Annotated[int, Field(ge=16, le=16_000)] = 500
    repeats: Annotated[int, Field(ge=1, le=9)] = 1
    parameters: dict[str, Any] = {}
    people: str | None = None
    check: str | None = None

    @field_validator("name", "people")
    @classmethod
    def _plain(cls, name: str | None) -> str | None:
        return None if name is None else plain_name(name)

    @model_validator(mode="after")
    def _one_question(self) -> JudgeSpec:
        if (self.model is None) == (not self.models):
            raise ValueError("name one 'model', or several under 'models'")
        if len(set(self.models)) != len(self.models):
            raise ValueError("a jury asks each of its 'models' once; use 'repeats' to ask again")
        if not self.rubric.strip() and not self.criteria:
            raise ValueError("say under 'rubric' (or 'criteria') what a good answer is")
        kinds = [self.scale != "pass_fail", bool(self.categories), self.pairwise]
        if sum(kinds) > 1:
            raise ValueError("'scale', 'categories' and 'pairwise' exclude each other")
        if self.pairwise and self.criteria:
            raise ValueError("a pairwise judge has one question; make a judge for each criterion")
        _check_answers(self)
        for criterion in self.criteria:
            plain_name(criterion)
        return self

    @property
    def jury(self) -> tuple[str, ...]:
        """The models that are asked, at least one."""
        return self.models or (self.model or "",)

    @property
    def rated_as(self) -> str:
        """The metric under which people rate the same thing."""
        return self.people or self.name

    def fingerprint(self) -> str:
        """SHA-256 of all that shapes a verdict; neither the name of the metric nor of the check does."""
        content = self.model_dump(mode="json", exclude={"name", "people", "check"})
        return content_hash([JUDGE, INSTRUCTIONS_VERSION, content])


def _check_answers(spec: JudgeSpec) -> None:
    if isinstance(spec.scale, dict) and (len(spec.scale) < 2 or max(map(abs, spec.scale)) > 100):
        raise ValueError("a 'scale' has at least two anchors, like {1: useless, 5: solves it}, up to 100")
    if spec.categories and len(spec.categories) < 2:
        raise ValueError("'categories' needs at least two, each with its value, like {rude: 0, polite: 1}")
    if any(not math.isfinite(value) for value in spec.categories.values()):
        raise ValueError("the value of a category should be a number")
    for word in spec.categories:
        plain_name(word)


def judge_spec(entry: ScorerEntry) -> JudgeSpec:
    """The judge that an entry of ``scorers:`` describes.

    Raises:
        BakeoffError: ``bad_judge`` with what is wrong, and the nearest known key for an unknown one.
    """
    options = entry.get(JUDGE) if isinstance(entry, dict) else None
    if not isinstance(options, Mapping) or (isinstance(entry, dict) and len(entry) != 1):
        raise BakeoffError(
            "bad_judge",
            "A judge needs its options by name.",
            "Write it as 'judge: {name: helpful, model: …, rubric: …}'.",
        )
    unknown = next((key for key in options if key not in JudgeSpec.model_fields), None)
    if unknown is not None:
        hint = nearest(str(unknown), list(JudgeSpec.model_fields))
        raise BakeoffError("bad_judge", f"A judge has no option '{str(unknown)[:60]}'.", hint)
    try:
        return JudgeSpec.model_validate(options)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"] if not str(part).startswith(("dict[", "literal[")))
        message = problem["msg"].removeprefix("Value error, ")
        named = f" '{where}':" if where else ""
        raise BakeoffError("bad_judge", f"The judge{_called(options)}{named} {message}.".replace("..", ".")) from None


def _called(options: Mapping[str, Any]) -> str:
    name = options.get("name")
    return f" '{name[:60]}'" if isinstance(name, str) else ""
