"""A table of text: what every reader gives, whatever the file was.

A cell is the exact text of the file, or None where the file says that there is no value (JSON null, an
absent key, a Parquet null, an empty worksheet cell). CSV and TSV know no such thing: there an empty cell is
the empty text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from experiments.datasets.upload import UploadedFile, sendable

Row = tuple[str | None, ...]
Format = Literal["csv", "jsonl", "json", "xlsx", "parquet"]
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the owner of the file should know although it was read; ``code`` is for programs."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ReadReport:
    """How a file was understood. Fields that do not apply to the format are None."""

    format: Format
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of one file; row ``i`` begins at ``lines[i]``, counted in ``line_word`` from 1."""

    columns: tuple[str, ...]
    rows: Sequence[Row]
    lines: Sequence[int]
    line_word: str
    report: ReadReport

    def place(self, index: int) -> str:
        """Where row ``index`` stands in the file: ``line 17``, for worksheets and Parquet ``row 17``."""
        return f"{self.line_word} {self.lines[index]}"

    def column(self, name: str) -> list[str | None]:
        """All cells of one column, in order. Raises ValueError for an unknown name."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


@dataclass(slots=True)
class ReportDraft:
    """The report while the file is being read; notices may still arrive with the last row."""

    format: Format
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    notices: list[Notice] = field(default_factory=list)

    def notice(self, code: str, message: str) -> None:
        """Add one notice."""
        self.notices.append(Notice(code, message))

    def finished(self) -> ReadReport:
        """The report as it stands now."""
        return ReadReport(self.format, self.encoding, self.delimiter, self.sheet, tuple(self.notices))


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A file whose header is read; ``rows`` gives (line, row) one by one, and raises where it is broken."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Row]]
    line_word: str
    draft: ReportDraft


def column_names(file: UploadedFile, names: Sequence[str], *, place: str) -> tuple[str, ...]:
    """The names of the columns without the spaces around them.

    Raises:
        BakeoffError: ``empty_column_name``, ``duplicate_column`` or ``long_column_name``, with place and column.
        TooLarge: more columns than the limit.
    """
    if len(names) > file.limits.columns:
        raise file.too_large("columns", f"{len(names):,} columns", "Leave out the columns you do not need.")
    seen: dict[str, int] = {}
    for number, raw in enumerate(names, start=1):
        name = raw.strip()
        file.check_characters(name, place=place, column_name=sendable(name))
        if not name:
            hint = "Give every column a name in the first row."
            raise file.problem("empty_column_name", f"column {number} has no name.", hint, place=place)
        if len(name) > MAX_NAME_CHARACTERS:
            what = f"the name of column {number} has {len(name):,} characters. Is this row the header?"
            hint = f"Put short names into the first row (at most {MAX_NAME_CHARACTERS} characters)."
            raise file.problem("long_column_name", what, hint, place=place)
        if name in seen:
            what = f"columns {seen[name]} and {number} are both named '{name}'."
            raise file.problem("duplicate_column", what, "Rename one of them.", place=place)
        seen[name] = number
    return tuple(seen)
