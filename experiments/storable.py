"""Values as every database can hold them: what SQLite or PostgreSQL would refuse is replaced, the rest stays."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that no column holds: NUL, and halves of a surrogate pair."""
LARGEST_INTEGER = 2**63 - 1


def sanitised_text(text: str) -> str:
    """The text itself, or a copy in which what no database stores is replaced by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return UNSTORABLE.sub("\ufffd", text) if UNSTORABLE.search(text) else text


def storable(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    """The value with what cannot be stored replaced, at any depth; a number that no column holds becomes None."""
    if isinstance(value, str):
        return sanitised_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= LARGEST_INTEGER else None
    if isinstance(value, Mapping):
        return {sanitised_text(str(name)): storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value
