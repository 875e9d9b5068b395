r"""The number on which a worked solution ends: in ``\boxed{}``, after ``####``, after "answer is", or the last."""

from __future__ import annotations

import re

from experiments.scoring.numerals import Numeral, first_numeral, numerals

_ANSWER_MARK = re.compile(
    r"^[ \t*_#>]{0,9}(?:a|ans)[ *_]{0,4}[:：]"
    r"|\b(?:answer|antwort|réponse|respuesta|risposta|resposta|antwoord|ответ)\b[\s*_`]{0,9}"
    r"(?:\b(?:is|ist|est|es|é|è)\b|[:：=])[:：=]?"
    r"|(?:答案|答え|정답)\s?(?:是|は|은|[:：=])",
    re.IGNORECASE | re.MULTILINE,
)
_LEADING_EXPRESSION = re.compile(r"^(?:[\d\s.,+\-−–*/×÷·()$€£%x^<>=:\\{}]|of\b|times\b|cdot\b)*=")
_BOX = "\\boxed{"
_SEGMENT_CHARACTERS = 400
_TAIL_CHARACTERS = 4000
_LONGEST_NUMERAL = 1000


def final_numeral(text: str) -> Numeral | None:
    r"""The number that a text gives as its answer, or None.

    In this order: inside the last ``\boxed{}``, after the last ``####``, after the last "answer is", "Answer:" or
    "A:" at the start of a line, else the last number of the text. In "5 * 3 = 15" it is the 15.
    """
    text = text.replace("{,}", ",").replace("\\,", "\u2009")  # how LaTeX groups thousands
    for segment in (_in_box(text), _after_hashes(text), _after_mark(text)):
        found = _answer_in(segment[:_SEGMENT_CHARACTERS]) if segment else None
        if found is not None:
            return found
    return _last(text)


def _answer_in(segment: str) -> Numeral | None:
    expression = _LEADING_EXPRESSION.match(segment)
    result = first_numeral(segment[expression.end() :]) if expression else None
    return result or first_numeral(segment)


def _in_box(text: str) -> str | None:
    _, mark, content = text.rpartition(_BOX)
    if not mark:
        return None
    depth = 1
    for place, character in enumerate(content[:_SEGMENT_CHARACTERS]):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return content[:place]
    return content


def _after_hashes(text: str) -> str | None:
    _, mark, rest = text.rpartition("####")
    return rest.lstrip("# ").split("\n", 1)[0] if mark else None


def _after_mark(text: str) -> str | None:
    """The rest of the line after the last answer mark, or one of the next two when that one holds no number."""
    last = None
    for match in _ANSWER_MARK.finditer(text):
        last = match
    if last is None:
        return None
    lines = text[last.end() : last.end() + _SEGMENT_CHARACTERS].lstrip().split("\n")
    return next((line for line in lines[:3] if first_numeral(line)), None)


def _last(text: str) -> Numeral | None:
    """The last number; only the end of a long text is read when it holds one that cannot have begun before it."""
    for start in dict.fromkeys((max(0, len(text) - _TAIL_CHARACTERS), 0)):
        found = list(numerals(text, start))
        if found and (start == 0 or found[-1][0] > start + _LONGEST_NUMERAL):
            return found[-1][1]
    return None
