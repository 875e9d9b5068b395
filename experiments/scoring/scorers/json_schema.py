"""The output fits a JSON schema."""

from __future__ import annotations

from experiments.scoring.context import ScoringContext
from experiments.scoring.json_text import NotJson, parse_json
from experiments.scoring.patterns import PatternTooSlow
from experiments.scoring.reasons import one_line
from experiments.scoring.registry import scorer
from experiments.scoring.schemas import Schema
from experiments.vocabulary import MetricKind, Score

_EXAMPLE = {"type": "object", "required": ["intent"], "properties": {"intent": {"enum": ["billing", "bug", "other"]}}}


@scorer(kind=MetricKind.BINARY, example={"schema": _EXAMPLE})
def json_schema(ctx: ScoringContext, *, schema: Schema, allow_fence: bool = False) -> Score:
    """1 when the output is JSON that fits the schema; the reason names the place of the first violation.

    Drafts 3 to 2020-12, as ``$schema`` says (default: 2020-12). ``$ref`` may point inside the schema only; formats
    are not checked.

    Options:
        schema: The JSON schema.
        allow_fence: Accept JSON inside one ``` code fence.
    """
    try:
        violation = schema.first_violation(parse_json(ctx.output, allow_fence=allow_fence))
    except NotJson as error:
        return Score(0.0, str(error))
    except PatternTooSlow as error:
        return Score(None, str(error))
    return Score(1.0) if violation is None else Score(0.0, one_line(violation))
