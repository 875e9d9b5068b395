"""Rows → CSV that a spreadsheet cannot take for formulas, and JSON Lines that give back what went in.

CSV is for people: every text is quoted, and a text that a spreadsheet would run begins with an apostrophe.
JSON Lines are for machines: nothing is changed. Both are written row by row, so memory stays flat.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TextIO

from experiments.vocabulary import canonical_json

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: TextIO, *, mark: bool = False) -> int:
    """The number of rows written below a header. Open the file with ``newline=""``; lines end with CR LF.

    With ``mark`` the file begins with a byte order mark, without which Excel reads UTF-8 as the machine's old encoding.
    Missing keys and None become empty cells, true and false words, lists and objects canonical JSON, dates
    ISO 8601; keys outside ``columns`` are not written. Texts are quoted and neutralised, half characters
    replaced.

    Source: RFC 4180; OWASP Application Security Verification Standard 5.0, requirement 1.2.10.

    Raises:
        ValueError: a number that is not finite.
    """
    if mark:
        file.write("\ufeff")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([neutralised(column) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([_csv_cell(row.get(column)) for column in columns])
        count += 1
    return count


def write_jsonl(rows: Iterable[Mapping[str, Any]], file: TextIO) -> int:
    """The number of rows written, one JSON object per line with the keys in their order; dates are ISO 8601.

    Raises:
        ValueError: a number that is not finite.
        TypeError: a value that JSON does not know.
    """
    count = 0
    for row in rows:
        line = json.dumps(dict(row), ensure_ascii=False, allow_nan=False, default=_plain)
        if _LONE_SURROGATE.search(line):  # UTF-8 cannot hold half a character, an escape can
            line = json.dumps(dict(row), ensure_ascii=True, allow_nan=False, default=_plain)
        file.write(f"{line}\n")
        count += 1
    return count


def neutralised(text: str) -> str:
    """The text, after an apostrophe when it begins as a formula and is not just a number (``-5``, ``+1e3``).

    A text that has apostrophes before such a beginning already gets one more, so that ``restored`` gives all back.
    """
    if text.lstrip("'").startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def restored(text: str) -> str:
    """The text that ``neutralised`` was given: without the apostrophe that it set before a formula."""
    if text.startswith("'") and neutralised(text[1:]) == text:
        return text[1:]
    return text


def _csv_cell(value: object) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise ValueError("a number that is not finite cannot be exported")
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = value if isinstance(value, str) else canonical_json(value)
    return neutralised(_LONE_SURROGATE.sub("\ufffd", text))


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__} cannot be exported")
