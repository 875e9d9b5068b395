import pytest

from tests.experiments.scoring.scored import score, value

# The forms in which GSM8K solutions, MATH solutions and recorded model answers end.
SAME = [
    ("A: 18", "18"),
    ("She has 13 eggs left\nA: 18", "18"),
    ("#### 18", "18"),
    ("16 - 3 = 13\n#### 1,080", "1080"),
    ("The answer is 18.", "18"),
    ("So the answer is $18.00.", "18"),
    (r"Thus \boxed{18}.", "18"),
    (r"so \boxed{\frac{3}{4}}, as we saw in step 2", "0.75"),
    (r"\boxed{-\dfrac{3}{4}}", "-3/4"),
    (r"\boxed{18\,000}", "18000"),
    (r"answer is $\$1{,}080$", "1080"),
    ("**Answer:** 18", "18"),
    ("Answer:\n\n18", "18"),
    ("A: 18 eggs in 7 days", "18"),
    ("Answer: 5 * 3 = 15", "15"),
    ("Final answer: 40% of 50 = 20", "20"),
    ("The answer is 5 hours, because x = 300 minutes", "5"),
    ("= $<<16-3=13>>13 ducks", "13"),
    ("A: 90,000", "90000"),
    ("A: 4.285714285714286", "4.285714285714286"),
    ("0." + "3" * 300, "0.33333333333333333"),
    ("130,000-40,000=$<<130000-40000=90000>>90,000", "90000"),
    ("the price will be $41.472+$8.2944 = $<<41.472+8.", "8"),
    ("pay 5 * 1", "1"),
    ("18", "#### 18"),
    ("18 eggs", "16 - 3 + 5 = 18\n#### 18"),
]


@pytest.mark.parametrize(("output", "reference"), SAME)
def test_the_answer_of_a_worked_solution_is_found(output, reference):
    assert value("numeric_answer", output, reference) == 1.0


@pytest.mark.parametrize(
    ("output", "reference"),
    [
        ("A: 26", "18"),
        ("A: 10.5", "18"),
        ("1.234", "1234"),
        ("0.5%", "50%"),
        ("50%", "0.5%"),
        ("$3 billion", "3 million"),
        ("-18", "18"),
        ("3:30", "3"),
        ("A: 2", "3"),
    ],
)
def test_another_number_fails(output, reference):
    assert value("numeric_answer", output, reference) == 0.0


def test_a_miss_says_what_was_read():
    assert score("numeric_answer", "A: 1,026", "18").reason == "answered 1026, expected 18"


@pytest.mark.parametrize("output", ["", "I don't know.", "B12", "\ud800\0", "cm^2", "\n" * 1000])
def test_an_output_without_a_number_fails(output):
    found = score("numeric_answer", output, "12")

    assert (found.value, found.reason) == (0.0, "no number in the output")


def test_a_reference_without_a_number_gives_no_score():
    found = score("numeric_answer", "18", "eighteen")

    assert (found.value, found.reason) == (None, "the reference holds no number")


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({}, "3.1400009", 1.0),
        ({}, "3.141", 0.0),
        ({"tolerance": 0.01}, "3.15", 1.0),
        ({"tolerance": 0}, "3.1400001", 0.0),
        ({"relative_tolerance": 0.01}, "3.17", 1.0),
        ({"relative_tolerance": 0.01}, "3.18", 0.0),
        ({"tolerance": 0.1, "relative_tolerance": 0.001}, "3.2", 1.0),
    ],
)
def test_the_larger_tolerance_holds(options, output, expected):
    assert value({"numeric_answer": options}, output, "3.14") == expected
