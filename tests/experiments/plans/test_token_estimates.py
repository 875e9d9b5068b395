from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.plans.token_estimates import (
    DEFAULT_COMPLETION_TOKENS,
    completed_usage,
    completion_limit,
    projected_usage,
    prompt_tokens,
    text_tokens,
)
from experiments.vocabulary import Request, Usage


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("日本", 2), ("🎉", 1), ("é" * 4, 2)]
)
def test_a_token_is_four_bytes(text: str, tokens: int):
    assert text_tokens(text) == tokens


def test_half_a_surrogate_pair_can_be_counted():
    assert text_tokens("\ud83d") == 1


@settings(deadline=None, max_examples=60)
@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens(first: str, second: str):
    assert text_tokens(first + second) >= text_tokens(first)


def test_tools_and_formats_count_as_prompt():
    messages = ({"role": "user", "content": "hello"},)
    plain = prompt_tokens(Request("m", messages, {}))
    with_tools = prompt_tokens(
        Request("m", messages, {"tools": [{"type": "function", "function": {"name": "refund"}}]})
    )

    assert with_tools > plain


def test_content_in_parts_counts():
    parts = [{"type": "text", "text": "a" * 400}]

    assert prompt_tokens(Request("m", ({"role": "user", "content": parts},), {})) > 100


def test_a_message_without_content_counts_only_itself():
    assert prompt_tokens(Request("m", ({"role": "assistant", "content": None},), {})) == 7


@pytest.mark.parametrize(
    ("parameters", "limit"),
    [({}, None), ({"max_tokens": 5}, 5), ({"max_completion_tokens": 6, "max_tokens": 5}, 6), ({"max_tokens": 0}, None)],
)
def test_the_limit_of_an_answer(parameters: dict[str, int], limit: int | None):
    assert completion_limit(Request("m", (), parameters)) == limit


def test_a_projection_without_limit_or_mean_takes_the_default():
    assert projected_usage(Request("m", (), {})).completion_tokens == DEFAULT_COMPLETION_TOKENS


def test_reported_counts_are_kept():
    assert completed_usage(Usage(5, 6, 1), Request("m", (), {}), "text") == (Usage(5, 6, 1), False)


def test_only_the_missing_count_is_filled_in():
    usage, estimated = completed_usage(Usage(prompt_tokens=5), Request("m", (), {}), "abcdefgh")

    assert (usage, estimated) == (Usage(5, 2), True)
