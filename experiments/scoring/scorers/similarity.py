"""How alike output and reference are, character by character."""

from __future__ import annotations

from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

LONGEST_BY_CHARACTER = 20_000


@scorer(kind=MetricKind.SCORE, version="2", any_answer=True, needs={"reference"}, example={"threshold": 0.8})
def similarity(ctx: ScoringContext, *, ignore_case: bool = False, ignore_word_order: bool = False) -> Score:
    """0 to 1: twice the characters that output and reference share in order, as a share of both lengths.

    1 is the same text, outer spaces aside. When either has over 20,000 characters, words are compared in place of
    characters.

    Options:
        ignore_case: Treat A and a as the same letter.
        ignore_word_order: Sort the words of both first.

    Source: normalised insertion-deletion similarity, 1 - d/(m+n) = 2 LCS/(m+n); rapidfuzz ``Indel``.
    """
    from rapidfuzz.distance import Indel

    assert ctx.reference is not None
    output, reference = ctx.output.strip(), ctx.reference.strip()
    if ignore_case:
        output, reference = output.casefold(), reference.casefold()
    if ignore_word_order:
        output, reference = " ".join(sorted(output.split())), " ".join(sorted(reference.split()))
    if max(len(output), len(reference)) > LONGEST_BY_CHARACTER:
        return Score(Indel.normalized_similarity(output.split(), reference.split()))
    return Score(Indel.normalized_similarity(output, reference))
