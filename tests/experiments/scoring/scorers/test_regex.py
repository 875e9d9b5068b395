import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"pattern": r"\d{3}"}, "code 123", 1.0),
        ({"pattern": r"\d{3}"}, "", 0.0),
        ({"pattern": r"\d{3}", "full": True}, "code 123", 0.0),
        ({"pattern": r"\d{3}", "full": True}, " 123\n", 1.0),
        ({"pattern": "next step"}, "Next step", 0.0),
        ({"pattern": "next step", "ignore_case": True}, "Next step", 1.0),
        ({"pattern": "(?i)next step"}, "Next step", 1.0),
        ({"pattern": "sorry", "negate": True}, "sorry", 0.0),
        ({"pattern": r"^\p{Han}+$"}, "東京", 1.0),
        ({"pattern": "\\x00"}, "a\0b", 1.0),
        ({"pattern": "b"}, "\ud800b", 1.0),
    ],
)
def test_the_pattern_decides(options, output, expected):
    assert value({"regex": options}, output) == expected


def test_a_bare_value_is_the_pattern():
    assert value({"regex": "a.c"}, "abc") == 1.0


def test_the_pattern_may_come_from_a_column():
    assert value({"regex": {"column": "expected"}}, "A-12", row={"expected": r"[A-Z]-\d+"}) == 1.0


def test_a_broken_pattern_in_a_column_gives_no_score():
    found = score({"regex": {"column": "expected"}}, "x", row={"expected": "("})

    assert found.value is None
    assert found.reason == "the pattern in the column 'expected' is no regular expression: missing ) at position 1"


def test_a_pattern_that_runs_away_is_stopped_and_gives_no_score():
    found = score({"regex": {"pattern": "(a|aa)+$"}}, "a" * 60 + "b")  # as many ways as the 60th Fibonacci number

    assert found.value is None
    assert found.reason == "the pattern took longer than 250 ms"


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<x>a)(?P<x", "a" * 2001])
def test_a_broken_pattern_is_refused_when_the_file_is_read(pattern):
    with pytest.raises(BakeoffError, match="'pattern' of the scorer 'regex'"):
        bind({"regex": pattern})


@pytest.mark.parametrize("options", [{}, {"pattern": "a", "column": "b"}])
def test_pattern_and_column_exclude_each_other(options):
    with pytest.raises(BakeoffError, match="give either 'pattern' or 'column'"):
        bind({"regex": options})
