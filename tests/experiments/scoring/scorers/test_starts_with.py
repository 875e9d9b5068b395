import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"text": "Dear"}, " Dear Ms Lee,", 1.0),
        ({"text": "Dear"}, "Oh Dear", 0.0),
        ({"texts": ["Hi", "Hello"]}, "Hello there", 1.0),
        ({"text": "dear", "ignore_case": True}, "DEAR ALL", 1.0),
        ({"text": "Sorry", "negate": True}, "Sorry, no", 0.0),
        ({"text": "Sorry"}, "", 0.0),
        ({"text": "親愛"}, "親愛なる皆様", 1.0),
    ],
)
def test_the_beginning_counts(options, output, expected):
    assert value({"starts_with": options}, output) == expected


def test_without_texts_the_reference_is_the_beginning():
    assert value("starts_with", "Paris is it", "Paris") == 1.0


def test_the_reason_names_the_text():
    assert score({"starts_with": "a"}, "b").reason == "does not start with 'a'"
