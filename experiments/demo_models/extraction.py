"""Facts that stand in a text word for word, and its most telling sentence. What is echoed is made harmless first."""

from __future__ import annotations

import re
from collections import Counter

FACTS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"e-?mail"), re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,24})+\b")),
    (
        re.compile(r"order|invoice|ticket_?(?:id|number)|reference"),
        re.compile(r"(?:#\s?\w[\w-]{2,20}|\b[A-Z]{1,4}-?\d{3,12}\b|\b\d{5,12}\b)"),
    ),
    (re.compile(r"date|day"), re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")),
    (re.compile(r"phone|tel"), re.compile(r"\+?\d[\d ()/-]{6,18}\d")),
    (re.compile(r"amount|price|total|cost"), re.compile(r"[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:[$€£]|USD|EUR|GBP)")),
    (
        re.compile(r"name|customer"),
        re.compile(r"(?:[Mm]y name is|I am|I'm|[Rr]egards,?|[Tt]hanks,?|[Bb]est,?)\s+([A-Z][a-z]{1,20})\b"),
    ),
)
TAG = re.compile(r"<[^>]{0,500}>|https?://\S+|javascript:\S*", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]{4,}")
LONGEST_SENTENCE = 240


def fact(name: str, material: str) -> str | None:
    """The first thing in a text that fits a field's name (``order_id``, ``email`` …), or None."""
    for named, pattern in FACTS:
        if named.search(name.lower()):
            match = pattern.search(material)
            return (match.group(match.lastindex or 0)).strip() if match else None
    return None


def summary(material: str, *, most_words: int | None = None) -> str:
    """The sentence that holds most of the text's frequent words, without tags and addresses; "" for no text."""
    clean = " ".join(TAG.sub(" ", material).split())
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", clean) if s]
    if not sentences:
        return ""
    frequent = Counter(w.lower() for w in WORD.findall(clean))
    best = max(sentences, key=lambda s: sum(frequent[w.lower()] for w in WORD.findall(s)[:40]))[:LONGEST_SENTENCE]
    return " ".join(best.split()[:most_words]) if most_words else best
