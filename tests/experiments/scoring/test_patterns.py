import time

import pytest

from experiments.scoring.patterns import PatternTooSlow, compiled, found


def test_a_search_ends_soon_after_its_limit():
    started = time.monotonic()

    with pytest.raises(PatternTooSlow, match="took longer than 250 ms"):
        found("(a|aa)+$", "a" * 60 + "b")

    assert time.monotonic() - started < 5


def test_a_megabyte_is_searched():
    assert not found("needle", "hay" * 350_000)


def test_a_pattern_is_compiled_once():
    assert compiled("a+b") is compiled("a+b")


@pytest.mark.parametrize("pattern", ["(" * 1500, "a{99999999999999999999}(", "*a", "a" * 2001])
def test_odd_patterns_are_refused_with_a_reason(pattern):
    with pytest.raises(ValueError, match=r"is no regular expression|is longer than"):
        compiled(pattern)
