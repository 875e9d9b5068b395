"""Error bodies of different providers, in their own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from experiments.completions.answers import Answer
from experiments.completions.exchange import Exchange
from experiments.completions.failures import malformed, outcome_of_error, retry_after_s
from experiments.vocabulary import Failure, FailureKind


def outcome(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer | Failure:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return outcome_of_error(Exchange(sent=True, status=status, headers=headers or {}, body=raw), lambda text: text)


OPENAI_QUOTA = {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": None}}
GEMINI_PER_MINUTE = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31s"}],
    }
}
ANTHROPIC_OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
ANTHROPIC_CREDIT = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."},
}
ANTHROPIC_LONG = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
}
VLLM_LONG = {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400}
DEEPSEEK_BALANCE = {
    "error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}
}
OLLAMA_MISSING = {"error": "model 'llama9' not found, try pulling it first"}
TOGETHER_MODEL = {"error": {"message": "Unable to access model x", "code": "model_not_available"}}
MOONSHOT_QUOTA = {"error": {"message": "suspended", "type": "exceeded_current_quota_error"}}
FASTAPI_DETAIL = {"detail": "Not allowed here"}
GOOGLE_LIST = [{"error": {"code": 400, "message": "The input token count (9) exceeds the maximum", "status": "X"}}]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, OPENAI_QUOTA, FailureKind.QUOTA),
        (429, GEMINI_PER_MINUTE, FailureKind.RATE_LIMIT),
        (429, MOONSHOT_QUOTA, FailureKind.QUOTA),
        (429, b"slow down", FailureKind.RATE_LIMIT),
        (529, ANTHROPIC_OVERLOADED, FailureKind.SERVER_ERROR),
        (400, ANTHROPIC_CREDIT, FailureKind.QUOTA),
        (402, DEEPSEEK_BALANCE, FailureKind.QUOTA),
        (400, ANTHROPIC_LONG, FailureKind.CONTEXT_LENGTH),
        (400, VLLM_LONG, FailureKind.CONTEXT_LENGTH),
        (400, GOOGLE_LIST, FailureKind.CONTEXT_LENGTH),
        (404, OLLAMA_MISSING, FailureKind.MODEL_NOT_FOUND),
        (400, TOGETHER_MODEL, FailureKind.MODEL_NOT_FOUND),
        (403, FASTAPI_DETAIL, FailureKind.AUTH),
        (400, {"error": {"message": "Invalid value for temperature"}}, FailureKind.BAD_REQUEST),
        (418, b"", FailureKind.BAD_REQUEST),
        (599, b"[" * 100_000, FailureKind.SERVER_ERROR),
    ],
)
def test_the_kind_of_an_error(status: int, body: Any, kind: FailureKind):
    failure = outcome(status, body)

    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.http_status == status


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "content_filter", "message": "filtered"}},
        {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}, "message": "filtered"}},
        {"error": {"code": "content_policy_violation", "message": "not allowed"}},
    ],
)
def test_a_prompt_that_the_providers_filter_stopped_is_an_answer(body: Any):
    answer = outcome(400, body)

    assert isinstance(answer, Answer)
    assert answer.finish_reason == "content_filter"


@pytest.mark.parametrize(
    ("status", "billed"), [(400, False), (429, False), (500, False), (503, False), (502, True), (504, True)]
)
def test_only_gateways_leave_it_open_whether_a_call_was_billed(status: int, billed: bool):
    failure = outcome(status, b"")

    assert isinstance(failure, Failure)
    assert failure.may_be_billed is billed


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1e9"}, 60.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 0.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None):
    assert retry_after_s(headers) == seconds


def test_googles_delay_stands_in_the_body():
    assert retry_after_s({}, json.dumps(GEMINI_PER_MINUTE).encode()) == 31.0


def test_a_far_retry_after_is_cut_and_named():
    exchange = Exchange(host="h", sent=True, status=429, headers={"retry-after": "7200"}, body=b"slow down")

    found = outcome_of_error(exchange, lambda text: text)

    assert isinstance(found, Failure)
    assert found.retry_after_s == 60
    assert found.message.startswith("Asks to wait 7,200 s, tried again after 60 s.")


def test_the_beginning_of_an_unreadable_reply_is_named():
    exchange = Exchange(host="h", sent=True, status=200, headers={}, body=b"<html>Sign in to the gateway</html>")

    found = malformed(exchange, "The response is not JSON.", lambda text: text)

    assert found.message == "The response is not JSON. It begins: <html>Sign in to the gateway</html>"
