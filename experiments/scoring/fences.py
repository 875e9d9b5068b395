"""Code fences, in which models like to wrap an answer."""

from __future__ import annotations

import re

_FENCE_LINE = re.compile(r"^[ \t]*```([^\n`]*)$", re.MULTILINE)


def first_fence(text: str) -> str | None:
    """What stands inside the first fenced block, else None; a block that is never closed is none."""
    span = _first_span(text)
    return text[span[1] : span[2]] if span else None


def sole_fence(text: str) -> str | None:
    """What stands inside the fence when the whole text is one fenced block, else None."""
    span = _first_span(text)
    if span is None or text[: span[0]].strip() or text[span[3] :].strip():
        return None
    return text[span[1] : span[2]]


def _first_span(text: str) -> tuple[int, int, int, int] | None:
    """(block begins, inside begins, inside ends, block ends) of the first block."""
    lines = _FENCE_LINE.finditer(text)
    opening = next(lines, None)
    if opening is None:
        return None
    closing = next((line for line in lines if not line[1].strip()), None)
    if closing is None:
        return None
    return opening.start(), opening.end() + 1, closing.start(), closing.end()
