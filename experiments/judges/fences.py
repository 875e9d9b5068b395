"""Texts that are judged, fenced off as data: the marks around them cannot be forged by what stands between them.

The mark holds a hash of the very texts, so that the author of a text cannot know it beforehand, equal texts are sent
alike (and found in the cache), and no text can hold the mark that closes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

MARK_DIGITS = 20

ADDRESSES_THE_JUDGE = re.compile(
    r"(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:instruction|rubric|criteri|above|previous|prior)"
    r"|(?:as|dear|attention|note to|hey|hello)[ ,:]{1,2}(?:the |an? )?(?:judge|grader|evaluator|rater|scorer|reviewer)"
    r"|\b(?:this|the|my) (?:answer|reply|response|output)\b[^.\n]{0,30}\b(?:must|should|deserves?|has to) (?:be )?"
    r"(?:pass|full|the (?:highest|best|top|maximum)|rated|scored|graded|a (?:10|5|perfect))"
    r"|\bverdict\b\W{0,4}(?:is|:|=|to)\W{0,4}(?:pass|true|yes|10|5|100|first|second|perfect)\b"
    r"|[\"'](?:score|grade|rating)[\"']\s{0,4}:"
    r"|\[\[?(?:begin|end) (?:answer|input|reference|first|second)|<\|?(?:im_start|im_end|system|end_of_turn)",
    re.IGNORECASE,
)
"""What an answer says that wants to steer its judge, in the forms that are usual in English."""


def mark_of(texts: Mapping[str, str]) -> str:
    """The mark for these texts: hex digits that occur in none of them. The same texts give the same mark."""
    joined = "\0".join(f"{name}\0{text}" for name, text in texts.items())
    for attempt in range(1000):
        digest = hashlib.sha256(f"fence\0{attempt}\0{joined}".encode("utf-8", "surrogatepass")).hexdigest()
        mark = digest[:MARK_DIGITS]
        if mark not in joined:
            return mark
    raise AssertionError("a text that holds a thousand of its own hashes")


def fenced(texts: Mapping[str, str], mark: str) -> str:
    """Each text between its two marks, a blank line between them."""
    return "\n\n".join(f"[[BEGIN {name} {mark}]]\n{text}\n[[END {name} {mark}]]" for name, text in texts.items())


def addresses_the_judge(text: str) -> bool:
    """Whether a text speaks to the one who judges it, or tries to look like the frame around it."""
    return ADDRESSES_THE_JUDGE.search(text) is not None
