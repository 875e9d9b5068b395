"""How the word lists of this folder are written down: words parted by spaces, for lists that people can read."""

from __future__ import annotations


def word_list(text: str) -> frozenset[str]:
    """The words of a text that are parted by spaces or line ends."""
    return frozenset(text.split())
