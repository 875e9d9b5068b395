"""Exports: CSV that no spreadsheet runs, JSON Lines that give back what went in."""

import csv
import io
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.exports import neutralised, write_csv, write_jsonl

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=20)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def csv_text(rows, columns):
    file = io.StringIO(newline="")
    write_csv(rows, columns, file)
    return file.getvalue()


def read_csv(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(start):
    assert neutralised(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("text", ["-5", "+3.2e4", "-.5", "5 degrees", "a=b", "'x", "", " =1", "5-3", "１"])
def test_a_plain_number_and_any_other_text_stay(text):
    assert neutralised(text) == text


@pytest.mark.parametrize("text", ["-5+cmd|' /C calc'!A0", "-inf", "+", "-", "-1 2", "-٣", "=-5"])
def test_what_is_not_quite_a_number_is_neutralised(text):
    assert neutralised(text) == f"'{text}"


def test_a_text_that_looks_guarded_already_gets_one_more_apostrophe():
    assert neutralised("'=1") == "''=1"


def test_a_cell_is_quoted_so_that_no_other_delimiter_splits_it():
    assert csv_text([{"a": "x;=1+1"}], ["a"]) == '"a"\r\n"x;=1+1"\r\n'


def test_values_become_cells():
    moment = datetime(2026, 1, 31, 13, 30, tzinfo=UTC)
    row = {"n": 1, "x": 0.5, "none": None, "yes": True, "o": {"b": [1], "a": "é"}, "at": moment, "skip": "?"}

    cells = read_csv(csv_text([row], ["n", "x", "none", "yes", "o", "at", "absent"]))[1]

    assert cells == ["1", "0.5", "", "true", '{"a":"é","b":[1]}', "2026-01-31T13:30:00+00:00", ""]


def test_half_a_character_is_replaced_in_csv():
    assert read_csv(csv_text([{"a": "x\ud800"}], ["a"]))[1] == ["x\ufffd"]


@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
@settings(deadline=None, max_examples=150)
def test_csv_gives_back_every_text_but_for_the_apostrophe(rows):
    text = csv_text([{"a": a, "b": b} for a, b in rows], ["a", "b"])

    assert read_csv(text)[1:] == [[neutralised(a), neutralised(b)] for a, b in rows]
    assert all(neutralised(cell) in (cell, f"'{cell}") for row in rows for cell in row)


@given(st.lists(st.dictionaries(st.text(max_size=8), VALUE, max_size=4), max_size=5))
@settings(deadline=None, max_examples=150)
def test_json_lines_give_back_exactly_what_went_in(rows):
    file = io.StringIO(newline="")

    count = write_jsonl(rows, file)

    lines = file.getvalue().encode("utf-8").decode().split("\n")
    assert (count, lines[-1]) == (len(rows), "")
    assert [json.loads(line) for line in lines[:-1]] == rows


def test_json_lines_are_raw():
    file = io.StringIO()

    write_jsonl([{"a": "=1+1", "b": "ü", "at": datetime(2026, 1, 31, tzinfo=UTC)}], file)

    assert file.getvalue() == '{"a": "=1+1", "b": "ü", "at": "2026-01-31T00:00:00+00:00"}\n'


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize(
    "write", [lambda row: write_csv([row], ["a"], io.StringIO()), lambda row: write_jsonl([row], io.StringIO())]
)
def test_a_number_that_is_not_finite_is_never_written(write, number):
    with pytest.raises(ValueError, match=r"finite|compliant"):
        write({"a": number})


def test_a_value_that_json_does_not_know_is_refused():
    with pytest.raises(TypeError, match="object"):
        write_jsonl([{"a": object()}], io.StringIO())


def test_rows_are_written_as_they_come():
    file = io.StringIO()

    def rows():
        yield {"a": 1}
        assert file.getvalue().count("\n") >= 1
        yield {"a": 2}

    assert write_jsonl(rows(), file) == 2


def test_the_header_is_neutralised_too():
    assert csv_text([], ["=a", "score:x"]) == '"\'=a","score:x"\r\n'
