"""The output is JSON."""

from __future__ import annotations

from typing import Literal

from experiments.scoring.context import ScoringContext
from experiments.scoring.json_text import NotJson, parse_json
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

_KINDS = {"object": dict, "array": list}


@scorer(kind=MetricKind.BINARY, main="allow_fence", example={"allow_fence": True, "top_level": "object"})
def json_valid(
    ctx: ScoringContext, *, allow_fence: bool = False, top_level: Literal["any", "object", "array"] = "any"
) -> Score:
    """1 when the whole output is valid JSON, as a strict parser reads it: no comments, no NaN, nothing around it.

    Options:
        allow_fence: Accept JSON inside one ``` code fence.
        top_level: What the outermost value must be.
    """
    try:
        value = parse_json(ctx.output, allow_fence=allow_fence)
    except NotJson as error:
        return Score(0.0, str(error))
    if top_level != "any" and not isinstance(value, _KINDS[top_level]):
        return Score(0.0, f"the outermost value is not an {top_level}")
    return Score(1.0)
