"""BLEU of one output against one reference."""

from __future__ import annotations

import math
import re

from experiments.scoring.context import ScoringContext
from experiments.scoring.overlap import LONGEST_TEXT, TOO_LONG, ngrams, shared
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

LONGEST_RUN = 4
_SYMBOL = re.compile(r"([{-~\[-` -&(-+:-@/])")
_MARK_AFTER_OTHER = re.compile(r"([^0-9])([.,])")
_MARK_BEFORE_OTHER = re.compile(r"([.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}


@scorer(
    kind=MetricKind.SCORE,
    version="2",
    any_answer=True,
    needs={"reference"},
    main="ignore_case",
    example={"threshold": 0.3},
)
def bleu(ctx: ScoringContext, *, ignore_case: bool = False) -> Score:
    """0 to 1: sentence BLEU up to word 4-grams, as sacrebleu's ``sentence_bleu`` computes it (there on 0 to 100).

    Tokenised as mteval-v13a, exponential smoothing, orders longer than the output left out. Made for corpora: on
    single short texts it is coarse; there, and for scripts without spaces, use chrf. No score above 200,000 characters.

    Options:
        ignore_case: Treat A and a as the same letter.

    Source: Papineni, Roukos, Ward, Zhu 2002, section 2.3; smoothing: Chen, Cherry 2014, method 3.
    """
    assert ctx.reference is not None
    if max(len(ctx.output), len(ctx.reference)) > LONGEST_TEXT:
        return Score(None, TOO_LONG)
    output, reference = tokens_13a(ctx.output, lower=ignore_case), tokens_13a(ctx.reference, lower=ignore_case)
    logs: list[float] = []
    halving = 1.0
    for n in range(1, LONGEST_RUN + 1):
        grams = ngrams(output, n)
        if not grams:
            break
        matching = shared(grams, ngrams(reference, n))
        if matching == 0:
            if n == 1:
                return Score(0.0, "no word in common")
            halving /= 2
        logs.append(math.log((matching or halving) / grams.total()))
    if not logs:
        return Score(0.0, "the output has no words")
    brevity = min(0.0, 1 - len(reference) / len(output))
    return Score(math.exp(brevity + sum(logs) / len(logs)))


def tokens_13a(text: str, *, lower: bool = False) -> list[str]:
    """Words and marks as the mteval-v13a script cuts them, which published BLEU scores rest on."""
    text = (text.lower() if lower else text).rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    text = _SYMBOL.sub(r" \1 ", f" {text} ")
    text = _MARK_AFTER_OTHER.sub(r"\1 \2 ", text)
    text = _MARK_BEFORE_OTHER.sub(r" \1 \2", text)
    return _DASH_AFTER_DIGIT.sub(r"\1 \2 ", text).split()
