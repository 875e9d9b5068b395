"""Values of typed formats → the text of a cell."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal


class NumberLiteral(str):
    """A JSON number as it was written: ``1e5`` and ``1.0`` stay what they are, also inside nested values."""

    __slots__ = ()


def cell_text(value: object) -> str | None:
    """The text of one value, None for None; lists and objects become canonical JSON (keys sorted, no spaces).

    Numbers that were binary become the shortest text that reads back as the same number, whole ones without
    ``.0``; dates are ISO 8601 (``2026-01-31``, ``2026-01-31 13:30:00``), durations ``26:30:00``.

    Raises:
        ValueError: bytes that are not UTF-8.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping | list | tuple):
        return _canonical(value)
    return _scalar(value)


def number_text(value: float) -> str:
    """``7.0`` → ``7``, ``0.1`` → ``0.1``; not-a-number and infinities keep the words ``nan`` and ``inf``."""
    return repr(value).removesuffix(".0")


def duration_text(value: timedelta) -> str:
    """``26:30:00``: hours, minutes, seconds; with a minus sign and microseconds when there are any."""
    sign = "-" if value < timedelta(0) else ""
    whole = abs(value)
    minutes, seconds = divmod(whole.days * 86_400 + whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{whole.microseconds:06d}" if whole.microseconds else ""
    return f"{sign}{hours}:{minutes:02d}:{seconds:02d}{fraction}"


def _scalar(value: object) -> str:
    match value:
        case bool():
            text = "true" if value else "false"
        case float():
            text = number_text(value)
        case datetime():
            text = value.isoformat(sep=" ")
        case date() | time():
            text = value.isoformat()
        case timedelta():
            text = duration_text(value)
        case Decimal():
            text = format(value, "f")
        case bytes():
            text = value.decode("utf-8")
        case _:
            text = str(value)
    return text


def _canonical(value: object) -> str:
    if isinstance(value, NumberLiteral):
        return str.__str__(value)
    if isinstance(value, Mapping):
        items = sorted(((cell_text(k) or "", v) for k, v in value.items()), key=lambda item: item[0])
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_canonical(v)}" for k, v in items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_canonical(v) for v in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool | int | float | Decimal) and math.isfinite(value):
        return _scalar(value)
    return json.dumps(cell_text(value), ensure_ascii=False)
