import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("x = 1\n", 1.0),
        ("def größe(): return 'ü'", 1.0),
        ("```python\nprint(1)\n```\nThat prints one.", 1.0),
        (r"pattern = '\d+'", 1.0),
        ("print 1", 0.0),
        ("Here you go: x = 1", 0.0),
        ("", 0.0),
        ("x = '\0'", 0.0),
        ("x = '\ud800'", 0.0),
        ("import os; os.abort()", 1.0),
    ],
)
def test_the_parser_decides(output, expected):
    assert value("python_code_valid", output) == expected


def test_the_reason_names_the_line():
    assert score("python_code_valid", "x = 1\ndef f(:\n").reason == "line 2: invalid syntax"


@pytest.mark.parametrize(
    ("output", "expected"),
    [("def solve(): pass", 1.0), ("async def solve(): pass", 1.0), ("class solve: pass", 1.0), ("solve = 1", 0.0)],
)
def test_a_definition_can_be_demanded(output, expected):
    assert value({"python_code_valid": ["solve"]}, output) == expected


@pytest.mark.parametrize(
    ("output", "reason"),
    [("-" * 50_000 + "1", "nested too deeply for the parser"), ("x = 1\n" * 20_000, "longer than 100,000 characters")],
)
def test_what_the_parser_cannot_bear_gives_no_score(output, reason):
    found = score("python_code_valid", output)

    assert (found.value, found.reason) == (None, reason)


def test_the_whole_output_is_taken_when_fences_do_not_count():
    assert value({"python_code_valid": {"allow_fence": False}}, "```\nx = 1\n```") == 0.0
