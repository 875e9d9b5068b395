import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"text": "Kind regards"}, "… Kind regards\n", 1.0),
        ({"text": "Kind regards"}, "Kind regards, Ada", 0.0),
        ({"texts": ["?", "!"]}, "Shall we?", 1.0),
        ({"text": "BYE", "ignore_case": True}, "bye", 1.0),
        ({"text": "?", "negate": True}, "Shall we?", 0.0),
        ({"text": "?"}, "", 0.0),
    ],
)
def test_the_end_counts(options, output, expected):
    assert value({"ends_with": options}, output) == expected


def test_a_column_may_hold_the_ending():
    assert value({"ends_with": {"column": "closing"}}, "Take care", row={"closing": "care"}) == 1.0


def test_the_reason_names_the_text():
    assert score({"ends_with": {"text": "a", "negate": True}}, "ba").reason == "ends with 'a'"
