import dataclasses

import pytest

from experiments.scoring import ScoringContext


def test_only_the_output_must_be_given():
    ctx = ScoringContext("hello")

    assert (ctx.reference, ctx.cost_usd, ctx.latency_ms, ctx.messages, dict(ctx.row)) == (None, None, None, (), {})


def test_a_context_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ScoringContext("hello").output = "x"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("plain", "plain"),
        (
            [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}],
            "a\nb",
        ),
        (None, ""),
        (7, ""),
    ],
)
def test_the_text_of_messages_is_taken_from_texts_and_parts(content, expected):
    ctx = ScoringContext("", messages=({"role": "system", "content": content}, {"role": "user", "content": "u"}))

    assert ctx.sent_text(("system",)) == expected
