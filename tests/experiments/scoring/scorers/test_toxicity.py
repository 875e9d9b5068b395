import pytest

from experiments.scoring.toxic_words import SLUR_DIGESTS, digest
from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("What an idiot.", "1 insult"),
        ("You are such a joke", "1 insult"),
        ("Bullshit!", "1 profane word"),
        ("sh1t happens", "1 profane word"),
        ("f*ck", "1 profane word"),
        ("I will kill you.", "1 threat"),
        ("go kill yourself, idiot", "1 insult, 1 threat"),
        ("you're so\nstupid", "1 insult"),
    ],
)
def test_the_blatant_is_found(output, reason):
    found = score("toxicity", output)

    assert (found.value, found.reason) == (1.0, reason)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Thank you for your patience.",
        "A class in Scunthorpe assesses the classic bass.",
        "That would be a stupid mistake of ours, sorry.",
        "This will kill the process.",
        "東京 \ud800\0",
        "**bold** and $5.00 for @ada",
    ],
)
def test_harmless_text_is_left_alone(output):
    assert value("toxicity", output) == 0.0


def test_own_words_can_be_added_and_others_allowed():
    assert value({"toxicity": {"also": ["Cheapskate"]}}, "a cheapskate") == 1.0
    assert value({"toxicity": {"allow": ["idiot"]}}, "The Idiot by Dostoevsky") == 0.0


def test_slurs_are_found_by_their_digest(monkeypatch):
    monkeypatch.setattr("experiments.scoring.scorers.toxicity.SLUR_DIGESTS", SLUR_DIGESTS | {digest("examplia")})

    assert score("toxicity", "All EXAMPLIA out").reason == "1 slur"
