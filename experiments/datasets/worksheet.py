"""XLSX → rows: the text a person sees, formulas by their last stored result, bombs refused before decoding.

openpyxl is imported inside functions. Dates are written as ISO 8601, because a workbook shows them in the
reader's own manner; of number formats the plain ones are followed (``00501``, ``7.50``, ``25%``), others
give the number.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Any
from xml.parsers import expat

from experiments.datasets.cell_text import duration_text
from experiments.datasets.table import OpenTable, ReportDraft, Row, column_names
from experiments.datasets.upload import UploadedFile
from experiments.errors import BakeoffError

_SMALL_WORKBOOK_BYTES = 10_000_000
_EMPTY_CELLS_FACTOR = 10
_LAST_SHEET_ROW = 1_048_576
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_ESCAPED_CONTROL = re.compile(r"_x00([01][0-9A-Fa-f])_")
_PADDED = re.compile(r"0+")
_DECIMALS = re.compile(r"0\.(0+)")
_PERCENT = re.compile(r"0(?:\.(0+))?%")
_NOT_CODES = re.compile(r'"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_CLOCK = re.compile(r"[hs]", re.IGNORECASE)
_DAMAGED = "this workbook is damaged and cannot be read."
_SAVE_AGAIN = "Open it in a spreadsheet program, save it as .xlsx and upload it again."


class _DoctypeFoundError(Exception):
    pass


class _RootFoundError(Exception):
    pass


def open_worksheet(file: UploadedFile, draft: ReportDraft) -> OpenTable:
    """The first visible worksheet: its first row that is not blank is the header.

    Raises:
        BakeoffError: ``damaged_file``, ``empty_worksheet``, ``formula_without_result``, complaints about names.
        TooLarge: the workbook would take more than the limits once decompressed.
    """
    has_formulas = _inspect_archive(file)
    records = _numbered_rows(file, draft, has_formulas=has_formulas)
    line, header = next(records, (1, ()))
    names = list(header)
    while names and not (names[-1] or "").strip():
        names.pop()
    if not names:
        raise file.problem("empty_worksheet", f"the worksheet '{draft.sheet}' is empty.", "Move the table there.")
    columns = column_names(file, [name or "" for name in names], place=f"row {line}")
    return OpenTable(columns, _rows(file, records, columns), "row", draft)


def _inspect_archive(file: UploadedFile) -> bool:
    """Whether any part holds a formula. Refuses what would outgrow the limits or declares XML entities."""
    limits = file.limits
    hint = "Remove unused rows, columns and pictures, or save the sheet as CSV."
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            if size > limits.decoded_bytes:
                raise file.too_large("decoded_bytes", f"the workbook unpacks to {size:,} bytes", hint)
            ratio = size // max(len(file.content), 1)
            if size > _SMALL_WORKBOOK_BYTES and ratio > limits.compression_ratio:
                raise file.too_large("compression_ratio", f"the workbook unpacks to {ratio:,} times its size", hint)
            xml = [p for p in parts if p.filename.endswith((".xml", ".rels"))]
            with_formula = [part for part in xml if _holds_formula(archive, part)]  # all of them: each is checked
            return bool(with_formula)
    except (BakeoffError, MemoryError):
        raise
    except _DoctypeFoundError as error:
        raise file.problem("damaged_file", "this workbook declares XML entities.", _SAVE_AGAIN) from error
    except Exception as error:  # a hostile archive makes zipfile, zlib and expat raise a dozen kinds
        raise file.problem("damaged_file", _DAMAGED, _SAVE_AGAIN) from error


def _holds_formula(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    with archive.open(part) as stream:
        _refuse_doctype(stream.read(65_536))
    found, kept = False, b""
    with archive.open(part) as stream:
        while chunk := stream.read(1 << 20):
            found = found or _FORMULA.search(kept + chunk) is not None
            kept = chunk[-50:]
    return found


def _refuse_doctype(start: bytes) -> None:
    """Raise when a document type stands before the root element: exploding entities are declared there."""

    def doctype(*_: object) -> None:
        raise _DoctypeFoundError

    def root(*_: object) -> None:
        raise _RootFoundError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        parser.Parse(start, False)
    except _RootFoundError:
        return
    raise expat.ExpatError("no root element near the beginning")


def _numbered_rows(
    file: UploadedFile, draft: ReportDraft, *, has_formulas: bool
) -> Iterator[tuple[int, Sequence[str | None]]]:
    """(row number, cells) of the rows that are not blank."""
    try:
        results = _sheet(file, draft, data_only=True)
        formulas = _sheet(file, ReportDraft("xlsx"), data_only=False) if has_formulas else None
        yield from _texts(file, draft, _batched(results), _batched(formulas) if formulas else None)
    except (BakeoffError, MemoryError):
        raise
    except Exception as error:  # openpyxl raises KeyError, TypeError, ParseError and more on damaged parts
        raise file.problem("damaged_file", _DAMAGED, _SAVE_AGAIN) from error


def _sheet(file: UploadedFile, draft: ReportDraft, *, data_only: bool) -> Iterator[tuple[Any, ...]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(
            io.BytesIO(file.content), read_only=True, data_only=data_only, keep_links=False, rich_text=False
        )
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or list(book.worksheets)
    if not sheets:
        raise file.problem("empty_worksheet", "the workbook has no worksheet.", _SAVE_AGAIN)
    draft.sheet = sheets[0].title
    if len(sheets) > 1:
        others = ", ".join(f"'{sheet.title}'" for sheet in sheets[1:4])
        draft.notice("other_sheets", f"Only the worksheet '{draft.sheet}' was read; {others} were left out.")
    sheet: Any = sheets[0]
    sheet.reset_dimensions()  # what the file says of its size is often wrong
    return iter(sheet.iter_rows())


def _batched(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The same rows; openpyxl warns of what it leaves out of a sheet, and nothing of that concerns cells."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = list(islice(rows, 1000))
        if not batch:
            return
        yield from batch


def _texts(
    file: UploadedFile,
    draft: ReportDraft,
    results: Iterator[tuple[Any, ...]],
    formulas: Iterator[tuple[Any, ...]] | None,
) -> Iterator[tuple[int, Sequence[str | None]]]:
    stored, lost, seen = 0, "", 0
    n_errors, first_error = 0, ""
    for number, cells in enumerate(results, start=1):
        seen += len(cells)
        if number > _LAST_SHEET_ROW:
            raise file.problem("damaged_file", _DAMAGED, _SAVE_AGAIN)
        if seen > _EMPTY_CELLS_FACTOR * file.limits.cells:
            hint = "Delete the empty rows and columns behind the table, or save the sheet as CSV."
            raise file.too_large("cells", "the worksheet has far more formatted cells than values", hint)
        for cell in next(formulas) if formulas else ():
            if cell.data_type != "f":
                continue
            if cells[cell.column - 1].value is None:
                lost = lost or cell.coordinate
            else:
                stored += 1
        filled = _without_empty_end(cells)
        texts = [_visible_text(cell) for cell in filled]
        errors = [cell.coordinate for cell in filled if cell.data_type == "e" and cell.value is not None]
        n_errors, first_error = n_errors + len(errors), first_error or next(iter(errors), "")
        if any(texts):
            yield number, texts
    if lost and not stored:
        what = f"cell {lost} holds a formula without a stored result."
        raise file.problem("formula_without_result", what, _SAVE_AGAIN)
    if stored:
        without = f" {lost} has none and was read as empty." if lost else ""
        draft.notice("formulas", f"{stored} cells hold formulas; their last stored results were read.{without}")
    if n_errors:
        draft.notice("error_values", f"{n_errors} cells show an error, the first is {first_error}.")


def _without_empty_end(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    end = len(cells)
    while end and cells[end - 1].value is None:
        end -= 1
    return cells[:end]


def _rows(
    file: UploadedFile, records: Iterator[tuple[int, Sequence[str | None]]], columns: tuple[str, ...]
) -> Iterator[tuple[int, Row]]:
    width = len(columns)
    for line, cells in records:
        place = f"row {line}"
        if any(cells[width:]):
            column = next(i for i, cell in enumerate(cells) if i >= width and cell) + 1
            what = f"there is a value in column {column}, which has no name in the header."
            raise file.problem("empty_column_name", what, "Name the column.", place=place)
        row = tuple(cells[:width]) + (None,) * (width - len(cells))
        for name, text in zip(columns, row, strict=True):
            if text:
                file.check_characters(text, place=place, column_name=name)
        yield line, row


def _visible_text(cell: Any) -> str | None:  # noqa: ANN401
    value = cell.value
    text: str | None
    match value:
        case None:
            text = None
        case str():
            text = _ESCAPED_CONTROL.sub(lambda m: chr(int(m[1], 16)), value) if "_x00" in value else value
        case bool():
            text = "TRUE" if value else "FALSE"
        case int() | float():
            text = _number(value, cell.number_format)
        case datetime() if not _CLOCK.search(_NOT_CODES.sub("", cell.number_format)):
            text = value.date().isoformat()
        case datetime():
            text = value.isoformat(sep=" ", timespec="seconds")
        case time():
            text = value.isoformat(timespec="seconds")
        case timedelta():
            text = duration_text(value)
        case _:
            text = str(value)
    return text


def _number(value: int | float, number_format: str) -> str:
    exact = Decimal(format(value, ".15g")) if isinstance(value, float) else Decimal(value)
    if _PADDED.fullmatch(number_format) and len(number_format) > 1:
        sign = "-" if exact < 0 else ""
        return sign + str(abs(exact).quantize(Decimal(1), ROUND_HALF_UP)).zfill(len(number_format))
    decimals = _DECIMALS.fullmatch(number_format)
    if decimals:
        return str(exact.quantize(Decimal(1).scaleb(-len(decimals[1])), ROUND_HALF_UP))
    percent = _PERCENT.fullmatch(number_format)
    if percent:
        return f"{(exact * 100).quantize(Decimal(1).scaleb(-len(percent[1] or '')), ROUND_HALF_UP)}%"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".15g")
    return str(value)
