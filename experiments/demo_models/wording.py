"""Ways to write down many words and phrases readably."""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text that lists them."""
    return frozenset(text.split())


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text that lists them, each once, in their order."""
    return tuple(dict.fromkeys(text.split()))


def either(*phrases: str) -> re.Pattern[str]:
    """A pattern that finds any of these phrases, whatever their case, at the beginning of a word."""
    return re.compile(r"(?<!\w)(?:" + "|".join(phrases) + ")", re.IGNORECASE)
