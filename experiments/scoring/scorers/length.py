"""The output is neither too short nor too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.reasons import count
from experiments.scoring.registry import scorer
from experiments.scoring.words import sentences, words
from experiments.vocabulary import MetricKind, Score

_UNITS = ("characters", "words", "sentences")
Bound = Annotated[int, Field(ge=0)] | None


def _sensible_bounds(options: Mapping[str, Any]) -> None:
    if all(options[name] is None for name in options):
        raise ValueError(f"give at least one bound, such as max_words; there are {', '.join(options)}")
    for unit in _UNITS:
        low, high = options[f"min_{unit}"], options[f"max_{unit}"]
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_{unit} is larger than max_{unit}")


@scorer(kind=MetricKind.BINARY, check=_sensible_bounds, example={"min_words": 20, "max_words": 120})
def length(
    ctx: ScoringContext,
    *,
    min_characters: Bound = None,
    max_characters: Bound = None,
    min_words: Bound = None,
    max_words: Bound = None,
    min_sentences: Bound = None,
    max_sentences: Bound = None,
) -> Score:
    """1 when the output keeps all given bounds, which are included. Outer spaces do not count.

    A Chinese or Japanese character counts as a word.

    Options:
        min_characters: Fewest characters.
        max_characters: Most characters.
        min_words: Fewest words.
        max_words: Most words.
        min_sentences: Fewest sentences.
        max_sentences: Most sentences.
    """
    text = ctx.output.strip()
    bounds = (
        ("character", min_characters, max_characters, len),
        ("word", min_words, max_words, lambda t: len(words(t))),
        ("sentence", min_sentences, max_sentences, lambda t: len(sentences(t))),
    )
    for unit, low, high, size in bounds:
        if low is None and high is None:
            continue
        found = size(text)
        if low is not None and found < low:
            return Score(0.0, f"{count(found, unit)}; at least {low:,} wanted")
        if high is not None and found > high:
            return Score(0.0, f"{count(found, unit)}; at most {high:,} allowed")
    return Score(1.0)
