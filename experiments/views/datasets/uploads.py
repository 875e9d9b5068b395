"""A file before it is kept: how it was understood, what is odd about it, its first rows and likely roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.datasets.profiles import profile_table
from experiments.datasets.reading import read_table
from experiments.datasets.roles import RoleProposal, propose_roles

FIRST_ROWS = 20
MOST_CELL = 300


@dataclass(frozen=True, slots=True)
class UploadPreview:
    """What an import of the file would keep. ``first_rows`` are cut to be looked at; nothing is stored yet."""

    rows: int
    columns: tuple[str, ...]
    first_rows: tuple[Mapping[str, str | None], ...]
    notices: tuple[str, ...]
    roles: RoleProposal
    understood: str


def preview_upload(content: bytes, *, filename: str, encoding: str | None = None) -> UploadPreview:
    """The preview of a CSV, TSV, JSONL, JSON, XLSX or Parquet file.

    Raises:
        BakeoffError: whatever is wrong with the file, with line and column.
    """
    table = read_table(content, filename=filename, encoding=encoding)
    profile = profile_table(table)
    first = [
        {name: cell if cell is None else cell[:MOST_CELL] for name, cell in zip(table.columns, row, strict=True)}
        for row in table.rows[:FIRST_ROWS]
    ]
    report = table.report
    details = [report.format.upper(), report.encoding, _delimiter(report.delimiter), report.sheet]
    return UploadPreview(
        rows=len(table.rows),
        columns=table.columns,
        first_rows=tuple(first),
        notices=tuple(notice.message for notice in (*report.notices, *profile.notices)),
        roles=propose_roles(profile),
        understood=", ".join(detail for detail in details if detail),
    )


def dataset_name_from(filename: str) -> str:
    """A name for the test set of a file: its name without the ending, in signs that names may hold."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", filename.replace("\\", "/").rpartition("/")[2])
    return re.sub(r"[^A-Za-z0-9 ._-]+", "-", stem).strip(" .-_")[:120] or "test set"


def _delimiter(sign: str | None) -> str | None:
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    return None if sign is None else f"separated by {names.get(sign, repr(sign))}"
