"""How near an answer is in meaning to its reference, as an embedding model sees it: a judge of numbers, without words.

It costs money like any judge, so it is paid for, kept and accounted for like one; the verdict is a cosine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError, model_validator

from experiments.errors import BakeoffError, nearest
from experiments.experiment_file import ScorerEntry
from experiments.judges.case import JudgeCase
from experiments.judges.judge import Judge, JudgeCall
from experiments.judges.spec import JudgeSpec
from experiments.judges.verdicts import WHOLE, Finding, Unreadable
from experiments.judges.votes import JudgeVote, no_verdict
from experiments.plans.plan import MetricDefinition
from experiments.scoring.binding import SIMILARITY
from experiments.vectors import cosine, unpacked
from experiments.vocabulary import Direction, MetricKind, Request, Score, content_hash

VERSION = "1"
OPTIONS = ("model", "name", "against", "people")


class SimilaritySpec(JudgeSpec):
    """One embedding model, and what the answer is held against. Of a judge's options it has ``OPTIONS`` only."""

    name: str = SIMILARITY
    reference: bool = True
    against: Literal["reference"] = "reference"

    @model_validator(mode="after")
    def _one_question(self) -> SimilaritySpec:
        if not self.model:
            raise ValueError("name an embedding 'model', like openai/text-embedding-3-small")
        return self

    def fingerprint(self) -> str:
        """SHA-256 of all that shapes a value."""
        return content_hash([SIMILARITY, VERSION, self.model, self.against])


@dataclass(frozen=True, slots=True)
class SimilarityJudge(Judge):
    """Asks for two vectors a case: the answer's, and (as ``swapped``) the reference's, which is paid for once."""

    def calls(self, case: JudgeCase) -> tuple[JudgeCall, ...]:
        """One request per text; equal texts are equal requests, so that the cache knows them."""
        texts = {False: case.answer, True: case.reference or ""}
        return tuple(
            JudgeCall(
                model, swapped, sample, Request(model, ({"role": "user", "content": texts[swapped]},), embeds=True)
            )
            for model, sample, swapped in self.call_keys()
        )

    def call_keys(self) -> tuple[tuple[str, int, bool], ...]:
        """(model, 0, whether it is the reference) of both texts."""
        return tuple((model, 0, swapped) for model in self.spec.jury for swapped in (False, True))

    def lacking(self, case: JudgeCase) -> str | None:
        """Why a case has no value at all: embedding models take no empty text."""
        return "the answer is empty" if not case.answer.strip() else None

    def vote(self, call: JudgeCall, text: str) -> JudgeVote | Unreadable:
        """The vector of one text, kept as it came."""
        if unpacked(text) is None:
            return Unreadable("it is no vector")
        return JudgeVote(call.model, call.swapped, call.sample, {WHOLE: Finding(0.0, text, "")})

    def scores(self, case: JudgeCase, votes: Sequence[JudgeVote], reasons: Sequence[str]) -> dict[str, Score]:  # noqa: ARG002 - asked of all judges
        """The cosine of both vectors. Below 0, which is no nearer than unrelated, counts as 0."""
        found = {vote.swapped: unpacked(vote.findings[WHOLE].word) or () for vote in votes}
        if len(found) < 2:
            reason = reasons[0] if reasons else "a vector is missing"
            return {self.metric: no_verdict(reason, missing=len(reasons))}
        value = cosine(found[False], found[True])
        if value is None:
            return {self.metric: Score(None, "the vectors of the answer and the reference cannot be compared")}
        return {self.metric: Score(max(0.0, value), f"cosine {value:.3f} to the reference", {"cosine": value})}


def bind_similarity(entry: ScorerEntry) -> SimilarityJudge:
    """The judge of a ``semantic_similarity:`` entry. Raises BakeoffError ``bad_judge``."""
    options = entry.get(SIMILARITY) if isinstance(entry, dict) else None
    if not isinstance(options, Mapping) or (isinstance(entry, dict) and len(entry) != 1):
        told = f"'{SIMILARITY}' needs its options by name."
        raise BakeoffError("bad_judge", told, f"Write it as '{SIMILARITY}: {{model: openai/text-embedding-3-small}}'.")
    unknown = next((key for key in options if key not in OPTIONS), None)
    if unknown is not None:
        told = f"'{SIMILARITY}' has no option '{str(unknown)[:60]}'."
        raise BakeoffError("bad_judge", told, nearest(str(unknown), OPTIONS))
    try:
        spec = SimilaritySpec.model_validate(options)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = "".join(f" '{part}':" for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        raise BakeoffError("bad_judge", f"'{SIMILARITY}':{where} {message}.") from None
    metric = MetricDefinition(spec.name, MetricKind.SCORE, Direction.HIGHER, "score")
    return SimilarityJudge(spec, entry, (metric,), spec.fingerprint(), VERSION)
