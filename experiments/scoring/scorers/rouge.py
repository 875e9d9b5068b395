"""ROUGE: how much of the reference's wording the output holds."""

from __future__ import annotations

from typing import Literal

from experiments.scoring.context import ScoringContext
from experiments.scoring.overlap import f_measure, ngrams, shared
from experiments.scoring.registry import scorer
from experiments.scoring.words import runs
from experiments.vocabulary import MetricKind, Score


@scorer(
    kind=MetricKind.SCORE,
    version="2",
    any_answer=True,
    needs={"reference"},
    main="variant",
    example={"variant": "rouge_l"},
)
def rouge(
    ctx: ScoringContext,
    *,
    variant: Literal["rouge_1", "rouge_2", "rouge_l"] = "rouge_l",
    measure: Literal["f1", "precision", "recall"] = "f1",
) -> Score:
    """0 to 1: overlap of words (1), word pairs (2) or the longest common subsequence (L) of output and reference.

    Lower-case words without stemming, cut as the original tool does; letters beyond a to z count, which it drops.
    0 when either text has no word (or, for rouge_2, no pair).

    Options:
        variant: What is compared.
        measure: Share of the reference's words found (recall), of the output's words right (precision), or both (f1).

    Source: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", equations 1 to 7 with β = 1.
    """
    assert ctx.reference is not None
    output, reference = runs(ctx.output.lower()), runs(ctx.reference.lower())
    if variant == "rouge_l":
        from rapidfuzz.distance import LCSseq

        in_output, in_reference, both = len(output), len(reference), LCSseq.similarity(output, reference)
    else:
        n = int(variant[-1])
        grams, wanted = ngrams(output, n), ngrams(reference, n)
        in_output, in_reference, both = grams.total(), wanted.total(), shared(grams, wanted)
    precision = both / in_output if in_output else 0.0
    recall = both / in_reference if in_reference else 0.0
    return Score({"precision": precision, "recall": recall, "f1": f_measure(precision, recall)}[measure])
