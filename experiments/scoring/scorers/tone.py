"""The output has a tone, or keeps clear of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.reasons import quote_some
from experiments.scoring.registry import scorer
from experiments.scoring.tone_words import TONES
from experiments.vocabulary import MetricKind, Score

_STRAIGHT = str.maketrans({"’": "'", "‘": "'"})


@scorer(kind=MetricKind.BINARY, main="has", example={"has": "pushy", "negate": True})
def tone(
    ctx: ScoringContext,
    *,
    has: Literal["polite", "warm", "apologetic", "hedging", "pushy", "dismissive"],
    at_least: Annotated[int, Field(ge=1)] = 1,
    negate: bool = False,
) -> Score:
    """1 when an English output holds words of a tone, counted by a short list of words and phrases.

    A rule, not an ear: it tells "please" and "act now", not irony. For more, use a judge.

    Options:
        has: The tone.
        at_least: How many such words make the tone.
        negate: 1 when the output keeps clear of it instead.
    """
    found = [match.group() for match in TONES[has].finditer(ctx.output.translate(_STRAIGHT).lower())]
    present = len(found) >= at_least
    if present != negate:
        return Score(1.0)
    return Score(
        0.0, f"sounds {has}: {quote_some(list(dict.fromkeys(found)))}" if negate else f"{len(found)} {has} words"
    )
