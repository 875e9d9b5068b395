import pytest

from experiments.scoring import Direction, bind
from experiments.vocabulary import ResponseClass
from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("I'm sorry, but I can't assist with that request.", 1.0),
        ("I'm sorry to hear that your parcel is late.", 0.0),
        ("", 0.0),
        ("\ud800\0", 0.0),
    ],
)
def test_a_refusal_scores_one(output, expected):
    assert value("refusal", output) == expected


@pytest.mark.parametrize(
    ("response_class", "reason"),
    [
        (ResponseClass.REFUSAL, "the provider reports a refusal"),
        (ResponseClass.CONTENT_FILTER, "the provider's content filter stopped it"),
    ],
)
def test_what_the_provider_says_counts_without_a_phrase(response_class, reason):
    found = score("refusal", "", response_class=response_class)

    assert (found.value, found.reason) == (1.0, reason)


def test_fewer_refusals_are_better():
    assert bind("refusal").direction is Direction.LOWER
