import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.scoring.reasons import count, one_line, plain_details, quote, quote_some

ANY_TEXT = st.text(st.characters(), max_size=80) | st.just("\ud800\0\n\u2028")


@settings(deadline=None, max_examples=100)
@given(ANY_TEXT)
def test_a_reason_is_one_printable_line_that_can_be_stored(text):
    line = one_line(text, 40)

    assert line.isprintable()
    assert len(line) <= 40
    line.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n b\t c", "a b c"), ("a\0b\ud800", "a�b�"), ("x" * 50, "x" * 39 + "…"), ("größe 東京", "größe 東京")],
)
def test_lines_are_joined_and_cut(text, expected):
    assert one_line(text, 40) == expected


def test_texts_are_quoted_and_counted():
    assert quote("a\nb") == "'a b'"
    assert quote_some(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"
    assert quote_some([]) == ""
    assert (count(1, "word"), count(0, "word"), count(1200, "word")) == ("1 word", "0 words", "1,200 words")


def test_details_can_always_be_stored_as_json():
    odd = {
        "n": float("nan"),
        "t": "\ud800",
        3: object,
        "deep": {"a": {"b": {"c": {"d": 1}}}},
        "list": list(range(1000)),
    }

    plain = plain_details(odd)

    json.dumps(plain, allow_nan=False).encode("utf-8")
    assert plain["n"] is None
    assert len(plain["list"]) == 50
