"""One table, whatever the file was: exact text, one identity, stated limits, and never a foreign exception."""

import csv
import io
import json
import subprocess
import sys

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments.datasets.examples import build_examples, dataset_hash
from experiments.datasets.limits import FileLimits
from experiments.datasets.reading import open_table, read_table
from experiments.errors import BakeoffError, TooLarge

TRAPS = (
    "NA", "N/A", "null", "None", "NaN", "nan", "-nan", "<NA>", "#N/A", "", "007", "00", "1e5", "1E400", "1.0", "1.",
    "+5", "-0", "TRUE", "true", "False", " leading", "trailing ", "  ", "a,b", 'say "hi"', "line\nbreak",
    "cr\rlf\r\nend", "=1+1", "'quoted'", "١٢", "ﬁ", "e\u0301", "\ufeffmark", "\u2028", "\u00a0", "😀", "\\n", "\t",
    "2026-01-31", "31/01/2026", "12:30", "1,5", "$5", "50%",
)  # fmt: skip

CELL = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)


def csv_bytes(columns, rows, **dialect):
    file = io.StringIO(newline="")
    writer = csv.writer(file, **dialect)
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue().encode()


def jsonl_bytes(columns, rows):
    return "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows).encode()


def json_bytes(columns, rows):
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows]).encode()


def parquet_bytes(columns, rows):
    arrays = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(columns)}
    file = io.BytesIO()
    pq.write_table(pa.table(arrays), file)
    return file.getvalue()


def xlsx_bytes(columns, rows):
    book = openpyxl.Workbook()
    for line, row in enumerate((columns, *rows), start=1):
        for number, text in enumerate(row, start=1):
            cell = book.active.cell(line, number)
            cell.value = text or None
            cell.data_type = "s" if text else "n"  # a text even when it begins as a formula
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("text", TRAPS)
@pytest.mark.parametrize("writer", [csv_bytes, jsonl_bytes, json_bytes, parquet_bytes])
def test_a_cell_stays_the_text_it_is(writer, text):
    table = read_table(writer(["id", "body"], [["1", text]]), filename="x")

    assert table.rows == [("1", text)]


@pytest.mark.parametrize("text", [t for t in TRAPS if t and "\r" not in t])
def test_a_worksheet_cell_stays_the_text_it_is(text):
    table = read_table(xlsx_bytes(["id", "body"], [["1", text]]), filename="x.xlsx")

    assert table.rows == [("1", text)]


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(["\r\n", "\n"]))
@settings(deadline=None, max_examples=150)
def test_any_text_survives_csv(rows, line_end):
    content = csv_bytes(["left", "right"], rows, lineterminator=line_end, quoting=csv.QUOTE_ALL)

    assert read_table(content, filename="x.csv").rows == rows


@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5), st.sampled_from([",", ";", "\t", "|"]), st.booleans()
)
@settings(deadline=None, max_examples=100)
def test_the_delimiter_is_found_whatever_the_cells_hold(rows, delimiter, mark):
    content = csv_bytes(["one", "two", "three"], rows, delimiter=delimiter, quoting=csv.QUOTE_ALL)

    table = read_table((b"\xef\xbb\xbf" if mark else b"") + content, filename="x")

    assert (table.report.delimiter, table.rows) == (delimiter, rows)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_the_dataset_hash_does_not_depend_on_the_file_format(rows):
    hashes = {
        dataset_hash(build_examples(read_table(writer(["id", "body"], rows), filename="x")))
        for writer in (csv_bytes_quoted, jsonl_bytes, json_bytes, parquet_bytes)
    }

    assert len(hashes) == 1


def csv_bytes_quoted(columns, rows):
    return csv_bytes(columns, rows, quoting=csv.QUOTE_ALL)


def table_or_none(content, filename):
    """The table, or None when the file is refused; any other exception fails the test."""
    try:
        return read_table(content, filename=filename)
    except BakeoffError:
        return None


@given(st.binary(max_size=300))
@example(b"PAR1" + b"\x00" * 20 + b"PAR1")
@example(b"PK\x05\x06" + b"\x00" * 18)
@example(b"{")
@example(b'{"a":1}\n{"a"')
@example(b"[[[[")
@example(b'"')
@example(b"a,b\n\xff\xfe")
@example(b"\xff\xfe\x00")
@example(b"\x80\x04.")
@settings(deadline=None, max_examples=300)
def test_arbitrary_bytes_raise_nothing_but_a_bakeoff_error(content):
    table = table_or_none(content, "upload.bin")

    assert table is None or all(len(row) == len(table.columns) for row in table.rows)


@given(st.sampled_from(["xlsx", "parquet", "json", "jsonl", "csv"]), st.data())
@settings(deadline=None, max_examples=150)
def test_a_damaged_file_raises_nothing_but_a_bakeoff_error(kind, data):
    whole = WHOLE_FILES[kind]
    cut = data.draw(st.integers(1, len(whole)))
    flips = data.draw(st.lists(st.tuples(st.integers(0, cut - 1), st.integers(0, 255)), max_size=4))
    damaged = bytearray(whole[:cut])
    for at, byte in flips:
        damaged[at] = byte

    table = table_or_none(bytes(damaged), f"x.{kind}")

    assert table is None or table.rows


WHOLE_FILES = {
    kind: writer(["id", "body"], [["1", "a b"], ["2", "ü,\n;"]])
    for kind, writer in {
        "xlsx": xlsx_bytes,
        "parquet": parquet_bytes,
        "json": json_bytes,
        "jsonl": jsonl_bytes,
        "csv": csv_bytes,
    }.items()
}


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (FileLimits(file_bytes=10), "file_bytes"),
        (FileLimits(rows=2), "rows"),
        (FileLimits(columns=1), "columns"),
        (FileLimits(cells=5), "cells"),
        (FileLimits(cell_characters=4), "cell_characters"),
        (FileLimits(total_characters=8), "total_characters"),
    ],
)
@pytest.mark.parametrize("writer", [csv_bytes, jsonl_bytes, json_bytes, parquet_bytes, xlsx_bytes])
def test_beyond_a_limit_the_limit_is_named(writer, limits, named):
    content = writer(["id", "body"], [["1", "short"], ["2", "b"], ["3", "c"]])

    with pytest.raises(TooLarge) as caught:
        read_table(content, filename="x", limits=limits)

    assert f"({named})" in caught.value.message
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "content",
    [b"a,b\n" + b"," * 100, b"," * 100 + b"\n1", b"[" + b"{}," * 100 + b"{}]", b'{"a": [' + b"0," * 100 + b"0]}"],
)
def test_a_file_of_countless_tiny_values_is_refused_before_it_fills_the_memory(content):
    with pytest.raises(TooLarge):
        read_table(content, filename="x", limits=FileLimits(cells=20))


@pytest.mark.parametrize("writer", [csv_bytes, jsonl_bytes, json_bytes, parquet_bytes, xlsx_bytes])
def test_exactly_at_the_limits_a_file_is_read(writer):
    content = writer(["id", "body"], [["1", "four"], ["2", "b"]])
    limits = FileLimits(rows=2, columns=2, cells=4, cell_characters=4, total_characters=7)

    assert len(read_table(content, filename="x", limits=limits).rows) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"  \n\n", "empty_file"),
        (b"\n\x00", "empty_file"),
        (b"a,b\n", "no_rows"),
        (b"[]", "no_rows"),
        (b"{}", "no_rows"),
    ],
)
def test_a_file_without_rows_says_so(content, code):
    with pytest.raises(BakeoffError) as caught:
        read_table(content, filename="x.csv")

    assert caught.value.code == code


def test_the_ending_of_the_name_is_only_a_hint():
    table = read_table(parquet_bytes(["a"], [["1"]]), filename="export.csv")

    assert table.report.format == "parquet"
    assert [n.code for n in table.report.notices] == ["other_format"]


def test_the_folder_of_the_file_is_not_told():
    with pytest.raises(BakeoffError) as caught:
        read_table(b"a,b\n1\n", filename="/home/someone/secret/tickets.csv")

    assert caught.value.message.startswith("tickets.csv, line 2")


def test_a_hostile_file_name_cannot_break_the_sentence():
    with pytest.raises(BakeoffError) as caught:
        read_table(b"", filename="a\n\x1b[31m" + "b" * 500)

    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 140


def test_rows_are_decoded_as_they_are_taken():
    content = b"a,b\n" + b"1,2\n" * 50_000 + b"broken\n"

    opened = open_table(content, filename="x.csv")

    assert next(opened.rows) == (2, ("1", "2"))


def test_the_same_rows_come_from_the_stream_and_from_the_table():
    content = csv_bytes(["a", "b"], [["1", "x\ny"], ["2", ""]])

    assert list(open_table(content, filename="x").rows) == [(2, ("1", "x\ny")), (4, ("2", ""))]


def test_reading_csv_and_json_imports_no_heavy_library():
    code = (
        "import sys; from experiments.datasets.reading import read_table;"
        "read_table(b'a,b\\n1,2', filename='x.csv'); read_table(b'{\"a\": 1}', filename='x.jsonl');"
        "print([m for m in ('pandas', 'numpy', 'pyarrow', 'openpyxl', 'scipy', 'rapidfuzz') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_parquet_file_is_read_without_pandas(tmp_path):
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"t": pa.array([1], pa.timestamp("ns")), "s": ["a"]}), file)
    code = (
        "import sys, pathlib; from experiments.datasets.reading import read_table;"
        "print(read_table(pathlib.Path(sys.argv[1]).read_bytes(), filename='x').rows, 'pandas' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[('1970-01-01 00:00:00', 'a')] False"
