import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from tests.experiments.scoring.scored import score, value

LABELS = ["billing", "bug", "bug report", "other"]


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("billing", "billing", 1.0),
        (" Billing. ", "billing", 1.0),
        ("**Billing**", "billing", 1.0),
        ('"billing"', "BILLING", 1.0),
        ("Label: billing", "billing", 1.0),
        ("The category is: bug_report", "bug report", 1.0),
        ("bug", "billing", 0.0),
        ("It is about billing", "billing", 0.0),
        ("", "billing", 0.0),
        ("請求", "請求", 1.0),
        ("\ud800", "billing", 0.0),
    ],
)
def test_dressed_up_labels_are_equal(output, reference, expected):
    assert value("equals_label", output, reference) == expected


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("This is clearly a bug report, I think.", "bug_report", 1.0),
        ("This is clearly a bug.", "bug", 1.0),
        ("This is clearly a bug report.", "bug", 0.0),
        ("Billing or other?", "billing", 0.0),
        ("debugging", "bug", 0.0),
        ("no idea", "bug", 0.0),
    ],
)
def test_with_labels_a_sentence_may_name_exactly_one(output, reference, expected):
    assert value({"equals_label": LABELS}, output, reference) == expected


def test_several_labels_are_told():
    assert (
        score({"equals_label": LABELS}, "billing or other", "billing").reason
        == "names several labels: 'billing', 'other'"
    )


def test_a_miss_tells_both_labels():
    assert score("equals_label", "Bug!", "billing").reason == "answered 'bug', expected 'billing'"


def test_an_essay_is_no_label():
    assert score({"equals_label": LABELS}, "billing " * 300, "billing").reason == "the output is too long to be a label"


@pytest.mark.parametrize("labels", [["Bug", "bug!"], ["a", ""]])
def test_labels_that_cannot_be_told_apart_are_refused(labels):
    with pytest.raises(BakeoffError, match="two labels are the same"):
        bind({"equals_label": labels})
