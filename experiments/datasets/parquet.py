"""Parquet → rows. Sizes are read from the metadata before anything is decoded.

pyarrow is imported inside functions. Texts are read as dictionaries, so that a value repeated a million
times in a file of a few kilobytes is counted against the limits before it is spread out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.datasets.cell_text import cell_text
from experiments.datasets.table import OpenTable, ReportDraft, Row, column_names
from experiments.datasets.upload import UploadedFile
from experiments.errors import BakeoffError

_BATCH_ROWS = 4096
_DAMAGED = "this Parquet file is damaged and cannot be read."
_WRITE_AGAIN = "Write it again, or save the table as CSV."


def open_parquet(file: UploadedFile, draft: ReportDraft) -> OpenTable:
    """One row per row of the file; whole numbers have no ``.0``, lists and structs become canonical JSON.

    Raises:
        BakeoffError: ``damaged_file``, ``binary_column``, complaints about names.
        TooLarge: by rows, columns, cells or decoded size, as the metadata tells them.
    """
    try:
        parquet, names = _opened(file)
    except (BakeoffError, MemoryError):
        raise
    except Exception as error:  # Arrow raises its own kinds, OSError and ValueError on damaged files
        raise file.problem("damaged_file", _DAMAGED, _WRITE_AGAIN) from error
    columns = column_names(file, names, place="the schema")
    return OpenTable(columns, _rows(file, parquet, columns), "row", draft)


def _opened(file: UploadedFile) -> tuple[Any, list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(pa.BufferReader(file.content))
    _check_size(file, metadata)
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    parquet = pq.ParquetFile(pa.BufferReader(file.content), read_dictionary=texts)
    return parquet, list(parquet.schema_arrow.names)


def _check_size(file: UploadedFile, metadata: Any) -> None:  # noqa: ANN401
    limits, hint = file.limits, "Write fewer rows or columns into the file."
    if metadata.num_rows > limits.rows:
        raise file.too_large("rows", f"{metadata.num_rows:,} rows", hint)
    if metadata.num_columns > limits.columns:
        raise file.too_large("columns", f"{metadata.num_columns:,} columns", hint)
    if metadata.num_rows * metadata.num_columns > limits.cells:
        raise file.too_large("cells", f"{metadata.num_rows:,} rows of {metadata.num_columns} columns", hint)
    # Row groups only: asking for one column's metadata ends the whole process when its statistics are damaged.
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    size = max(size, 8 * metadata.num_rows * metadata.num_columns)
    if size > limits.decoded_bytes:
        raise file.too_large("decoded_bytes", f"the file unpacks to {size:,} bytes", hint)


def _rows(file: UploadedFile, parquet: Any, columns: tuple[str, ...]) -> Iterator[tuple[int, Row]]:  # noqa: ANN401
    number, decoded = 0, 0
    batches = parquet.iter_batches(batch_size=_BATCH_ROWS)
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                return
            decoded += sum(_text_bytes(array) for array in batch.columns)
            if decoded > file.limits.decoded_bytes:
                hint = "Shorten the longest column."
                raise file.too_large("decoded_bytes", "the texts unpack to more", hint, place=f"row {number + 1}")
            cells = [_cells(file, name, array) for name, array in zip(columns, batch.columns, strict=True)]
        except (BakeoffError, MemoryError):
            raise
        except Exception as error:  # Arrow raises its own kinds, OSError and ValueError on damaged pages
            raise file.problem("damaged_file", _DAMAGED, _WRITE_AGAIN) from error
        for row in zip(*cells, strict=True):
            number += 1
            for name, text in zip(columns, row, strict=True):
                if text:
                    file.check_characters(text, place=f"row {number}", column_name=name)
            yield number, row


def _text_bytes(array: Any) -> int:  # noqa: ANN401
    """How many bytes the texts of an array take when every repeated value is written out; nested ones too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        if not (pa.types.is_string(array.type.value_type) or pa.types.is_binary(array.type.value_type)):
            return 0
        lengths = pc.cast(pc.binary_length(array.dictionary), pa.int64())
        return int(pc.sum(pc.take(lengths, array.indices)).as_py() or 0)
    if pa.types.is_struct(array.type):
        return sum(_text_bytes(array.field(i)) for i in range(array.type.num_fields))
    if pa.types.is_map(array.type):
        return _text_bytes(array.keys) + _text_bytes(array.items)
    if pa.types.is_nested(array.type):
        return _text_bytes(array.flatten())
    return 0


def _cells(file: UploadedFile, name: str, array: Any) -> list[str | None]:  # noqa: ANN401
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)  # nanoseconds would import pandas
    try:
        return [cell_text(value) for value in array.to_pylist()]
    except UnicodeDecodeError as error:
        what = f"the column '{name}' holds bytes that are not text."
        raise file.problem("binary_column", what, "Leave the column out.") from error
