import pytest

from tests.experiments.scoring.scored import score, value


# precision = hits / chosen, recall = hits / right, F1 = 2 P R / (P + R), by hand.
@pytest.mark.parametrize(
    ("output", "reference", "precision", "recall", "f1"),
    [
        ("a, b", "a, b", 1, 1, 1),
        ("a, b, c, d", "a, x", 1 / 4, 1 / 2, 1 / 3),
        ("a", "a, b, c", 1, 1 / 3, 1 / 2),
        ("x", "a", 0, 0, 0),
        ("A; a", '["a"]', 1, 1, 1),
        ("", "a", 0, 0, 0),
        ("a", "[]", 0, 0, 0),
        ("[]", "[]", 1, 1, 1),
        ("", "[]", 1, 1, 1),
    ],
)
def test_sets_are_compared(output, reference, precision, recall, f1):
    for measure, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert value({"label_sets": measure}, output, reference) == pytest.approx(expected)


def test_the_reason_names_missing_and_wrong_labels():
    assert score("label_sets", "a, c", "a, b").reason == "missing 'b'; wrong 'c'"


def test_a_blank_reference_gives_no_score():
    assert score("label_sets", "a", "").reason == "no reference"
