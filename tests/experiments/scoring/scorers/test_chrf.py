import pytest

from tests.experiments.scoring.scored import score, value


# sacrebleu 2.6.0, sentence_chrf(output, [reference], word_order=0 and 2).score / 100.
@pytest.mark.parametrize(
    ("output", "reference", "chrf", "chrf_plus_plus"),
    [
        ("the cat sat on the mat", "the cat is on the mat", 0.6457794206, 0.6636067072),
        (
            "The quick brown dog jumps on the log.",
            "The quick brown fox jumps over the lazy dog",
            0.5253244716,
            0.5089324192,
        ),
        (
            "Your refund of $18.50 arrives in 3-5 days (see e-mail).",
            "A refund of $18.50 will arrive within 3-5 days; see your e-mail.",
            0.5474404456,
            0.5158386247,
        ),
        ("hello", "hello world, it's 1,234.5 km", 0.1606303204, 0.1672367211),
        ("the gunman kill police", "police killed the gunman", 0.6246706037, 0.6041185714),
        ("Ça va très bien, merci à toi", "Ça va bien, merci", 0.6802631009, 0.7034097685),
        ("好的，我来处理。", "好的，我会处理。", 0.3815476190, 0.3270408163),
        ("a b c d e", "a b c d e", 1.0, 1.0),
        ("x", "y", 0.0, 0.0),
    ],
)
def test_reference_values_are_met(output, reference, chrf, chrf_plus_plus):
    assert value("chrf", output, reference) == pytest.approx(chrf, abs=1e-9)
    assert value({"chrf": {"word_order": 2}}, output, reference) == pytest.approx(chrf_plus_plus, abs=1e-9)


def test_an_empty_output_scores_zero():
    assert score("chrf", " ", "a").value == 0.0


def test_case_can_be_ignored():
    assert value({"chrf": {"ignore_case": True}}, "ABC", "abc") == pytest.approx(1.0)


def test_a_book_gives_no_score():
    assert value("chrf", "a" * 200_001, "a") is None
