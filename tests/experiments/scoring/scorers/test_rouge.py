import pytest

from tests.experiments.scoring.scored import value

POLICE = "police killed the gunman"


# Lin 2004, section 3.1: ROUGE-L of "police kill the gunman" is 3/4, of "the gunman kill police" 2/4.
# The other rows: rouge-score 0.1.2 (RougeScorer without stemmer) on texts in ASCII; (precision, recall, f1).
@pytest.mark.parametrize(
    ("variant", "output", "reference", "expected"),
    [
        ("rouge_l", "police kill the gunman", POLICE, (0.75, 0.75, 0.75)),
        ("rouge_l", "the gunman kill police", POLICE, (0.5, 0.5, 0.5)),
        ("rouge_1", "the gunman kill police", POLICE, (0.75, 0.75, 0.75)),
        ("rouge_2", "the gunman kill police", POLICE, (1 / 3, 1 / 3, 1 / 3)),
        (
            "rouge_1",
            "The quick brown dog jumps on the log.",
            "The quick brown fox jumps over the lazy dog",
            (0.75, 0.6666666667, 0.7058823529),
        ),
        (
            "rouge_2",
            "The quick brown dog jumps on the log.",
            "The quick brown fox jumps over the lazy dog",
            (0.2857142857, 0.25, 0.2666666667),
        ),
        (
            "rouge_l",
            "The quick brown dog jumps on the log.",
            "The quick brown fox jumps over the lazy dog",
            (0.625, 0.5555555556, 0.5882352941),
        ),
        (
            "rouge_2",
            "Your refund of $18.50 arrives in 3-5 days (see e-mail).",
            "A refund of $18.50 will arrive within 3-5 days; see your e-mail.",
            (0.5833333333, 0.5, 0.5384615385),
        ),
        ("rouge_1", "hello", "hello world, it's 1,234.5 km", (1.0, 0.125, 0.2222222222)),
        ("rouge_2", "hello", "hello world, it's 1,234.5 km", (0.0, 0.0, 0.0)),
    ],
)
def test_published_and_reference_values_are_met(variant, output, reference, expected):
    for measure, wanted in zip(("precision", "recall", "f1"), expected, strict=True):
        assert value({"rouge": {"variant": variant, "measure": measure}}, output, reference) == pytest.approx(
            wanted, abs=1e-9
        )


@pytest.mark.parametrize("variant", ["rouge_1", "rouge_2", "rouge_l"])
def test_letters_beyond_ascii_count(variant):
    assert value({"rouge": variant}, "好的，我来处理。", "好的我来处理") == 1.0
    assert value({"rouge": variant}, "Größe über alles", "größe ÜBER alles") == 1.0


@pytest.mark.parametrize("output", ["", "…", "\0\ud800"])
def test_an_output_without_words_scores_zero(output):
    assert value("rouge", output, "a b") == 0.0
