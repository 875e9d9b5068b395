import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"a": [1, 2.5, null, true, "x"]}', 1.0),
        ("  [1]\n", 1.0),
        ('"text"', 1.0),
        ("1" * 5000, 1.0),
        ('{"a": "\\ud800"}', 1.0),
        ("", 0.0),
        ("Sure! {}", 0.0),
        ("{'a': 1}", 0.0),
        ('{"a": 1,}', 0.0),
        ("[1, NaN]", 0.0),
        ("[Infinity]", 0.0),
        ("{} {}", 0.0),
        ("[" * 100_000, 0.0),
        ('```json\n{"a": 1}\n```', 0.0),
        ("\0", 0.0),
    ],
)
def test_only_strict_json_passes(output, expected):
    assert value("json_valid", output) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('```json\n{"a": 1}\n```', 1.0),
        ("```\n[1]\n```\n", 1.0),
        ("[1]", 1.0),
        ("Here:\n```json\n[1]\n```", 0.0),
        ("```json\n[1]", 0.0),
    ],
)
def test_one_fence_around_everything_can_be_allowed(output, expected):
    assert value({"json_valid": {"allow_fence": True}}, output) == expected


@pytest.mark.parametrize(("top_level", "expected"), [("any", 1.0), ("array", 1.0), ("object", 0.0)])
def test_the_outermost_value_can_be_demanded(top_level, expected):
    assert value({"json_valid": {"top_level": top_level}}, "[1]") == expected


def test_the_reason_names_the_place():
    assert score("json_valid", '{"a": 1,\n "b": }').reason == "line 2, column 7: Expecting value"
