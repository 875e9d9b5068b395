import pytest

from experiments.scoring.scorers.readability import syllables
from tests.experiments.scoring.scored import score, value


# 206.835 - 1.015 × words/sentences - 84.6 × syllables/words, syllables counted by hand.
@pytest.mark.parametrize(
    ("output", "words", "sentences", "n_syllables"),
    [
        ("The cat sat on the mat.", 6, 1, 6),
        ("The cat sat. It was happy.", 6, 2, 7),
        ("No full stop here", 4, 1, 4),
        ("Beautiful computers are available!", 4, 1, 3 + 3 + 1 + 4),
    ],
)
def test_the_formula_of_flesch_is_followed(output, words, sentences, n_syllables):
    expected = 206.835 - 1.015 * words / sentences - 84.6 * n_syllables / words

    assert value("readability", output) == pytest.approx(expected)


def test_plain_text_reads_easier_than_office_prose():
    plain = "We sent your money back. You will see it soon."
    office = "Reimbursement notification: the aforementioned transaction has been processed accordingly."

    assert value("readability", plain) > value("readability", office) + 50


@pytest.mark.parametrize("output", ["", "123", "東京", "\ud800\0"])
def test_without_an_english_word_there_is_no_score(output):
    assert score("readability", output).reason == "no English word to measure"


@pytest.mark.parametrize(
    ("word", "n"),
    [
        ("the", 1), ("table", 2), ("apples", 2), ("asked", 1), ("wanted", 2), ("makes", 1), ("boxes", 2), ("filled", 1),
        ("being", 2), ("science", 2), ("quiet", 2), ("media", 3), ("special", 2), ("radio", 3), ("nation", 2),
        ("rhythm", 2), ("computer", 3), ("readability", 5), ("b", 1),
    ],
)  # fmt: skip
def test_syllables_are_counted_by_rule(word, n):
    assert syllables(word) == n
