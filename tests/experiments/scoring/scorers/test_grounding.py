import pytest

from tests.experiments.scoring.scored import score, value

ENTRY = {"grounding": {"column": "context"}}
ROW = {"context": "A refund takes five days after approval. Shipping is free above 50 euros."}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("The refund takes five days.", 1.0),
        ("The refund takes five days. Aliens built our warehouse.", 0.5),
        ("Yes. The refund takes five days.", 1 / 2),
        ("It is. The refund takes five days.", 1.0),
        ("Aliens!", 0.0),
        ("REFUND approval: five days", 1.0),
    ],
)
def test_the_share_of_grounded_sentences_is_counted(output, expected):
    assert value(ENTRY, output, row=ROW) == pytest.approx(expected)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 1.0), (0.8, 0.0)])
def test_the_share_of_words_that_must_be_known_can_be_set(share, expected):
    entry = {"grounding": {"column": "context", "share_of_words": share}}

    assert value(entry, "Refund takes seven days", row=ROW) == expected


def test_the_reason_quotes_the_first_loose_sentence():
    reason = score(ENTRY, "Refund takes five days. Aliens came. Elves too.", row=ROW).reason

    assert reason == "not in the context: 'Aliens came.'"


@pytest.mark.parametrize("output", ["", "…", "It is.", "\ud800\0"])
def test_without_a_sentence_to_check_there_is_no_score(output):
    assert score(ENTRY, output, row=ROW).reason == "no sentence to check"


def test_other_scripts_are_compared_too():
    assert value(ENTRY, "返金は五日です。", row={"context": "返金は五日で完了です"}) == 1.0
