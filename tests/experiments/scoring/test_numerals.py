import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.scoring.numerals import Numeral, numerals


def values(text):
    return [found.value for _, found in numerals(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234", [1234]),
        ("1,234.50", [1234.5]),
        ("1,234,567 people", [1234567]),
        ("12,34,567", [1234567]),
        ("1.234.567", [1234567]),
        ("1.234,50", [1234.5]),
        ("1.234", [1.234]),
        ("12,5", [12.5]),
        ("0,125", [0.125]),
        ("1234,567", [1234.567]),
        ("1 234 567", [1234567]),
        ("12\u00a0500", [12500]),
        ("12\u202f500,75", [12500.75]),
        ("1'234'567.8", [1234567.8]),
        ("1_000", [1000]),
        ("1, 2, 3", [1, 2, 3]),
        ("1,2,3", [1, 2, 3]),
        ("18.", [18]),
        ("18.5.", [18.5]),
        (".5", [0.5]),
        ("it is...5", [5]),
    ],
)
def test_separators_are_read_where_they_are_clear(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-18", [-18]),
        ("−18", [-18]),
        ("x=-5", [-5]),
        ("-$18", [-18]),
        ("$-18", [-18]),
        ("5-3", [5, 3]),
        ("10–15", [10, 15]),
        ("- 18", [18]),
        ("+5", [5]),
        ("€18", [18]),
        ("18€", [18]),
        ("USD18", [18]),
        ("Rs. 500", [500]),
        ("R$ 18", [18]),
        ("**18**", [18]),
        ("(18) [19] `20`", [18, 19, 20]),
        ("答案是18。", [18]),
        ("١٨", [18]),
        ("１８", [18]),
    ],
)
def test_signs_and_currencies_are_read(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/4", [0.75]),
        ("1 1/2", [1.5]),
        ("½", [0.5]),
        ("2½", [2.5]),
        (r"\frac{3}{4}", [0.75]),
        (r"-\frac{3}{4}", [-0.75]),
        ("10/15/2024", [10, 15, 2024]),
        ("1/0", []),
        ("1.5e3", [1500]),
        (r"3.0 \times 10^8", [3e8]),
        ("3 × 10^{-2}", [0.03]),
        ("2^10", [1024]),
        ("18 cm^2", [18]),
        ("18 m²", [18]),
        ("2.5 million", [2.5e6]),
        ("70k", [70000]),
        ("5km", [5]),
        ("18th", [18]),
        ("B12 x2 GPT4 a_3", []),
        ("1e400", []),
        ("9" * 400, []),
    ],
)
def test_fractions_powers_and_scales_are_read(text, expected):
    assert values(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "other"),
    [("50%", (0.5,)), ("50 percent", (0.5,)), ("12 500", (500.0,)), ("70k", (70.0,)), ("18", ())],
)
def test_other_readings_are_kept(text, other):
    [(_, found)] = numerals(text)

    assert found.other == other


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Numeral(50, (0.5,)), Numeral(0.5), True),
        (Numeral(0.5), Numeral(50, (0.5,)), True),
        (Numeral(50, (0.5,)), Numeral(0.5, (0.005,)), False),
        (Numeral(50), Numeral(50), True),
        (Numeral(50), Numeral(51), False),
    ],
)
def test_only_one_side_is_read_in_another_way(first, second, expected):
    assert first.matches(second, tolerance=0, relative_tolerance=0) is expected


@settings(deadline=None, max_examples=100)
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(lambda x: round(x, 4)))
def test_what_python_writes_is_read_back(number):
    assert values(f"it is {number:,.4f}, or so") == [pytest.approx(number, abs=1e-9, rel=1e-12)]


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="0123456789.,-−/ %$€eE^{}\\fracxk½\u00a0\ud800", max_size=60))
def test_any_text_gives_finite_numbers(text):
    assert all(math.isfinite(reading) for _, found in numerals(text) for reading in (found.value, *found.other))
