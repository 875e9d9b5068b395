"""Labels as models write them: cleaned for comparison, and cut out of lists."""

from __future__ import annotations

import re
from collections.abc import Iterable

from experiments.scoring.json_text import NotJson, parse_json

_PREFIX = re.compile(
    r"^(?:the )?(?:final )?"
    r"(?:labels?|category|categories|class|classification|answer|sentiment|intent|topic|tags?)\s*(?:is|are)?\s*[:：=]\s*"
)
_BULLET = re.compile(r"^(?:[-*•·]|\d{1,3}[.)])\s+")
_SEPARATOR = re.compile(r"[,;|\n、，；]")
_AROUND = (
    " \t\r\n\"'`´‘’“”„«»‹›*_.,;:!?¿¡…()[]{}<>#"
    "\u3000。｡、､，．：；！？・「」『』｢｣（）［］｛｝【】〔〕《》〈〉＂＇"  # how Chinese and Japanese mark it
    "।؟،؛۔"  # Hindi, Arabic, Persian, Urdu
)
_WORD = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[\s_-]+")


def normal_label(text: str) -> str:
    """Lower case without quotes, marks, and a leading ``Label:``; dashes and underscores become spaces."""
    cleaned = _PREFIX.sub("", text.strip(_AROUND).casefold()).strip(_AROUND)
    return _BETWEEN.sub(" ", cleaned)


def label_set(text: str) -> frozenset[str]:
    """The labels in a JSON list (of texts), or parted by commas, semicolons, bars or lines; "" and [] hold none."""
    return frozenset(label for label in map(normal_label, _items(text)) if label)


def mentioned(text: str, labels: Iterable[str]) -> list[str]:
    """The (normal) labels that stand in the text as whole words; not those that only stand inside a longer one."""
    rest = f" {' '.join(_WORD.findall(text.casefold()))} "
    found = []
    for label in sorted(labels, key=len, reverse=True):
        words = f" {' '.join(_WORD.findall(label))} "
        if words in rest:
            found.append(label)
            rest = rest.replace(words, " | ")
    return found


def _items(text: str) -> list[str]:
    if text.lstrip()[:1] in ("[", "`"):
        try:
            value = parse_json(text, allow_fence=True)
        except NotJson:
            value = None
        if isinstance(value, list):
            return [item for item in value if isinstance(item, str)]
    text = _PREFIX.sub("", text.strip().casefold())
    return [_BULLET.sub("", item.strip()) for item in _SEPARATOR.split(text)]
