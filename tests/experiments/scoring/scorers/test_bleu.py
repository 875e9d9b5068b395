import pytest

from experiments.scoring.scorers.bleu import tokens_13a
from tests.experiments.scoring.scored import score, value


# sacrebleu 2.6.0, sentence_bleu(output, [reference]).score / 100.
@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("the cat sat on the mat", "the cat is on the mat", 0.3799178428),
        ("The quick brown dog jumps on the log.", "The quick brown fox jumps over the lazy dog", 0.2110534063),
        (
            "Your refund of $18.50 arrives in 3-5 days (see e-mail).",
            "A refund of $18.50 will arrive within 3-5 days; see your e-mail.",
            0.3114902219,
        ),
        ("hello", "hello world, it's 1,234.5 km", 0.0067379470),
        ("police kill the gunman", "police killed the gunman", 0.3535533906),
        ("Ça va très bien, merci à toi", "Ça va bien, merci", 0.2584865770),
        ("a b c d e", "a b c d e", 1.0),
        ("x", "y", 0.0),
    ],
)
def test_reference_values_are_met(output, reference, expected):
    assert value("bleu", output, reference) == pytest.approx(expected, abs=1e-9)


def test_the_unigram_brevity_case_is_right_by_hand():
    assert value("bleu", "a", "a b") == pytest.approx(0.36787944117)  # exp(1 - 2/1) × 1/1


@pytest.mark.parametrize(("output", "reason"), [("", "the output has no words"), ("x", "no word in common")])
def test_nothing_in_common_scores_zero(output, reason):
    found = score("bleu", output, "a b c")

    assert (found.value, found.reason) == (0.0, reason)


def test_case_can_be_ignored():
    assert value({"bleu": {"ignore_case": True}}, "THE CAT IS HERE", "the cat is here") == pytest.approx(1.0)


def test_a_book_gives_no_score():
    assert value("bleu", "a " * 150_000, "a b") is None


def test_marks_are_cut_off_but_not_inside_numbers():
    assert tokens_13a("It's $1,234.5 (3-5%) &amp; so-on.") == [
        "It's", "$", "1,234.5", "(", "3", "-", "5", "%", ")", "&", "so-on", ".",
    ]  # fmt: skip
