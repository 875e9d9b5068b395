import pytest

from tests.experiments.scoring.scored import score, value


# 2 × (characters in common, in order) / (both lengths), counted by hand.
@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("hello", "hello", 1.0),
        ("hello", "hallo", 2 * 4 / 10),
        ("kitten", "sitting", 2 * 4 / 13),
        ("abc", "xyz", 0.0),
        ("", "abc", 0.0),
        (" hello ", "hello", 1.0),
        ("東京都", "東京", 2 * 2 / 5),
        ("\ud800a", "\ud800b", 2 * 1 / 4),
        ("a\0", "a", 2 * 1 / 3),
    ],
)
def test_shared_characters_count(output, reference, expected):
    assert value("similarity", output, reference) == pytest.approx(expected)


def test_case_and_word_order_can_be_ignored():
    assert value({"similarity": {"ignore_case": True}}, "HELLO", "hello") == 1.0
    assert value({"similarity": {"ignore_word_order": True}}, "b c a", "a b c") == 1.0


def test_long_texts_are_compared_word_by_word():
    output, reference = "word " * 5000, "word " * 2500 + "other " * 2500

    assert value("similarity", output, reference) == pytest.approx(0.5)


def test_a_threshold_makes_it_pass_or_fail():
    found = score({"similarity": {"threshold": 0.9}}, "hello", "hallo")

    assert (found.value, found.reason, found.details) == (0.0, "0.8 is below 0.9", {"value": 0.8})
