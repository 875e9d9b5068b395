import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"max_words": 3}, "one two three", 1.0),
        ({"max_words": 3}, "one two three four", 0.0),
        ({"min_words": 1}, "", 0.0),
        ({"min_words": 4, "max_words": 4}, "don't stop—never ever", 1.0),
        ({"max_characters": 5}, "  hello \n", 1.0),
        ({"min_characters": 6}, "hello", 0.0),
        ({"max_characters": 0}, "", 1.0),
        ({"max_sentences": 2}, "One. Two! Three?", 0.0),
        ({"min_sentences": 2, "max_sentences": 2}, "Dr. Lee paid $3.50. Fine.", 1.0),
        ({"min_words": 4, "max_words": 4}, "你好世界", 1.0),
        ({"min_sentences": 2}, "好的。我来处理。", 1.0),
        ({"max_words": 0}, "\0\ud800 …", 1.0),
    ],
)
def test_bounds_are_included(options, output, expected):
    assert value({"length": options}, output) == expected


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_words": 1}, "2 words; at most 1 allowed"),
        ({"min_sentences": 2}, "1 sentence; at least 2 wanted"),
        ({"min_characters": 1000}, "9 characters; at least 1,000 wanted"),
    ],
)
def test_the_reason_tells_size_and_bound(options, reason):
    assert score({"length": options}, "two words").reason == reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give at least one bound"),
        ({"min_words": 5, "max_words": 4}, "min_words is larger than max_words"),
        ({"max_words": -1}, "greater than or equal to 0"),
        ({"max_words": 2.5}, "'max_words'"),
    ],
)
def test_senseless_bounds_are_refused(options, message):
    with pytest.raises(BakeoffError, match=message):
        bind({"length": options})
