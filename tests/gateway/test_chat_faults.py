"""Nothing that a provider, a caller or a key does leaves a request unanswered or a connection behind."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest

from experiments.actions.installation.manage_keys import create_key, revoke_key
from storage.live_tables import ExposureRow, GatewayCallRow
from storage.store import Store
from tests.builders import ADA
from tests.fake_provider import FakeProvider
from tests.gateway.conftest import Served, environ_of, go_live, rows, served, unit_of


def live_test(gateway: Served, key: str, model: str, *, prompt: str = "", **live) -> str:
    """A further live test whose challenger has that model."""
    if key not in gateway.live.known.config().tests:
        variants = [
            {"name": "A", "prompt": "A: {{ticket}}", "model": "openai/fake-small"},
            {"name": "B", "prompt": prompt or "B: {{ticket}}", "model": model},
        ]
        go_live(gateway.store, name=key, variants=variants, live={"key": key, **live})
        gateway.until(lambda: key in gateway.live.known.config().tests)
    return key


def ask(gateway: Served, key: str, unit: str | None, **more) -> httpx.Response:
    body = {"model": f"experiment:{key}", "user": unit, "variables": {"ticket": "Where is it?"}, **more}
    return httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers, timeout=20)


def calls_of(gateway: Served, unit: str, count: int) -> list[GatewayCallRow]:
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    return sorted(rows(gateway, GatewayCallRow, count, exposure_id=exposure.id), key=lambda call: call.at)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("503", "server_error"),
        ("429", "rate_limit"),
        ("401", "auth"),
        ("drop", "connection"),
        ("notjson", "malformed_response"),
        ("redirect", "malformed_response"),
    ],
)
def test_the_control_answers_for_a_challenger_whose_provider_fails(
    gateway: Served, fault: str, kind: str, stream: bool
):
    key = live_test(gateway, f"falls-{fault}", f"openai/fault-{fault}")
    unit = unit_of(gateway, "B", key)
    answer = ask(gateway, key, unit, stream=stream)
    assert answer.status_code == 200
    assert "to: A: Where is it?" in answer.text or stream
    assert (answer.headers["x-bakeoff-variant"], answer.headers["x-bakeoff-fallback"]) == ("B", "A")
    assert answer.headers["x-bakeoff-prompt-version"] == "1"
    failed, answered = calls_of(gateway, unit, 2)
    assert (failed.status, failed.error_kind, failed.fell_back) == ("failed", kind, True)
    assert (answered.status, answered.variant, answered.version) == ("ok", "B", 1)


def test_a_test_may_say_that_errors_are_passed_on(gateway: Served):
    key = live_test(gateway, "fails", "openai/fault-503", on_error="fail")
    unit = unit_of(gateway, "B", key)
    answer = ask(gateway, key, unit)
    assert answer.status_code == 503
    assert answer.json()["error"]["type"]
    [call] = calls_of(gateway, unit, 1)
    assert (call.status, call.fell_back) == ("failed", False)


def test_a_variable_that_only_the_challenger_needs_is_no_outage(gateway: Served):
    key = live_test(gateway, "needs-more", "openai/fake-small", prompt="B: {{ticket}} {{plan}}")
    unit = unit_of(gateway, "B", key)
    answer = ask(gateway, key, unit)
    assert answer.status_code == 200
    assert answer.headers["x-bakeoff-fallback"] == "A"
    failed, answered = sorted(calls_of(gateway, unit, 2), key=lambda call: call.status)
    assert (failed.status, failed.error_kind, failed.fell_back) == ("failed", "bad_request", True)
    assert answered.status == "ok"


@pytest.mark.parametrize("fault", ["streamerror", "streamcut", "dropmid"])
def test_a_stream_that_breaks_ends_with_an_error_that_says_so(gateway: Served, fault: str):
    key = live_test(gateway, f"breaks-{fault}", f"openai/fault-{fault}")
    unit = unit_of(gateway, "B", key)
    answer = ask(gateway, key, unit, stream=True)
    assert answer.status_code == 200
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    [call] = calls_of(gateway, unit, 1) if "x-bakeoff-fallback" not in answer.headers else [None]
    if call is not None:
        assert call.status == "failed"
        assert "error" in json.loads(events[-1])


def test_the_secret_of_the_provider_is_never_passed_on(gateway: Served):
    body = {"model": "openai/fault-echokey", "messages": [{"role": "user", "content": "x"}]}
    answer = httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers)
    assert answer.status_code >= 400
    assert "provider-secret" not in answer.text


@pytest.mark.parametrize(("fault", "stream"), [("echoanswer", False), ("echoanswer", True), ("echofails", True)])
@pytest.mark.parametrize("live", [False, True])
def test_an_answer_that_repeats_the_secret_of_the_provider_is_passed_on_without_it(
    gateway: Served, fault: str, stream: bool, live: bool
):
    if live:
        key = live_test(gateway, f"repeats-{fault}-{stream:d}", f"openai/fault-{fault}", on_error="fail")
        answer = ask(gateway, key, unit_of(gateway, "B", key), stream=stream)
    else:
        body = {"model": f"openai/fault-{fault}", "messages": [{"role": "user", "content": "x"}], "stream": stream}
        answer = httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers)
    # an error that comes in the first packet of a live answer is no stream yet
    assert answer.status_code == 200 or (live and fault == "echofails")
    assert "provider-secret" not in answer.text
    assert "[redacted]" in answer.text


@pytest.mark.parametrize("fault", ["hang", "drip"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_that_leaves_ends_the_call_of_the_provider(
    gateway: Served, provider: FakeProvider, fault: str, stream: bool
):
    key = live_test(gateway, f"leaves-{fault}", f"openai/fault-{fault}")
    unit, before = unit_of(gateway, "B", key), provider.books.in_flight
    body = {"model": f"experiment:{key}", "user": unit, "variables": {"ticket": "x"}, "stream": stream}
    with pytest.raises(httpx.TimeoutException):
        httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers, timeout=0.4)
    [call] = calls_of(gateway, unit, 1)
    assert (call.status, call.error_kind, call.fell_back) == ("abandoned", None, False)
    if fault == "drip":  # it notices that nobody listens; a hanging one cannot
        gateway.until(lambda: provider.books.in_flight <= before)


def test_a_caller_that_leaves_in_the_middle_of_a_stream_leaks_nothing(gateway: Served, provider: FakeProvider):
    key = live_test(gateway, "drips", "openai/fault-streamdrip")
    unit, before = unit_of(gateway, "B", key), provider.books.in_flight
    body = {"model": f"experiment:{key}", "user": unit, "variables": {"ticket": "x"}, "stream": True}
    with (
        httpx.Client(timeout=20) as client,
        client.stream("POST", f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers) as answer,
    ):
        next(answer.iter_bytes())
    [call] = calls_of(gateway, unit, 1)
    assert (call.status, call.error_kind) == ("abandoned", None)
    assert call.answer_chars > 0
    gateway.until(lambda: provider.books.in_flight <= before)


def test_tokens_are_passed_on_when_they_come(gateway: Served):
    """The provider says a word every 50 ms; each is here long before the next."""
    body = {"model": "openai/fault-streamdrip", "messages": [{"role": "user", "content": "x"}], "stream": True}
    started, times = time.perf_counter(), []
    with (
        httpx.Client(timeout=20) as client,
        client.stream("POST", f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers) as answer,
    ):
        for _ in answer.iter_bytes():
            times.append(time.perf_counter() - started)
            if len(times) == 6:
                break
    assert times[5] - times[0] > 0.15


def test_an_answer_that_never_ends_is_given_up(sqlite_store: Store, tmp_path: Path, provider: FakeProvider):
    go_live(sqlite_store, variants=[
        {"name": "A", "prompt": "A: {{ticket}}", "model": "openai/fake-small"},
        {"name": "B", "prompt": "B: {{ticket}}", "model": "openai/fault-drip"},
    ])  # fmt: skip
    with served(
        sqlite_store, tmp_path / "home", environ_of(provider) | {"BAKEOFF_GATEWAY_DEADLINE_S": "0.5"}
    ) as gateway:
        unit = unit_of(gateway, "B")
        answer = ask(gateway, "refund-reply", unit)
        assert (answer.status_code, answer.headers["x-bakeoff-fallback"]) == (200, "A")
        failed, _ = calls_of(gateway, unit, 2)
        assert failed.error_kind == "timeout"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"model": 5}', b'{"model": ""}', b'{"messages": []}', b"\xff\xfe", b"{" * 5000]
    + [json.dumps({"model": "prompt:reply", "variables": {"ticket": "x"}, **wrong}).encode() for wrong in (
        {"messages": "hello"}, {"messages": [1]}, {"user": 5}, {"user": "x" * 600}, {"user": "a\x00b"}, {"n": 0}, {"n": True}, {"stream": {}}, {"metadata": []}, {"stream_options": ""},
        {"n": "two"}, {"stream": "yes"}, {"stream_options": []}, {"metadata": 5}, {"variables": [1]},
        {"metadata": {"variables": "{"}}, {"variables": {"ticket": None}},
    )],
)  # fmt: skip
def test_a_malformed_request_is_a_bad_request_in_openais_shape(gateway: Served, raw: bytes):
    answer = httpx.post(f"{gateway.address}/v1/chat/completions", content=raw, headers=gateway.headers)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_body_beyond_the_limit_is_refused(gateway: Served):
    body = {"model": "prompt:reply", "messages": [{"role": "user", "content": "x" * 21_000_000}]}
    answer = httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/models/nothing", 404),
        ("GET", "/ofrep/v1/evaluate/flags/x", 405),
        ("POST", "/ofrep/v1/nothing", 404),
    ],
)
def test_other_addresses_say_so(gateway: Served, method: str, path: str, status: int):
    assert httpx.request(method, gateway.address + path, headers=gateway.headers).status_code == status


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/models", "/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/x"]
)
def test_no_live_route_answers_without_a_key_that_has_its_scope(gateway: Served, path: str):
    method = "GET" if path.endswith("models") else "POST"
    reader = create_key(gateway.store, "reader", ["read", "ingest", "promote"], actor=ADA).key
    assert httpx.request(method, gateway.address + path, json={}).status_code == 401
    refused = httpx.request(method, gateway.address + path, json={}, headers={"X-API-Key": reader})
    assert refused.status_code == 403


def test_a_revoked_key_stops_within_five_seconds_and_a_new_one_works_at_once(gateway: Served):
    made = create_key(gateway.store, "short", ["assign"], actor=ADA)
    headers = {"Authorization": f"Bearer {made.key}"}
    address = f"{gateway.address}/v1/models"
    assert httpx.get(address, headers=headers).status_code == 200
    revoke_key(gateway.store, made.record.id, actor=ADA)
    gateway.until(lambda: httpx.get(address, headers=headers).status_code == 401, seconds=5)


def test_limits_hold_per_key(sqlite_store: Store, tmp_path: Path, provider: FakeProvider):
    environ = environ_of(provider) | {"BAKEOFF_KEY_CALLS_PER_SECOND": "2", "BAKEOFF_KEY_CALLS_AT_ONCE": "3"}
    with served(sqlite_store, tmp_path / "home", environ) as gateway:
        other = create_key(sqlite_store, "other", ["assign"], actor=ADA).key
        statuses = [httpx.get(f"{gateway.address}/v1/models", headers=gateway.headers) for _ in range(8)]
        refused = [answer for answer in statuses if answer.status_code == 429]
        assert 2 <= len(refused) <= 4
        assert int(refused[0].headers["retry-after"]) >= 1
        assert refused[0].json()["error"]["code"] == "rate_limit_exceeded"
        assert httpx.get(f"{gateway.address}/v1/models", headers={"X-API-Key": other}).status_code == 200
        time.sleep(1.6)  # the bucket of two seconds' worth fills again

        async def hanging() -> list[int]:
            messages = [{"role": "user", "content": "x"}]
            body = {"model": "openai/fault-hang", "messages": messages}
            async with httpx.AsyncClient(timeout=1.5, headers={"X-API-Key": other}) as client:

                async def one() -> int:
                    try:
                        return (await client.post(f"{gateway.address}/v1/chat/completions", json=body)).status_code
                    except httpx.TimeoutException:
                        return 0

                return await asyncio.gather(*(one() for _ in range(4)))

        assert sorted(asyncio.run(hanging())) == [0, 0, 0, 429]
