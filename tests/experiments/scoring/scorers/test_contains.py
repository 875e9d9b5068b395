import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"text": "refund"}, "Your refund is on its way.", 1.0),
        ({"text": "refund"}, "Your Refund is on its way.", 0.0),
        ({"text": "refund", "ignore_case": True}, "Your REFUND is on its way.", 1.0),
        ({"text": "refund", "negate": True}, "Your refund is on its way.", 0.0),
        ({"text": "refund", "negate": True}, "", 1.0),
        ({"texts": ["a", "b"]}, "xbx", 1.0),
        ({"texts": ["a", "b"], "match": "all"}, "xbx", 0.0),
        ({"texts": ["a", "b"], "match": "all"}, "ab", 1.0),
        ({"texts": ["a", "b"], "match": "all", "negate": True}, "xbx", 1.0),
        ({"text": "処理"}, "好的，我会処理。", 1.0),
    ],
)
def test_texts_are_looked_for(options, output, expected):
    assert value({"contains": options}, output) == expected


@pytest.mark.parametrize("entry", ["contains", {"contains": {}}])
def test_without_texts_the_reference_is_looked_for(entry):
    assert value(entry, "The answer is Paris.", " Paris ") == 1.0


def test_a_column_holds_one_text_a_line_or_a_json_list():
    entry = {"contains": {"column": "keywords", "match": "all"}}

    assert value(entry, "red and green", row={"keywords": "red\ngreen\n"}) == 1.0
    assert value(entry, "red and green", row={"keywords": '["red", "blue"]'}) == 0.0


def test_with_a_text_no_reference_is_needed():
    assert score({"contains": "a"}, "a", None).value == 1.0


def test_without_text_and_reference_there_is_no_score():
    assert score("contains", "a", None).reason == "no reference"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"text": "a"}, "does not contain 'a'"),
        ({"texts": ["a", "b"]}, "does not contain any of 'a', 'b'"),
        ({"texts": ["a", "x", "b"], "match": "all"}, "does not contain 'a', 'b'"),
        ({"text": "x", "negate": True}, "contains 'x'"),
    ],
)
def test_the_reason_names_the_texts(options, reason):
    assert score({"contains": options}, "xyz").reason == reason
