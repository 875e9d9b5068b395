"""Refusals: of the request itself, not of a refund."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.refusals import CUES, REFUSAL_PATTERNS, looks_like_refusal, refusal_phrase


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m sorry, but I can’t help with that.",
        "I cannot help with that.",
        "Hi! Thanks for asking. I can't help with that.",
        "**I'm sorry, but I cannot assist with that.**",
        "As an AI language model, I cannot provide medical advice.",
        "I'm unable to provide instructions for making explosives.",
        "I can't help you make a weapon.",
        "I must respectfully decline.",
        "I won't engage in that.",
        "We are not able to answer this question.",
        "That is against my guidelines.",
        "This request violates our content policy.",
        "I'm not comfortable writing explicit content.",
        "I cannot create content that promotes violence.",
        "I’d prefer not to answer.",
        "I can't comply.",
        "I can't do that.",
        "Es tut mir leid, aber ich kann dabei nicht helfen.",
        "Dabei kann ich Ihnen leider nicht weiterhelfen.",
        "Je suis désolé, mais je ne peux pas vous aider avec cela.",
        "Lo siento, pero no puedo ayudar con eso.",
        "抱歉，我无法回答这个问题。",
        "申し訳ありませんが、そのご要望にはお応えできません。",
        "죄송하지만 도와드릴 수 없습니다.",
        "Извините, я не могу помочь с этим.",
    ],
)
def test_a_refusal_of_the_request_is_seen(text):
    assert looks_like_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I'm sorry to hear that your order is late.",
        "I'm sorry, we cannot refund orders after 30 days.",
        "Unfortunately we cannot provide a refund after 30 days, but I can offer store credit.",
        "I cannot find your order in our system. Could you send the number?",
        "I cannot do this without your order number, could you send it?",
        "We can't wait to see you!",
        "I can't recommend this phone enough.",
        "I couldn't agree more.",
        "I can help with that!",
        "As an assistant manager, I help teams.",
        "The law is against the policy of the king.",
        "\ud800\0",
        "Here is your answer. " * 30 + "I can't help with that.",
    ],
)
def test_an_apology_or_a_no_to_a_customer_is_none(text):
    assert not looks_like_refusal(text)


def test_the_phrase_itself_is_told():
    assert refusal_phrase("Sorry. I can’t HELP with that, truly.") == "i can't help with that"


@given(st.one_of([st.from_regex(re.compile(pattern), fullmatch=True) for pattern in REFUSAL_PATTERNS]))
def test_what_the_patterns_find_holds_a_cue_so_that_looking_for_cues_first_misses_nothing(refusal):
    assert any(cue in refusal for cue in CUES)
