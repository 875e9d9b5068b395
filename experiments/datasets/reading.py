"""The one way in: the bytes of a file → a table of exact text, or one sentence that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from experiments.datasets.content_kind import content_kind, refuse_markup
from experiments.datasets.delimited import open_delimited
from experiments.datasets.encodings import decode
from experiments.datasets.json_rows import is_json_lines, looks_like_json, open_json, open_json_lines
from experiments.datasets.limits import DEFAULT_LIMITS, FileLimits
from experiments.datasets.parquet import open_parquet
from experiments.datasets.table import OpenTable, ReportDraft, Row, Table
from experiments.datasets.upload import UploadedFile, display_name
from experiments.datasets.worksheet import open_worksheet

_ENDINGS = {
    "csv": {"csv", "tsv", "tab", "txt"},
    "jsonl": {"jsonl", "ndjson", "json"},
    "json": {"json"},
    "xlsx": {"xlsx", "xlsm"},
    "parquet": {"parquet", "pq"},
}
_JSON_ENDINGS = _ENDINGS["jsonl"]
_JSON_LINES_ENDINGS = {"jsonl", "ndjson"}


def read_table(
    content: bytes, *, filename: str, limits: FileLimits = DEFAULT_LIMITS, encoding: str | None = None
) -> Table:
    """The whole table of a CSV, TSV, JSONL, JSON, XLSX or Parquet file.

    What the file is follows from its content; the name is a hint and is used in messages. No value is
    guessed: ``NA``, ``007`` and ``1e5`` stay text. ``encoding`` overrides the detection for text formats.

    Raises:
        BakeoffError: whatever is wrong with the file, with line and column where there are any.
        TooLarge: beyond ``limits``.
    """
    opened = open_table(content, filename=filename, limits=limits, encoding=encoding)
    lines: list[int] = []
    rows: list[Row] = []
    for line, row in opened.rows:
        lines.append(line)
        rows.append(row)
    if not rows:
        file = UploadedFile(display_name(filename), content, limits)
        raise file.problem("no_rows", "the file has a header but no rows.", "Add at least one row.")
    return Table(opened.columns, rows, lines, opened.line_word, opened.draft.finished())


def open_table(
    content: bytes, *, filename: str, limits: FileLimits = DEFAULT_LIMITS, encoding: str | None = None
) -> OpenTable:
    """The columns of a file and a stream of its rows, which are decoded as they are taken (all but JSON).

    The stream raises where the file turns out to be broken, so nothing is to be kept before it has ended.
    Raises as ``read_table`` does, except for ``no_rows``.
    """
    file = UploadedFile(display_name(filename) or "the file", content, limits)
    if len(content) > limits.file_bytes:
        raise file.too_large("file_bytes", f"{len(content):,} bytes", "Split the file or take a sample of its rows.")
    opened = _opened(file, encoding)
    ending = file.ending()
    if ending in {name for names in _ENDINGS.values() for name in names} - _ENDINGS[opened.draft.format]:
        found = opened.draft.format.upper()
        opened.draft.notice("other_format", f"The name ends in .{ending}, but the content was read as {found}.")
    return replace(opened, rows=_within_limits(file, opened))


def _opened(file: UploadedFile, encoding: str | None) -> OpenTable:
    kind = content_kind(file)
    if kind == "xlsx":
        return open_worksheet(file, ReportDraft("xlsx"))
    if kind == "parquet":
        return open_parquet(file, ReportDraft("parquet"))
    draft = ReportDraft("csv")
    text = decode(file, draft, encoding=encoding)
    start = text.start(5000)
    refuse_markup(file, start)
    if file.ending() in _JSON_LINES_ENDINGS and not start.lstrip().startswith("["):
        draft.format = "jsonl"
        return open_json_lines(text, draft)
    if looks_like_json(start) or (file.ending() in _JSON_ENDINGS and start.lstrip()[:1] in ("{", "[")):
        draft.format = "jsonl" if is_json_lines(text) else "json"
        return open_json_lines(text, draft) if draft.format == "jsonl" else open_json(text, draft)
    return open_delimited(text, draft)


def _within_limits(file: UploadedFile, opened: OpenTable) -> Iterator[tuple[int, Row]]:
    limits, word, hint = file.limits, opened.line_word, "Split the file or take a sample of its rows."
    characters, width = 0, len(opened.columns)
    for count, (line, row) in enumerate(opened.rows, start=1):
        size = sum(map(len, filter(None, row)))
        characters += size
        place = f"{word} {line}"
        if count > limits.rows:
            raise file.too_large("rows", f"more than {limits.rows:,} rows", hint, place=place)
        if count * width > limits.cells:
            raise file.too_large("cells", f"more than {limits.cells:,} cells", hint, place=place)
        if size > limits.cell_characters:
            for name, cell in zip(opened.columns, row, strict=True):
                if cell and len(cell) > limits.cell_characters:
                    what = f"the cell in '{name}' has {len(cell):,} characters"
                    raise file.too_large("cell_characters", what, "Shorten it.", place=place)
        if characters > limits.total_characters:
            what = f"more than {limits.total_characters:,} characters in all"
            raise file.too_large("total_characters", what, hint, place=place)
        yield line, row
