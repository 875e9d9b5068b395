"""chrF and chrF++ of one output against one reference."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.overlap import LONGEST_TEXT, TOO_LONG, f_measure, ngrams, shared
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

LONGEST_RUN = 6
BETA = 2.0


@scorer(
    kind=MetricKind.SCORE,
    version="2",
    any_answer=True,
    needs={"reference"},
    main="word_order",
    example={"word_order": 2},
)
def chrf(ctx: ScoringContext, *, word_order: Annotated[int, Field(ge=0, le=4)] = 0, ignore_case: bool = False) -> Score:
    """0 to 1: overlap of character runs of length 1 to 6, recall counting twice, as sacrebleu computes it (0 to 100).

    Works in any script and forgives inflected words. Gives no score above 200,000 characters.

    Options:
        word_order: Longest run of words that counts too; 2 makes it chrF++.
        ignore_case: Treat A and a as the same letter.

    Source: Popović 2015, equation 1, averaged over orders before β = 2 is applied; Popović 2017 for words.
    """
    assert ctx.reference is not None
    if max(len(ctx.output), len(ctx.reference)) > LONGEST_TEXT:
        return Score(None, TOO_LONG)
    output, reference = ctx.output, ctx.reference
    if ignore_case:
        output, reference = output.lower(), reference.lower()
    pairs = list(_precision_and_recall(output, reference, word_order))
    if not pairs:
        return Score(0.0, "the output has no characters")
    precision, recall = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    return Score(f_measure(precision, recall, beta=BETA))


def _precision_and_recall(output: str, reference: str, word_order: int) -> Iterator[tuple[float, float]]:
    """One pair for each order in which both texts have a run at all."""
    sequences = [("".join(output.split()), "".join(reference.split()), LONGEST_RUN)]
    if word_order:
        sequences.append((_parted(output), _parted(reference), word_order))  # type: ignore[arg-type]
    for first, second, longest in sequences:
        for n in range(1, longest + 1):
            grams, wanted = ngrams(first, n), ngrams(second, n)
            if grams and wanted:
                matching = shared(grams, wanted)
                yield matching / grams.total(), matching / wanted.total()


def _parted(text: str) -> list[str]:
    """Words with one punctuation mark at the end, or else at the start, cut off as a word of its own."""
    parted: list[str] = []
    for word in text.split():
        if len(word) == 1:
            parted.append(word)
        elif word[-1] in string.punctuation:
            parted += [word[:-1], word[-1]]
        elif word[0] in string.punctuation:
            parted += [word[0], word[1:]]
        else:
            parted.append(word)
    return parted
