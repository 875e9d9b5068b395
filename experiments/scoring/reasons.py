"""The one-line reasons that stand beside scores: short, printable, and safe to store whatever the output held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

MAX_CHARACTERS = 240
MAX_DETAILS = 50


def one_line(text: str, limit: int = MAX_CHARACTERS) -> str:
    """The text on one line, at most ``limit`` characters; control characters and lone surrogates become ``�``."""
    text = text[: 4 * limit]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def quote(text: str, limit: int = 60) -> str:
    """The text in single quotes, shortened, for use inside a reason."""
    return f"'{one_line(text, limit)}'"


def quote_some(texts: Sequence[str], most: int = 3) -> str:
    """The first texts, quoted, and how many more there are; "" for none."""
    shown = ", ".join(quote(text, 40) for text in texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown


def count(number: int, noun: str) -> str:
    """``1 word``, ``3 words``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plain_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """The details as JSON values that can always be stored: finite numbers, printable texts, at most 50 entries."""
    return {one_line(str(key), 80): _plain(value, 3) for key, value in list(details.items())[:MAX_DETAILS]}


def _plain(value: object, depth: int) -> Any:  # noqa: ANN401
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth and isinstance(value, Mapping):
        return {one_line(str(k), 80): _plain(v, depth - 1) for k, v in list(value.items())[:MAX_DETAILS]}
    if depth and isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value[:MAX_DETAILS]]
    return one_line(str(value))
