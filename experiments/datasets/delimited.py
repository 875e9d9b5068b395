"""CSV and TSV: text → rows, with the delimiter detected and every complaint pointing at line and column.

The dialect is RFC 4180: a quoted cell doubles its quotes, spaces belong to the cell, line ends inside quotes
stay.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from experiments.datasets.encodings import DecodedText, position
from experiments.datasets.table import OpenTable, ReportDraft, Row, column_names
from experiments.errors import BakeoffError

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_SAMPLE_CHARACTERS = 200_000
_SAMPLE_RECORDS = 100
_SEPARATOR_LINE = re.compile(r"sep=([,;|\t])\r?\n", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")


def open_delimited(text: DecodedText, draft: ReportDraft) -> OpenTable:
    """The header of the text and an iterator over its rows; blank lines are left out.

    Raises:
        BakeoffError: ``empty_file``, ``title_line``, ``unterminated_quote``, ``text_after_quote``, ``field_count``,
            or a complaint about column names.
    """
    csv.field_size_limit((1 << 31) - 1)  # one setting for the whole process; the limit on cells is ours
    start = text.start(_SAMPLE_CHARACTERS)
    separator_line = _SEPARATOR_LINE.match(start)
    delimiter = separator_line[1] if separator_line else detected_delimiter(text, start)
    draft.delimiter = delimiter
    records = _records(text, delimiter or _unused_character(start), skip=1 if separator_line else 0)
    line, header = next(records, (1, []))
    if not header:
        raise text.file.problem("empty_file", "the file is empty.", "Write the column names into the first row.")
    named = len(header)
    while named > 1 and not header[named - 1].strip():
        named -= 1
    columns = column_names(text.file, header[:named], place=f"line {line}")
    if named < len(header):
        draft.notice("unnamed_columns", f"{len(header) - named} empty columns without a name were left out.")
    if all(_NUMBER.fullmatch(name) for name in columns):
        draft.notice("numeric_header", "The column names are numbers. Does the file lack its header row?")
    if delimiter is None:
        draft.notice("one_column", f"No delimiter was found, so each line is one cell of the column '{columns[0]}'.")
    return OpenTable(columns, _rows(text, records, columns, len(header)), "line", draft)


def detected_delimiter(text: DecodedText, start: str) -> str | None:
    """The delimiter that splits the first records most evenly, or None for a file with one column.

    Raises:
        BakeoffError: ``title_line`` when the first line has one cell and all the others agree on three or
            more.
    """
    complete = start if len(start) < _SAMPLE_CHARACTERS else start[: start.rfind("\n") + 1] or start
    best: tuple[float, int, int] | None = None
    delimiter = None
    for preference, candidate in enumerate(DELIMITERS):
        widths = _widths(complete, candidate)
        if widths and widths[0] > 1:
            even = sum(width == widths[0] for width in widths) / len(widths)
            score = (even, widths[0], -preference)
            if best is None or score > best:
                best, delimiter = score, candidate
        elif len(widths) > 3 and widths[1] > 2 and len(set(widths[1:])) == 1 and delimiter is None:
            _suspect_title(text, complete, candidate, widths[1])
    return delimiter


def _suspect_title(text: DecodedText, complete: str, candidate: str, width: int) -> None:
    if any((_widths(complete, other) or [0])[0] > 1 for other in DELIMITERS):
        return
    raise text.file.problem(
        "title_line",
        f"this line has 1 cell, but all the others have {width} cells parted by a {DELIMITERS[candidate]}.",
        "Delete the lines above the column names.",
        place="line 1",
    )


def _widths(sample: str, delimiter: str) -> list[int]:
    records = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    widths = []
    for record in records:
        if record:
            widths.append(len(record))
        if len(widths) == _SAMPLE_RECORDS:
            break
    return widths


def _unused_character(start: str) -> str:
    return next((c for c in "\x1f\x1e\x1d\x1c" if c not in start), "\x1f")


def _records(text: DecodedText, delimiter: str, *, skip: int) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of each record that is not a blank line."""
    lines = _sane_lines(text, delimiter)
    for _ in range(skip):
        next(lines)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begin = skip + 1
    try:
        for record in reader:
            if record:
                yield begin, record
            begin = skip + reader.line_num + 1
    except csv.Error:
        raise _quote_problem(text, begin, delimiter) from None


def _sane_lines(text: DecodedText, delimiter: str) -> Iterator[str]:
    """The lines; one that consists of millions of delimiters would become millions of cells before it is refused."""
    most = text.file.limits.cells
    for number, line in enumerate(text.lines(), start=1):
        if len(line) > most and line.count(delimiter) > most:
            raise text.file.too_large("cells", "one line has more cells", "Is this a table?", place=f"line {number}")
        yield line


def _rows(
    text: DecodedText, records: Iterator[tuple[int, list[str]]], columns: Sequence[str], width: int
) -> Iterator[tuple[int, Row]]:
    named = len(columns)
    for line, record in records:
        if len(record) != width:
            raise _width_problem(text, line, len(record), width)
        if named < width:
            if any(record[named:]):
                column = next(i for i, cell in enumerate(record) if i >= named and cell) + 1
                what = f"there is a value in column {column}, which has no name in the header."
                raise text.file.problem("empty_column_name", what, "Name the column.", place=f"line {line}")
            record = record[:named]  # noqa: PLW2901
        yield line, tuple(record)


def _width_problem(text: DecodedText, line: int, found: int, width: int) -> BakeoffError:
    what = f"{found} {'field' if found == 1 else 'fields'} where the header has {width}."
    hint = "Put double quotes around cells that hold the delimiter or a line break; double the quotes inside."
    return text.file.problem("field_count", what, hint, place=f"line {line}")


def _quote_problem(text: DecodedText, line: int, delimiter: str) -> BakeoffError:
    """Why the record that begins at a line cannot be split: found by walking through it once more."""
    whole = text.whole()
    begin = sum(len(part) for part in islice(text.lines(), line - 1))
    opened, broken = _broken_quote(whole, begin, delimiter)
    opening_line, opening_column = position(whole, opened)
    if broken is None:
        return text.file.problem(
            "unterminated_quote",
            "the double quote that opens here is never closed.",
            'Close the cell with a double quote; write "" for a quote inside it.',
            place=f"line {opening_line}",
            column=opening_column,
        )
    broken_line, broken_column = position(whole, broken)
    return text.file.problem(
        "text_after_quote",
        f"text follows the end of the quoted cell that opened in line {opening_line}, column {opening_column}.",
        'Write "" for a double quote inside a quoted cell.',
        place=f"line {broken_line}",
        column=broken_column,
    )


def _broken_quote(whole: str, at: int, delimiter: str) -> tuple[int, int | None]:
    """(where the faulty quoted cell opens, where text follows its end or None when it has no end)."""
    unquoted = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    while at < len(whole):
        if whole[at] == '"':
            cell = _QUOTED.match(whole, at)
            if cell is None:
                return at, None
            end = cell.end()
            if end < len(whole) and whole[end] not in f"{delimiter}\r\n":
                return at, end
        else:
            plain = unquoted.match(whole, at)
            end = plain.end() if plain else at
        at = end + 1
    return len(whole), None
