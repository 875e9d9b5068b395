"""Typed values → text."""

import math
from datetime import timedelta

import pytest

from experiments.datasets.cell_text import NumberLiteral, cell_text, duration_text, number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.0, "7"),
        (0.1, "0.1"),
        (1e15, "1000000000000000"),
        (1e16, "1e+16"),
        (-0.0, "-0"),
        (1e-7, "1e-07"),
        (math.inf, "inf"),
    ],
)
def test_a_number_is_the_shortest_text_that_reads_back(value, text):
    assert number_text(value) == text
    assert float(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(hours=26, minutes=5, seconds=1), "26:05:01"),
        (timedelta(seconds=-90), "-0:01:30"),
        (timedelta(milliseconds=1500), "0:00:01.500000"),
    ],
)
def test_a_duration_counts_hours(value, text):
    assert duration_text(value) == text


def test_nested_values_have_one_text_whatever_the_order_of_their_keys():
    assert cell_text({"b": [1, None], "a": {"y": True}}) == cell_text({"a": {"y": True}, "b": [1, None]})


def test_a_number_literal_is_no_text_inside_nested_values():
    assert cell_text([NumberLiteral("1e5"), "1e5"]) == '[1e5,"1e5"]'


def test_a_number_that_json_does_not_know_becomes_a_word():
    assert cell_text([math.nan]) == '["nan"]'
