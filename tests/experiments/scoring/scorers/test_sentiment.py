import pytest

from tests.experiments.scoring.scored import score, value


# (positive - negative) / (positive + negative), counted by hand.
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("I love this, it works great.", 1.0),
        ("Terrible, slow and broken.", -1.0),
        ("Great screen, terrible battery.", 0.0),
        ("Good, helpful, fast, but expensive.", 0.5),
        ("Not good at all.", -1.0),
        ("It isn’t bad.", 1.0),
        ("I never said that the hotel was good.", 1.0),
        ("The sky is blue.", 0.0),
    ],
)
def test_words_are_weighed(output, expected):
    assert value("sentiment", output) == pytest.approx(expected)


def test_the_counts_are_kept():
    assert score("sentiment", "great, great, bad").details == {"positive": 2, "negative": 1}


@pytest.mark.parametrize("output", ["", "42", "東京", "\ud800"])
def test_without_words_there_is_no_score(output):
    assert score("sentiment", output).reason == "no English word to measure"
