"""Both engines, one table of provider behaviours, equal records."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from experiments.completions import litellm_engine
from experiments.vocabulary import Completion, Failure
from tests.experiments.completions.behaviours import BEHAVIOURS, Behaviour
from tests.experiments.completions.desk import CANARY_KEY, ENGINES, LITELLM_WARNS, Desk

pytestmark = pytest.mark.filterwarnings(*LITELLM_WARNS)

MEASURED = frozenset({"latency_ms"})
"""Differs from call to call. ``first_token_ms`` is compared as there or not; an id from the server's counter is too."""

CASES = [
    pytest.param(b, stream, id=f"{b.fault or 'plain'}{'-json' if b.parameters else ''}{'-streamed' if stream else ''}")
    for b in BEHAVIOURS
    for stream in (False, True)
]


def record(outcome: Completion | Failure) -> dict[str, Any]:
    values = {"type": type(outcome).__name__, **asdict(outcome)}
    if values.get("first_token_ms") is not None:
        values["first_token_ms"] = "measured"
    if str(values.get("provider_request_id")).startswith("req-"):
        values["provider_request_id"] = "req-…"
    return {name: value for name, value in values.items() if name not in MEASURED}


def call(desk: Desk, engine: str, behaviour: Behaviour, *, stream: bool) -> Completion | Failure:
    parameters = {**behaviour.parameters, **({"stream": True} if stream else {})}
    model = f"fault-{behaviour.fault}" if behaviour.fault else "plain"
    return desk.attempt(engine, model, deadline_s=behaviour.deadline_s, **parameters)


@pytest.mark.parametrize(("behaviour", "stream"), CASES)
def test_both_engines_make_the_same_record(desk: Desk, behaviour: Behaviour, stream: bool):
    received = desk.provider.books.received
    outcomes = {engine: call(desk, engine, behaviour, stream=stream) for engine in ENGINES}

    lean, litellm = (record(outcomes[engine]) for engine in ENGINES)
    differing = {
        n: (lean.get(n), litellm.get(n)) for n in lean.keys() | litellm.keys() if lean.get(n) != litellm.get(n)
    }
    assert differing.keys() <= behaviour.may_differ, differing
    assert desk.provider.books.received == received + len(ENGINES)
    expected = behaviour.outcome(stream=stream)
    outcome = outcomes["lean"]
    assert (outcome.response_class if isinstance(outcome, Completion) else outcome.kind) == expected


ORDINARY = ["plain", *(f"fault-{name}" for name in ("refusaltext", "length", "tool", "cached", "nousage"))]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ORDINARY)
def test_what_litellm_understands_is_not_read_a_second_time(
    desk: Desk, model: str, stream: bool, monkeypatch: pytest.MonkeyPatch
):
    """Reading again saves answers that litellm loses; it must not hide that litellm reads none at all."""
    read_again: list[str] = []
    monkeypatch.setattr(litellm_engine, "reread", lambda exchange: read_again.append(exchange.host))

    outcome = desk.attempt("litellm", model, stream=stream)

    assert isinstance(outcome, Completion)
    assert read_again == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_redirect_is_never_followed(desk: Desk, engine: str):
    desk.attempt(engine, "fault-redirect")

    assert desk.provider.books.redirect_hits == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_that_the_provider_repeats_is_not_in_the_failure(desk: Desk, engine: str):
    outcome = desk.attempt(engine, "fault-echokey")

    assert isinstance(outcome, Failure)
    assert CANARY_KEY not in repr(outcome)
    assert "[redacted]" in outcome.message


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", ["drip", "hang"])
def test_an_attempt_ends_within_a_second_of_its_deadline(desk: Desk, engine: str, fault: str):
    outcome = desk.attempt(engine, f"fault-{fault}", deadline_s=0.2)

    assert isinstance(outcome, Failure)
    assert outcome.latency_ms is not None
    assert 200 <= outcome.latency_ms < 1_200
    assert outcome.may_be_billed


@pytest.mark.parametrize("engine", ENGINES)
def test_all_parameters_reach_the_server_unchanged(desk: Desk, engine: str):
    parameters = {
        "temperature": 0.25,
        "max_tokens": 64,
        "seed": 7,
        "stop": ["END"],
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "refund", "parameters": {"type": "object"}}}],
        "top_k": 5,
        "extra_body": {"guided_regex": "[a-z]+"},
    }

    desk.attempt(engine, "plain", text=f"parameters through {engine}", **parameters)

    sent = desk.provider.books.bodies[-1]
    expected = {k: v for k, v in parameters.items() if k != "extra_body"} | parameters["extra_body"]
    assert {k: sent.get(k) for k in expected} == expected
    assert sent["model"] == "plain"
    assert sent["messages"] == [{"role": "user", "content": f"parameters through {engine}"}]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_key_goes_to_the_server_as_a_bearer_token(desk: Desk, engine: str):
    desk.attempt(engine, "plain", text=f"key through {engine}")

    assert desk.provider.books.headers[-1]["authorization"] == f"Bearer {CANARY_KEY}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ["half a pair \ud83d"])
def test_a_request_that_cannot_be_encoded_is_not_sent(desk: Desk, engine: str, text: str):
    received = desk.provider.books.received

    outcome = desk.attempt(engine, "plain", text=text)

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable, outcome.may_be_billed) == ("bad_request", False, False)
    assert desk.provider.books.received == received


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "parameter", ["api_base", "mock_response", "fallbacks", "custom_llm_provider", "extra_headers", "n"]
)
def test_parameters_of_the_client_library_are_refused(desk: Desk, engine: str, parameter: str):
    received = desk.provider.books.received

    outcome = desk.attempt(engine, "plain", **{parameter: "http://127.0.0.1:1/v1"})

    assert isinstance(outcome, Failure)
    assert outcome.kind == "bad_request"
    assert repr(parameter) in outcome.message
    assert desk.provider.books.received == received


@pytest.mark.parametrize("engine", ENGINES)
def test_the_cost_of_a_priced_model_is_known(desk: Desk, engine: str):
    outcome = desk.attempt(engine, "priced", text="x" * 400)

    assert isinstance(outcome, Completion)
    usage = outcome.usage
    assert usage.prompt_tokens is not None
    assert usage.completion_tokens is not None
    assert outcome.cost_status == "known"
    assert outcome.cost_usd == pytest.approx((usage.prompt_tokens * 1.0 + usage.completion_tokens * 2.0) / 1e6)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_local_namesake_of_a_priced_model_is_only_estimated(desk: Desk, engine: str):
    outcome = desk.attempt(engine, "gpt-4o-mini")

    assert isinstance(outcome, Completion)
    assert outcome.cost_status == "estimated"
    assert outcome.cost_usd is not None
    assert outcome.cost_usd > 0
