"""The output says nothing that the given context does not hold, as far as words can tell."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.reasons import quote
from experiments.scoring.registry import scorer
from experiments.scoring.words import content_words, sentences
from experiments.vocabulary import MetricKind, Score


@scorer(kind=MetricKind.SCORE, main="column", example={"column": "context", "share_of_words": 0.7, "threshold": 0.9})
def grounding(ctx: ScoringContext, *, column: str, share_of_words: Annotated[float, Field(gt=0, le=1)] = 0.6) -> Score:
    """0 to 1: share of the output's sentences whose content words mostly stand in the context.

    Content words are words without the, of, und, le and the like; they are compared as written, without endings taken
    off. A sentence with none (such as "Yes.") is left out. It finds additions, not contradictions: for those use a
    judge.

    Options:
        column: Column of the test set that holds the context.
        share_of_words: Share of a sentence's content words that must stand in the context.
    """
    known = frozenset(content_words(ctx.row[column] or ""))
    grounded = total = 0
    first_loose = ""
    for sentence in sentences(ctx.output):
        content = content_words(sentence)
        if not content:
            continue
        total += 1
        if sum(word in known for word in content) >= share_of_words * len(content):
            grounded += 1
        elif not first_loose:
            first_loose = sentence
    if total == 0:
        return Score(None, "no sentence to check")
    return Score(grounded / total, f"not in the context: {quote(first_loose, 100)}" if first_loose else None)
