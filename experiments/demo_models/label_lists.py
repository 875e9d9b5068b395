"""The list of labels that a prompt offers, however it is written."""

from __future__ import annotations

import re

NOUN = (
    r"(?:labels?|categor(?:y|ies)|class(?:es)?|options?|topics?|intents?|sentiments?|choices?|values?|departments?|tags?"
    r"|kategorien?|catégories?|categorías?)"
)
LIST = r"\s*:?\s*[\[(]?(?P<list>[^\n.;]{3,400})"
QUOTED = r"[\"'“]?\w+[\"'”]?"
IN_LINE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:one|exactly one|any|1) of(?: (?:the following|these|the))?(?: {NOUN})?{LIST}",
        rf"\b{NOUN}\s*(?:are|is|=|:)\s*[\[(]?(?P<list>[^\n.;]{{3,400}})",
        rf"\b(?:classify|label|categori[sz]e|tag|sort|route)\b[^:\n.]{{0,80}}?\b(?:as|into|in){LIST}",
        rf"\b(?:choose|pick|select|decide)\s+(?:from|between|among|one from){LIST}",
        r"\b(?:answer|reply|respond|say)\s+(?:with\s+)?(?:only\s+|just\s+)?(?:with\s+)?"
        rf"(?P<list>{QUOTED}(?:\s*,\s*{QUOTED})*\s+or\s+{QUOTED})",
        r"(?:^|[?:]\s+)(?P<list>[\w-]+(?:,\s*[\w-]+){1,8},?\s+or\s+[\w-]+)",
    )
)
BULLETS = re.compile(
    rf"\b{NOUN}\b[^\n]{{0,60}}:?\s*\n(?P<list>(?:\s*(?:[-*•]|\d+[.)])\s*[^\n]+\n?){{2,40}})", re.IGNORECASE
)
SEPARATOR = re.compile(r"\s*(?:,|;|\||/|\bor\b|\band\b|\boder\b|\bund\b|\bou\b|\bo\b)\s*", re.I)
EDGE = " \t\"'`“”„«»[](){}*.:"
MOST_LABELS, LONGEST_LABEL_WORDS = 40, 4
NOT_LABELS = frozenset({"the following", "these", "following", "them", "only", "it", "etc", "none of the above"})


def asked_labels(instructions: str) -> tuple[str, ...]:
    """The labels in the order in which the prompt lists them, each once; empty when it offers none.

    Understood are bullets under a heading like "Categories:", and lists in a sentence ("one of: a, b or c").
    """
    bullets = BULLETS.search(instructions)
    if bullets:
        lines = [re.sub(r"^\s*(?:[-*•]|\d+[.)])\s*", "", line) for line in bullets["list"].strip().splitlines()]
        return _clean([re.split(r"\s*[:–—]\s+|\s+-\s+|\s*\(", line)[0] for line in lines])
    for pattern in IN_LINE:
        match = pattern.search(instructions)
        if match:
            labels = _clean(SEPARATOR.split(_list_only(match["list"])))
            if len(labels) >= 2:
                return labels
    return ()


def _list_only(text: str) -> str:
    """The list without what follows it in the sentence."""
    closed = re.split(r"[\])]", text, maxsplit=1)[0]
    return re.split(
        r"\s+(?:based on|depending on|for the|that|which|according|without|and nothing|only)\b", closed, maxsplit=1
    )[0]


def _clean(candidates: list[str]) -> tuple[str, ...]:
    labels: list[str] = []
    for candidate in candidates:
        label = candidate.strip(EDGE)
        is_label = 0 < len(label.split()) <= LONGEST_LABEL_WORDS and label.lower() not in NOT_LABELS
        if is_label and label not in labels:
            labels.append(label)
    return tuple(labels[:MOST_LABELS])
