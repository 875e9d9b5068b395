"""What counts as a number in a cell."""

import pytest

from experiments.datasets.numbers_in_text import is_not_finite, number_of


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1.0),
        (" -3.5 ", -3.5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7.0),
        ("True", 1.0),
        ("false", 0.0),
    ],
)
def test_a_number_is_read(cell, value):
    assert number_of(cell) == value


@pytest.mark.parametrize("cell", ["", "1,5", "1_000", "٣", "0x1", "nan", "inf", "1e999", "yes", "1 2", "$5", "50%"])
def test_what_only_resembles_a_number_is_none(cell):
    assert number_of(cell) is None


@pytest.mark.parametrize(
    ("cell", "answer"), [("NaN", True), ("-inf", True), ("1e999", True), ("5", False), ("x", False)]
)
def test_what_is_not_finite_is_known(cell, answer):
    assert is_not_finite(cell) is answer
