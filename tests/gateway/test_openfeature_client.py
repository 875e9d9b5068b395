"""OpenFeature's SDK for Python and the protocol's own words: flags, bulk, ETag."""

import httpx
import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from storage.live_tables import ExposureRow
from tests.gateway.conftest import Served, rows, unit_of

DEFAULT = {"messages": [{"role": "user", "content": "mine"}]}


@pytest.fixture
def flags(gateway: Served):
    provider = OFREPProvider(gateway.address, headers_factory=lambda: gateway.headers)
    api.set_provider(provider)
    yield api.get_client()
    provider.session.close()
    api.clear_providers()


def post(gateway: Served, key: str, body: object, **headers: str) -> httpx.Response:
    path = f"/ofrep/v1/evaluate/flags/{key}".rstrip("/")
    return httpx.post(gateway.address + path, json=body, headers=gateway.headers | headers)


def test_a_live_test_is_a_flag_with_an_object_value(gateway: Served, flags):
    unit = unit_of(gateway, "B")
    details = flags.get_object_details("refund-reply", DEFAULT, EvaluationContext(unit, {"plan": "pro"}))
    assert (details.variant, details.reason, details.error_code) == ("B", "SPLIT", None)
    assert details.value["messages"] == [{"role": "user", "content": "Reply kindly to: {{ticket}}"}]
    assert (details.value["model"], details.value["parameters"]) == ("openai/fake-large", {"temperature": 0.2})
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert (exposure.id, exposure.source) == (details.flag_metadata["exposure"], "ofrep")


def test_a_prompt_is_a_flag_that_serves_what_production_serves(flags):
    details = flags.get_object_details("reply", DEFAULT, EvaluationContext("anybody"))
    assert (details.variant, details.reason) == ("1", "STATIC")
    assert details.value["messages"] == [{"role": "user", "content": "Answer: {{ticket}}"}]


@pytest.mark.parametrize(
    ("key", "context", "code"),
    [
        ("nothing", EvaluationContext("u"), ErrorCode.FLAG_NOT_FOUND),
        ("refund-reply", EvaluationContext(None, {"plan": "pro"}), ErrorCode.TARGETING_KEY_MISSING),
    ],
)
def test_the_default_is_used_with_the_reason_why(flags, key: str, context: EvaluationContext, code: ErrorCode):
    details = flags.get_object_details(key, DEFAULT, context)
    assert (details.value, details.error_code) == (DEFAULT, code)


def test_another_type_than_the_flags_is_the_sdks_own_error(flags):
    details = flags.get_boolean_details("refund-reply", False, EvaluationContext("u"))
    assert (details.value, details.error_code) == (False, ErrorCode.TYPE_MISMATCH)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        (b"{}", "INVALID_CONTEXT"),
        (b'{"context": 5}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 5}}', "INVALID_CONTEXT"),
        (b'{"context": {}}', "TARGETING_KEY_MISSING"),
    ],
)
def test_a_wrong_body_is_400_in_the_protocols_words(gateway: Served, raw: bytes, code: str):
    single = httpx.post(f"{gateway.address}/ofrep/v1/evaluate/flags/refund-reply", content=raw, headers=gateway.headers)
    bulk = httpx.post(f"{gateway.address}/ofrep/v1/evaluate/flags", content=raw, headers=gateway.headers)
    assert (single.status_code, single.json()["errorCode"], single.json()["key"]) == (400, code, "refund-reply")
    assert (bulk.status_code, bulk.json()["errorCode"]) == (400, code)
    assert "key" not in bulk.json()


def test_all_flags_come_at_once_and_304_while_nothing_changed(gateway: Served):
    unit = unit_of(gateway, "A")
    body = {"context": {"targetingKey": unit, "plan": "pro"}}
    first = post(gateway, "", body)
    flags = {flag["key"]: flag for flag in first.json()["flags"]}
    assert {"refund-reply", "reply"} <= set(flags)
    assert (flags["refund-reply"]["variant"], flags["refund-reply"]["reason"]) == ("A", "SPLIT")
    etag = first.headers["etag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}'):
        again = post(gateway, "", body, **{"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = post(gateway, "", {"context": {"targetingKey": unit, "plan": "free"}}, **{"If-None-Match": etag})
    assert other.status_code == 200
    rows(gateway, ExposureRow, unit=unit)


def test_a_unit_that_nobody_could_keep_meets_the_control(gateway: Served):
    for key in ("", "a\x00b", "x" * 600):
        flag = post(gateway, "refund-reply", {"context": {"targetingKey": key}}).json()
        assert (flag["variant"], flag["reason"], flag["metadata"]["counted"]) == ("A", "UNKNOWN", False)


def test_too_many_requests_name_the_time_to_come_back(gateway: Served, monkeypatch):
    from gateway.key_check import KeyLimits

    monkeypatch.setattr(gateway.live.gate, "_limits", KeyLimits(per_second=0.5))
    monkeypatch.setattr(gateway.live.gate, "_uses", {})
    answers = [post(gateway, "reply", {"context": {"targetingKey": "u"}}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert int(answers[1].headers["retry-after"]) >= 1
