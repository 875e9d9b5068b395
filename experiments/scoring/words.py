"""Words and sentences of a text in any script; linear in its length."""

from __future__ import annotations

import re

from experiments.scoring.function_words import FUNCTION_WORDS

_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+(?:['’‑-][^\W_{_SPACELESS}]+)*+")
_RUN = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+")
_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？｡]+[」』”]*|\n\s*\n)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|st|sr|jr|vs|etc|e\.g|i\.e|no|approx|inc|ltd|co|bzw|z\.b|u\.a|ca|nr)|\b[a-z]|(?:^|\n)\s*\d{1,3})\.$",
    re.IGNORECASE,
)
_SYMBOLS_ONLY = re.compile(r"[\W_]*")
_LONGEST_ABBREVIATION = 24


def words(text: str) -> list[str]:
    """The words in order, as written. A Chinese or Japanese character is a word; a run of Thai or Lao stays whole."""
    return _WORD.findall(text)


def runs(text: str) -> list[str]:
    """Runs of letters and digits in order, cut at every mark (don't is two); otherwise as ``words``."""
    return _RUN.findall(text)


def sentences(text: str) -> list[str]:
    """The sentences in order, trimmed, without those that hold no letter or digit.

    A sentence ends with . ! ? … before a space, with 。！？, or with an empty line; the dot of a common abbreviation,
    an initial or a list number does not end one.
    """
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        tail = text[max(start, end.start() - _LONGEST_ABBREVIATION) : end.end()]
        if tail.endswith(".") and _ABBREVIATION.search(tail):
            continue
        found.append(text[start : end.end()])
        start = end.end()
    found.append(text[start:])
    return [sentence.strip() for sentence in found if not _SYMBOLS_ONLY.fullmatch(sentence)]


def content_words(text: str) -> list[str]:
    """The words in lower case without the function words (the, of, und, le …) of the known languages."""
    return [word for word in words(text.casefold()) if word not in _ALL_FUNCTION_WORDS]


_ALL_FUNCTION_WORDS = frozenset(word for some in FUNCTION_WORDS.values() for word in some)
