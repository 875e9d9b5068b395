"""The model declined to answer."""

from __future__ import annotations

from experiments.refusals import looks_like_refusal
from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.vocabulary import Direction, MetricKind, ResponseClass, Score

_TOLD_BY_PROVIDER = {
    ResponseClass.REFUSAL: "the provider reports a refusal",
    ResponseClass.CONTENT_FILTER: "the provider's content filter stopped it",
}


@scorer(kind=MetricKind.BINARY, direction=Direction.LOWER)
def refusal(ctx: ScoringContext) -> Score:
    """1 when the model declined: the provider says so, or the output opens with the likes of "I can't help with that".

    Phrases are known in English, German, French, Spanish, Italian, Portuguese, Dutch, Russian, Japanese, Chinese and
    Korean.
    """
    told = _TOLD_BY_PROVIDER.get(ctx.response_class)
    if told is not None:
        return Score(1.0, told)
    return Score(1.0, "opens like a refusal") if looks_like_refusal(ctx.output) else Score(0.0)
