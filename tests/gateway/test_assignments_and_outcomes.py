"""Plain assignments, and outcomes: each item with a result of its own, each counted once."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from storage.live_tables import ExposureRow, OutcomeRow
from tests.gateway.conftest import Served, rows, unit_of


def assign(gateway: Served, **body) -> httpx.Response:
    body = {"experiment": "refund-reply", **body}
    return httpx.post(f"{gateway.address}/api/v1/assignments", json=body, headers=gateway.headers)


def report(gateway: Served, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{gateway.address}/api/v1/outcomes", content=content, headers=gateway.headers)


def outcome(unit: str, **changes) -> dict:
    return {"experiment": "refund-reply", "unit": unit, "metric": "resolved", "value": 1, **changes}


def test_an_assignment_holds_all_that_a_call_needs_and_is_an_exposure(gateway: Served):
    unit = unit_of(gateway, "B")
    body = assign(gateway, unit=unit, context={"plan": "pro"}).json()
    assert (body["variant"], body["reason"], body["counted"], body["phase"]) == ("B", "split", True, 1)
    assert body["messages"] == [{"role": "user", "content": "Reply kindly to: {{ticket}}"}]
    assert (body["model"], body["parameters"], body["variables"]) == (
        "openai/fake-large",
        {"temperature": 0.2},
        ["ticket"],
    )
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert (exposure.id, exposure.source) == (body["exposure"], "assignments")


def test_messages_are_filled_in_when_variables_are_given(gateway: Served):
    body = assign(gateway, unit=unit_of(gateway, "A"), variables={"ticket": "Hi {{x}}"}).json()
    assert body["messages"] == [{"role": "user", "content": "Reply to: Hi {{x}}"}]
    missing = assign(gateway, unit="u", variables={})
    assert (missing.status_code, missing.json()["error"]["code"]) == (400, "missing_variable")


def test_all_doors_assign_alike(gateway: Served):
    for variant in "AB":
        unit = unit_of(gateway, variant)
        plain = assign(gateway, unit=unit).json()
        flag = httpx.post(
            f"{gateway.address}/ofrep/v1/evaluate/flags/refund-reply",
            json={"context": {"targetingKey": unit}},
            headers=gateway.headers,
        ).json()
        chat = httpx.post(
            f"{gateway.address}/v1/chat/completions",
            json={"model": "experiment:refund-reply", "user": unit, "variables": {"ticket": "x"}},
            headers=gateway.headers,
        )
        exposures = {plain["exposure"], flag["metadata"]["exposure"], chat.headers["x-bakeoff-exposure"]}
        assert {plain["variant"], flag["variant"], chat.headers["x-bakeoff-variant"]} == {variant}
        assert len(exposures) == 1
        rows(gateway, ExposureRow, unit=unit)


@pytest.mark.parametrize("unit", [None, ""])
def test_without_a_unit_the_control_is_served_and_nobody_counted(gateway: Served, unit):
    body = assign(gateway, unit=unit).json()
    assert (body["variant"], body["reason"], body["counted"], body["exposure"]) == ("A", "no_unit", False, None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"experiment": "refund"}, 404, "no_such_live_test"),
        ({"unit": "a\x00b"}, 400, "bad_unit"),
        ({"unit": 5}, 422, "invalid_body"),
        ({"unit": "x" * 600}, 422, "invalid_body"),
        ({"context": {"a": [1]}}, 422, "invalid_body"),
        ({"what": 1}, 422, "invalid_body"),
    ],
)
def test_a_wrong_assignment_says_what_is_wrong(gateway: Served, body: dict, status: int, code: str):
    answer = assign(gateway, **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_an_outcome_is_stored_when_the_answer_is_there(gateway: Served):
    unit = unit_of(gateway, "A")
    exposure = assign(gateway, unit=unit).json()["exposure"]
    at = "2026-05-01T12:00:00+02:00"
    answer = report(gateway, outcome(unit, value=0, exposure=exposure, at=at, idempotency_key=f"{unit}-1"))
    [stored] = rows(gateway, OutcomeRow, unit=unit)
    result = {"index": 0, "status": 200, "outcome": stored.id, "matched": True}
    assert answer.json() == {"accepted": 1, "refused": 0, "unmatched": 0, "results": [result]}
    assert (stored.value, stored.metric, stored.exposure_id) == (0.0, "resolved", exposure)
    assert stored.at.isoformat() == "2026-05-01T10:00:00+00:00"


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_batch_gives_each_item_its_result(gateway: Served, wrapped: bool):
    unit = unit_of(gateway, "A")
    items = [
        outcome(unit),
        outcome(unit, metric="minutes", value=2.5),
        outcome(unit, metric="nothing"),
        outcome(unit, experiment="nothing"),
        outcome(unit, value="yes"),
        outcome(unit, value=True),
        outcome(unit, value=0.5),
        outcome(""),
        {"unit": unit},
        outcome(unit, wat=1),
        outcome(unit, at="yesterday"),
        outcome(unit, at="2026-05-01T12:00:00"),
        "text",
    ]
    body = report(gateway, {"outcomes": items} if wrapped else items).json()
    assert [result["status"] for result in body["results"]] == [200, 200, 400, 404, *[400] * 9]
    codes = [result.get("code") for result in body["results"]]
    assert codes[2:8] == ["unknown_metric", "no_such_live_test", *["not_a_number"] * 2, "not_yes_or_no", "bad_unit"]
    assert (body["accepted"], body["refused"]) == (2, 11)
    rows(gateway, OutcomeRow, 2, unit=unit)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" + b"0" * 400])
def test_numbers_that_are_not_finite_are_refused(gateway: Served, number: bytes):
    raw = b'{"experiment":"refund-reply","unit":"u","metric":"minutes","value":' + number + b"}"
    answer = report(gateway, raw)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "not_finite")


def test_the_same_key_counts_once_and_with_another_body_it_is_refused(gateway: Served):
    unit = unit_of(gateway, "B")
    first = outcome(unit, idempotency_key=f"{unit}-k")
    assert [report(gateway, first).status_code for _ in range(3)] == [200] * 3
    changed = report(gateway, {**first, "value": 0})
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "key_reused")
    batch = report(gateway, [first, {**first, "value": 0}, outcome(unit, idempotency_key=f"{unit}-l")]).json()
    assert [result["status"] for result in batch["results"]] == [200, 409, 200]
    stored = rows(gateway, OutcomeRow, 2, unit=unit)
    assert [one.value for one in stored] == [1.0, 1.0]


def test_fifty_at_once_with_one_key_are_one(gateway: Served):
    unit = unit_of(gateway, "B")
    body = outcome(unit, idempotency_key=f"{unit}-race")
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: report(gateway, body).status_code, range(50)))
    assert statuses == [200] * 50
    rows(gateway, OutcomeRow, 1, unit=unit)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_body"),
        (b"5", 400, "invalid_body"),
        (json.dumps([{}] * 1001).encode(), 400, "too_many"),
        (b"[" + b"1," * 600_000 + b"1]", 413, "too_large"),
    ],
)
def test_a_body_that_holds_no_batch_is_refused_as_a_whole(gateway: Served, body: bytes, status: int, code: str):
    answer = report(gateway, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_thousand_outcomes_fit_into_one_request(gateway: Served):
    unit = unit_of(gateway, "A")
    body = report(gateway, [outcome(unit, metric="minutes", value=i) for i in range(1000)]).json()
    assert body["accepted"] == 1000
    rows(gateway, OutcomeRow, 1000, unit=unit)


BLANKS = [" ", "\t\n", "\u00a0", "\u200b\u2060", "\u3000"]


@pytest.mark.parametrize("unit", BLANKS)
def test_a_blank_unit_is_refused_at_every_door(gateway: Served, unit: str):
    assert assign(gateway, unit=unit).json()["error"]["code"] == "blank_unit"
    assert report(gateway, outcome(unit)).json()["error"]["code"] == "bad_unit"
    flag = httpx.post(
        f"{gateway.address}/ofrep/v1/evaluate/flags/refund-reply",
        json={"context": {"targetingKey": unit}}, headers=gateway.headers,
    )  # fmt: skip
    assert (flag.json()["variant"], flag.json()["reason"]) == ("A", "UNKNOWN")  # the protocol knows no blank key
    for name in ("user", "safety_identifier"):
        body = {"model": "experiment:refund-reply", name: unit, "variables": {"ticket": "x"}}
        chat = httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers)
        assert (chat.status_code, chat.json()["error"]["param"]) == (400, name)


def test_the_newer_name_of_a_user_is_a_unit_too(gateway: Served):
    unit = unit_of(gateway, "B")
    body = {"model": "experiment:refund-reply", "safety_identifier": unit, "variables": {"ticket": "x"}}
    chat = httpx.post(f"{gateway.address}/v1/chat/completions", json=body, headers=gateway.headers)
    assert chat.headers["x-bakeoff-variant"] == "B"
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert exposure.counted


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 1e308, -1, True,
    ],
)  # fmt: skip
def test_an_impossible_time_loses_its_own_item_and_no_other(gateway: Served, at: object):
    unit = unit_of(gateway, "A")
    body = report(gateway, [outcome(unit), outcome(unit, at=at), outcome(unit, metric="minutes")]).json()
    assert [result["status"] for result in body["results"]] == [200, 400, 200]
    assert body["results"][1]["code"] == "bad_time"
    rows(gateway, OutcomeRow, 2, unit=unit)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"metric": "minutes", "value": 1e200}, "out_of_range"),
        ({"metric": "minutes", "value": -1.0000001e12}, "out_of_range"),
        ({"metric": "minutes", "value": 1e308, "denominator": 1e308}, "out_of_range"),
        ({"metric": "minutes", "value": 1, "denominator": 5e-324}, "bad_denominator"),
        ({"metric": "minutes", "value": 1, "denominator": 1e155}, "bad_denominator"),
        ({"metric": "resolved", "value": 5e-324}, "not_yes_or_no"),
    ],
)
def test_a_value_outside_of_its_range_is_refused_with_the_range(gateway: Served, changes: dict, code: str):
    unit = unit_of(gateway, "A")
    body = report(gateway, [outcome(unit, **changes), outcome(unit)]).json()
    assert [result["status"] for result in body["results"]] == [400, 200]
    assert body["results"][0]["code"] == code
    assert code != "out_of_range" or "-1e+12 to 1e+12" in body["results"][0]["hint"]


def test_an_outcome_of_a_unit_that_met_nothing_says_so(gateway: Served):
    met, unmet = unit_of(gateway, "A"), unit_of(gateway, "B")
    assign(gateway, unit=met)
    body = report(gateway, [outcome(met), outcome(unmet)]).json()
    assert (body["accepted"], body["unmatched"]) == (2, 1)
    assert [result["matched"] for result in body["results"]] == [True, False]
