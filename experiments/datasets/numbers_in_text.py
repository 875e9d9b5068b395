"""Cells → numbers, strictly: ``1e5`` and ``-3.5`` are numbers, ``1,5``, ``1_000`` and ``٣`` are not."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_WORDS = {"true": 1.0, "false": 0.0}


def number_of(cell: str) -> float | None:
    """The finite number that a cell holds, 1 and 0 for true and false, else None; spaces do not matter."""
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return _WORDS.get(text.lower())


def is_not_finite(cell: str) -> bool:
    """Whether a cell says not-a-number or infinity, or holds digits that no float can."""
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        return not math.isfinite(float(text))
    return _NOT_FINITE.fullmatch(text) is not None
