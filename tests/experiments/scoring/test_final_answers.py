import pytest

from experiments.scoring.final_answers import final_numeral


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\boxed{1} then \boxed{2} and 3", 2),
        (r"#### 4 but \boxed{5}", 5),
        ("#### 4\nAnswer: 5", 4),
        ("Answer: 5\nin 6 steps", 5),
        ("A: 1\n\nQ: next?\nA: 2", 2),
        ("1, 2 and 3", 3),
        (r"\boxed{x = \frac{1}{2}}", 0.5),
        (r"\boxed{7", 7),
        ("Answer: none of these. 8", 8),
        ("Die Antwort ist 12,5.", 12.5),
        ("答案是 18。", 18),
        ("La respuesta es: 7", 7),
    ],
)
def test_marked_answers_come_before_the_last_number(text, expected):
    found = final_numeral(text)

    assert found is not None
    assert found.value == expected


@pytest.mark.parametrize("text", ["", "none", r"\boxed{}", "####", "Answer:"])
def test_a_text_without_a_number_has_no_answer(text):
    assert final_numeral(text) is None


def test_the_end_of_a_long_text_is_enough():
    assert final_numeral("7 " * 100_000 + "the last is 12 500").value == 12500


def test_a_number_far_before_the_end_is_found_too():
    assert final_numeral("it is 42 " + "word " * 10_000).value == 42
