"""JSON in model outputs: strict parsing that never explodes, and equality of values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from experiments.scoring.fences import sole_fence

_HUGE_NUMBER_DIGITS = 4000
Path = tuple[str | int, ...]


class NotJson(ValueError):
    """The text is not JSON; the message says why in one line."""


def parse_json(text: str, *, allow_fence: bool = False) -> Any:  # noqa: ANN401
    """The value that the whole text is; NaN and Infinity are refused as the standard does.

    Raises:
        NotJson: with line and column of the first problem.
    """
    if allow_fence:
        text = sole_fence(text) or text
    if not text.strip():
        raise NotJson("the output is empty")
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise NotJson(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None


def same_value(first: object, second: object, *, tolerance: float = 0.0) -> bool:
    """True when two JSON values are equal: 1 and 1.0 are, true and 1 are not, the order of keys does not matter."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second or math.isclose(first, second, rel_tol=0.0, abs_tol=tolerance)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            same_value(first[k], second[k], tolerance=tolerance) for k in first
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(
            same_value(a, b, tolerance=tolerance) for a, b in zip(first, second, strict=True)
        )
    return type(first) is type(second) and first == second


def leaves(value: object) -> Iterator[tuple[Path, object]]:
    """Each (path, text, number, true, false or null) inside a value; an empty list or mapping is a leaf too."""
    waiting: list[tuple[Path, object]] = [((), value)]
    while waiting:
        path, inner = waiting.pop()
        children: list[tuple[str | int, object]] = []
        if isinstance(inner, dict):
            children = list(inner.items())
        elif isinstance(inner, list):
            children = list(enumerate(inner))
        if not children:
            yield path, inner
        waiting.extend(((*path, key), child) for key, child in reversed(children))


def written_path(path: Path) -> str:
    """``items[0].price``; ``the top level`` for the empty path."""
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return re.sub(r"^\.", "", parts) or "the top level"


def texts_of(cell: str) -> list[str]:
    """The texts in a cell: a JSON list of texts, or one text a line; blank ones are left out."""
    if cell.lstrip().startswith("["):
        try:
            value = parse_json(cell)
        except NotJson:
            value = None
        if isinstance(value, list):
            return [text for text in map(str, value) if text.strip()]
    return [line.strip() for line in cell.splitlines() if line.strip()]


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < _HUGE_NUMBER_DIGITS else float(digits)
