import pytest

from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("options", "output", "expected"),
    [
        ({"has": "polite"}, "Could you please restart it? Thank you!", 1.0),
        ({"has": "polite"}, "Restart it.", 0.0),
        ({"has": "warm"}, "Happy to help! Let me know.", 1.0),
        ({"has": "apologetic"}, "We apologise for the delay.", 1.0),
        ({"has": "hedging"}, "It might perhaps work, I think.", 1.0),
        ({"has": "hedging", "at_least": 4}, "It might perhaps work, I think.", 0.0),
        ({"has": "pushy", "negate": True}, "Don’t miss it: act now!", 0.0),
        ({"has": "pushy", "negate": True}, "", 1.0),
        ({"has": "dismissive"}, "As I already said, calm down.", 1.0),
        ({"has": "polite"}, "displeased", 0.0),
        ({"has": "polite"}, "\ud800\0", 0.0),
    ],
)
def test_words_of_a_tone_are_found(options, output, expected):
    assert value({"tone": options}, output) == expected


def test_the_reason_quotes_the_words():
    assert score({"tone": {"has": "pushy", "negate": True}}, "ACT NOW, act now!").reason == "sounds pushy: 'act now'"
