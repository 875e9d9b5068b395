"""Parquet: sizes from the metadata first, text-exact values, repeated values counted before they are spread out."""

import io
import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.datasets.limits import FileLimits
from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError, TooLarge


def parquet(**columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def read(content, **options):
    return read_table(content, filename="tickets.parquet", **options)


def complaint(content, **options):
    with pytest.raises(BakeoffError) as caught:
        read(content, **options)
    return caught.value


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array(["NA", "", None]), ["NA", "", None]),
        (pa.array([7, None]), ["7", None]),
        (pa.array([7.0, 0.1, 1e300, None]), ["7", "0.1", "1e+300", None]),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array([date(2026, 1, 31)]), ["2026-01-31"]),
        (pa.array([datetime.fromisoformat("2026-01-31T13:30")], pa.timestamp("ns")), ["2026-01-31 13:30:00"]),
        (pa.array([0], pa.timestamp("s", "UTC")), ["1970-01-01 00:00:00+00:00"]),
        (pa.array([timedelta(hours=26)], pa.duration("s")), ["26:00:00"]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([b"text"]), ["text"]),
        (pa.array([["a", None], []]), ['["a",null]', "[]"]),
        (pa.array([{"b": 1, "a": "é"}]), ['{"a":"é","b":1}']),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "y", "x"]),
        (pa.array([1, 2, 1]).dictionary_encode(), ["1", "2", "1"]),
    ],
)
def test_a_value_becomes_text_and_null_stays_missing(values, texts):
    assert [row[0] for row in read(parquet(a=values)).rows] == texts


def test_rows_are_numbered():
    assert read(parquet(a=["x", "y"])).place(1) == "row 2"


def test_bytes_that_are_no_text_are_refused_by_their_column():
    error = complaint(parquet(a=["x"], picture=[b"\xff\xd8\xff"]))

    assert (error.code, "'picture'" in error.message) == ("binary_column", True)


def test_a_value_repeated_without_end_is_refused_before_it_is_spread_out():
    row = "x" * 100_000
    bomb = parquet(a=pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array([row])))
    assert len(bomb) < 300_000

    error = complaint(bomb)

    assert (isinstance(error, TooLarge), "(decoded_bytes)" in error.message) == (True, True)


def test_a_repeated_value_inside_lists_is_counted_too():
    row = "x" * 1000
    inner = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array([row]))
    bomb = parquet(a=pa.ListArray.from_arrays(pa.array([0, 100_000], pa.int32()), inner))

    error = complaint(bomb, limits=FileLimits(decoded_bytes=50_000_000))

    assert (isinstance(error, TooLarge), "(decoded_bytes)" in error.message) == (True, True)


@pytest.mark.parametrize(
    ("limits", "named"),
    [(FileLimits(rows=9), "rows"), (FileLimits(cells=9), "cells"), (FileLimits(decoded_bytes=9), "decoded_bytes")],
)
def test_the_metadata_is_believed_before_anything_is_decoded(limits, named):
    assert f"({named})" in complaint(parquet(a=["x"] * 10), limits=limits).message


def test_a_repeated_text_within_the_limits_is_read():
    table = read(parquet(a=["x" * 1000] * 1000))

    assert table.rows[999] == ("x" * 1000,)


def test_a_cut_file_is_damaged():
    assert complaint(parquet(a=["x"])[:-20]).code == "damaged_file"


def test_no_damaged_byte_ends_the_process(tmp_path):
    """Arrow aborts the process over damaged column statistics when they are asked for the wrong way."""
    file = tmp_path / "x.parquet"
    file.write_bytes(parquet(id=["1", "2"], body=["a", None]))
    code = (
        "import sys, pathlib\n"
        "from experiments.datasets.reading import read_table\n"
        "from experiments.errors import BakeoffError\n"
        "whole = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "for at in range(4, len(whole)):\n"
        "    for flip in (1, 4, 6, 8):\n"
        "        damaged = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1:]\n"
        "        try:\n"
        "            read_table(damaged, filename='x.parquet')\n"
        "        except BakeoffError:\n"
        "            pass\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_two_columns_of_one_name_are_refused():
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["a", "a"]), file)

    assert complaint(file.getvalue()).code == "duplicate_column"


def test_a_nul_in_a_text_is_refused_with_its_row():
    error = complaint(parquet(a=["x", "y\x00"]))

    assert (error.code, "row 2, column 2" in error.message) == ("bad_character", True)
