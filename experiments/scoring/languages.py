"""Which language a text is written in: by script, and for Latin letters by its function words."""

from __future__ import annotations

import re
from collections import Counter

from experiments.scoring.function_words import FUNCTION_WORDS
from experiments.scoring.word_lists import word_list

READ_CHARACTERS = 20_000
_LEAST_SHARE = 0.1
_LEAST_POINTS = 1.5
_WORD = re.compile(r"[^\W\d_]+")

_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("latin", "A-Za-zÀ-ɏḀ-ỿ"),
    ("cyrillic", "Ѐ-ԯ"),
    ("el", "Ͱ-Ͽἀ-῿"),
    ("arabic", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff"),
    ("he", "\u0590-\u05ff"),
    ("hi", "\u0900-\u097f"),
    ("bn", "\u0980-\u09ff"),
    ("pa", "\u0a00-\u0a7f"),
    ("gu", "\u0a80-\u0aff"),
    ("ta", "\u0b80-\u0bff"),
    ("te", "\u0c00-\u0c7f"),
    ("kn", "\u0c80-\u0cff"),
    ("ml", "\u0d00-\u0d7f"),
    ("th", "\u0e00-\u0e7f"),
    ("ka", "\u10a0-\u10ff"),
    ("hy", "\u0530-\u058f"),
    ("ko", "\u1100-\u11ff\uac00-\ud7af"),
    ("kana", "\u3040-\u30ff"),
    ("han", "\u3400-\u4dbf\u4e00-\u9fff"),
)
_SCRIPT_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS}

_TELLING_LETTERS = {
    "de": "ß",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "fr": "œçêèë",
    "pl": "łąęśźżćń",
    "cs": "řůěšč",
    "ro": "șțăţş",
    "hu": "őű",
    "tr": "ğış",
    "sv": "äå",
    "da": "æøå",
    "no": "æøå",
    "fi": "äö",
    "vi": "ơưđạảấầẩậắằặẹẻẽếềểệỉịọỏốồổộớờởợụủứừửựỳỵỷỹ",
}
_BY_LETTERS = {
    "cyrillic": (("be", "ў"), ("uk", "іїєґ"), ("sr", "ђћљњџј"), ("ru", "ыэё")),
    "arabic": (("ur", "ٹڈڑےں"), ("fa", "پچژگی")),
}
"""Script → (language, letters that only it has), to be tried in this order."""
_BULGARIAN_WORDS = word_list("да се са от за ще че ли си във със като както този тази които му им бъде може към")
_RUSSIAN_WORDS = word_list("что как это для или они мы его при если из по от за уже так быть может к у же то но")

LANGUAGES = frozenset(
    {*FUNCTION_WORDS, "zh", "ja", "ar", "bg"}
    | {code for some in _BY_LETTERS.values() for code, _ in some}
    | {name for name, _ in _SCRIPTS if len(name) == 2}
)
"""Codes (ISO 639-1) of the languages that can be told."""


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of the language most of the text is in, or None when that cannot be told.

    Only the first 20,000 characters count. Latin script needs about five words of running text; close relatives
    (Danish and Norwegian, Czech and Slovak, Indonesian and Malay) may be taken for one another.
    """
    text = text[:READ_CHARACTERS]
    letters = Counter({name: len(pattern.findall(text)) for name, pattern in _SCRIPT_LETTERS.items()})
    script, n = letters.most_common(1)[0]
    if n == 0:
        return None
    if script in ("han", "kana"):
        return "ja" if letters["kana"] * 10 > letters["han"] else "zh"
    if script == "latin":
        return _latin_language(text.lower())
    if script in _BY_LETTERS:
        return _by_letters(script, text.lower())
    return script


def _latin_language(text: str) -> str | None:
    found = _WORD.findall(text)
    times = Counter(found)
    points = {code: _points(code, known, times, text) for code, known in FUNCTION_WORDS.items()}
    [(code, most), (_, second)] = sorted(points.items(), key=lambda item: -item[1])[:2]
    return None if most < max(_LEAST_POINTS, _LEAST_SHARE * len(found)) or most == second else code


def _points(code: str, known: frozenset[str], times: Counter[str], text: str) -> float:
    """One for each function word and half for each telling letter; single letters (variables, lists) count little."""
    words = sum(times[word] * (1.0 if len(word) > 1 else 0.3) for word in known if word in times)
    return words + 0.5 * sum(text.count(letter) for letter in _TELLING_LETTERS.get(code, ""))


def _by_letters(script: str, text: str) -> str:
    for code, letters in _BY_LETTERS[script]:
        if any(letter in text for letter in letters):
            return code
    if script == "arabic":
        return "ar"
    found = _WORD.findall(text)
    bulgarian = sum(word in _BULGARIAN_WORDS or "ъ" in word for word in found)
    return "bg" if bulgarian > sum(word in _RUSSIAN_WORDS for word in found) else "ru"
