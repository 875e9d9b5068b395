import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("Paris", "Paris", 1.0),
        ("  Paris\n", "Paris", 1.0),
        ("paris", "Paris", 0.0),
        ("Paris.", "Paris", 0.0),
        ("", "Paris", 0.0),
        ("007", "7", 0.0),
        ("NA", "NA", 1.0),
        ("東京", "東京", 1.0),
        ("a\0b", "a\0b", 1.0),
        ("\ud800", "\ud800", 1.0),
    ],
)
def test_only_the_reference_itself_passes(output, reference, expected):
    assert value("exact_match", output, reference) == expected


def test_case_can_be_ignored_in_any_script():
    assert value({"exact_match": {"ignore_case": True}}, "STRASSE Ελλάς", "straße ελλάσ") == 1.0


@pytest.mark.parametrize("reference", [None, "", " \n"])
def test_a_blank_reference_gives_no_score(reference):
    found = score("exact_match", "Paris", reference)

    assert (found.value, found.reason) == (None, "no reference")


def test_a_miss_says_why():
    assert score("exact_match", "Rome", "Paris").reason == "differs from the reference"
