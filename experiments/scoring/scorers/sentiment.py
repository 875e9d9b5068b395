"""Whether an English text sounds positive or negative."""

from __future__ import annotations

import re

from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.scoring.tone_words import NEGATIONS, NEGATIVE_WORDS, POSITIVE_WORDS
from experiments.vocabulary import MetricKind, Score

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_REACH = 3
_STRAIGHT = str.maketrans({"’": "'", "‘": "'"})


@scorer(kind=MetricKind.SCORE, unit="score", example={"threshold": 0})
def sentiment(ctx: ScoringContext) -> Score:
    """-1 to 1: positive less negative words of an English output, as a share of both; 0 when there are none.

    About 260 words of customer-facing language; "not", "never" and the like turn a word round that follows within
    three words. A rule, not an ear: for irony or other languages use a judge. No word at all gives no score.
    """
    words = _WORD.findall(ctx.output.translate(_STRAIGHT).lower())
    if not words:
        return Score(None, "no English word to measure")
    positive = negative = 0
    last_negation = -_REACH - 1
    for place, word in enumerate(words):
        if word in NEGATIONS:
            last_negation = place
            continue
        good, bad = word in POSITIVE_WORDS, word in NEGATIVE_WORDS
        if place - last_negation <= _REACH:
            good, bad = bad, good
        positive += good
        negative += bad
    total = positive + negative
    return Score((positive - negative) / total if total else 0.0, details={"positive": positive, "negative": negative})
