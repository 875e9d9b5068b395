"""One setting reaches the provider under one name: the version's, whatever form the caller used."""

import httpx
import pytest

from gateway.merged_parameters import SYNONYMS, merged_parameters

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]


@pytest.mark.parametrize(
    ("version", "caller"), [(a, b) for names in SYNONYMS for a in sorted(names) for b in sorted(names)]
)
def test_the_callers_form_of_a_setting_that_the_version_has_is_not_sent(version: str, caller: str):
    assert merged_parameters({version: "ours"}, {caller: "theirs", "top_p": 0.5}) == {version: "ours", "top_p": 0.5}
    hidden = merged_parameters({"extra_body": {version: "ours"}}, {caller: "theirs"})
    assert hidden == {"extra_body": {version: "ours"}}
    smuggled = merged_parameters({version: "ours"}, {"extra_body": {caller: "theirs", "top_k": 3}})
    assert smuggled == {version: "ours", "extra_body": {"top_k": 3}}


def test_tools_come_in_one_form():
    assert merged_parameters({"tools": TOOLS}, {"functions": [{}], "function_call": "auto"}) == {"tools": TOOLS}
    assert merged_parameters({"function_call": "auto"}, {"tools": TOOLS}) == {"function_call": "auto"}


def test_the_callers_choice_among_tools_of_its_own_goes_with_them():
    named = {"type": "function", "function": {"name": "theirs"}}
    assert merged_parameters({"tools": TOOLS}, {"tools": [], "tool_choice": named}) == {"tools": TOOLS}
    kept = merged_parameters({"tools": TOOLS}, {"tool_choice": "none"})
    assert kept == {"tools": TOOLS, "tool_choice": "none"}
    assert merged_parameters({}, {"tools": TOOLS, "tool_choice": named}) == {"tools": TOOLS, "tool_choice": named}


def test_what_the_version_leaves_open_is_the_callers():
    assert merged_parameters({"temperature": 0}, {"max_completion_tokens": 9, "extra_body": {"model": "x", "n": 9}}) == {
        "temperature": 0, "max_completion_tokens": 9, "extra_body": {},
    }  # fmt: skip


def test_a_caller_cannot_change_the_model_or_the_messages_of_a_version(gateway, provider):
    body = {
        "model": "prompt:reply", "variables": {"ticket": "x"}, "temperature": 1,
        "extra_body": {"model": "dearest", "messages": [], "stream": True, "top_k": 3},
    }  # fmt: skip
    answer = httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers)
    assert answer.status_code == 200
    sent = provider.books.bodies[-1]
    assert (sent["model"], sent["top_k"], "stream" in sent) == ("fake-small", 3, False)
    assert sent["messages"] == [{"role": "user", "content": "Answer: x"}]
