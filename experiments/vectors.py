"""Vectors that stand for texts: how they are kept as text, and how near two of them are."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Sequence

MOST_DIMENSIONS = 20_000
"""No embedding model gives more; what is longer is no vector."""


def packed(vector: Sequence[object]) -> str | None:
    """The vector as base64 of little-endian 32-bit floats; None for one that is empty, endless or holds no numbers."""
    if not 0 < len(vector) <= MOST_DIMENSIONS:
        return None
    numbers = [v for v in vector if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(vector):
        return None
    try:
        kept = array("f", numbers)
    except OverflowError:
        return None
    if not all(map(math.isfinite, kept)):
        return None
    return base64.b64encode(_little_endian(kept).tobytes()).decode("ascii")


def unpacked(text: str) -> tuple[float, ...] | None:
    """The vector that ``packed`` wrote; None for any other text."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not raw or len(raw) % 4:
        return None
    kept = array("f")
    kept.frombytes(raw)
    vector = tuple(_little_endian(kept))
    return vector if all(map(math.isfinite, vector)) else None


def cosine(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Cosine of the angle between two vectors, -1 to 1; None for unequal lengths and for a vector of zeros."""
    if len(a) != len(b):
        return None
    norm = math.hypot(*a) * math.hypot(*b)
    return max(-1.0, min(1.0, math.fsum(x * y for x, y in zip(a, b, strict=True)) / norm)) if norm else None


def _little_endian(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers = array("f", numbers)
        numbers.byteswap()
    return numbers
