"""How easy the output reads."""

from __future__ import annotations

import re

from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.scoring.words import sentences
from experiments.vocabulary import MetricKind, Score

_ENGLISH_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT_E = re.compile(
    r"(?:(?:[^aeiouyl]|[aeiouy]l)e|(?:[^aeiouylscxzgh]|[aeiouy]l|th)es|(?:[^aeiouytdl]|[aeiouyl]l)ed)$"
)
_SPLIT_VOWELS = re.compile(r"ia(?![lg])|(?<![ctsg])io(?!n)|[yei]ing|uie|scien|thm$|sm$")
_LONGEST_WORD = 60


@scorer(kind=MetricKind.SCORE, unit="score", example={"threshold": 60})
def readability(ctx: ScoringContext) -> Score:
    """Flesch reading ease of an English text: 90 is very easy, 60 plain, 30 hard; it may leave 0 to 100 at the ends.

    Syllables are counted by a rule that is right for 90 % of the words of the CMU Pronouncing Dictionary and 98 % of
    the words of running text. Compare variants with it rather than reading the number by itself. An output without an
    English word gives no score.

    Source: Flesch 1948, "A new readability yardstick": 206.835 - 1.015 words/sentences - 84.6 syllables/words.
    """
    found = _ENGLISH_WORD.findall(ctx.output.lower())
    if not found:
        return Score(None, "no English word to measure")
    n_sentences = max(1, len(sentences(ctx.output)))
    n_syllables = sum(map(syllables, found))
    return Score(206.835 - 1.015 * len(found) / n_sentences - 84.6 * n_syllables / len(found))


def syllables(word: str) -> int:
    """Syllables of a lower-case English word by rule, at least 1: groups of vowels, less a silent e."""
    word = word[:_LONGEST_WORD]
    groups = len(_VOWELS.findall(word)) + len(_SPLIT_VOWELS.findall(word))
    return max(1, groups - (1 if _SILENT_E.search(word) else 0))
