"""Every door that takes numbers gets numbers at the edges: a right status, and everything can be read afterwards."""

import itertools
import json

import httpx
import pytest

from experiments.actions.installation.change_settings import set_monthly_budget
from experiments.actions.results.analyse import fresh_analysis
from experiments.errors import BakeoffError
from experiments.views.live.tests import live_test_view
from storage.live_tables import ExposureRow
from tests.builders import ADA
from tests.gateway.conftest import Served, rows, unit_of

NUMBERS = ["1e308", "-1e308", "5e-324", "-5e-324", "1e155", "1e200", "NaN", "Infinity", "-Infinity", "1e999", "-0.0"]
EVEN = itertools.cycle("AB")
"""Units of both variants in turn: a split that is off would pause the test."""
NOT_FINITE = {"NaN", "Infinity", "-Infinity", "1e999"}


def post(gateway: Served, path: str, raw: str) -> httpx.Response:
    headers = {**gateway.headers, "Content-Type": "application/json"}
    return httpx.post(f"{gateway.address}{path}", content=raw.encode(), headers=headers, timeout=20)


def readable(gateway: Served) -> None:
    """Analysis, status, metrics and models are all there, as JSON that every reader takes."""
    gateway.delivered()
    result = fresh_analysis(gateway.store, "refund-reply-tone").result
    assert json.dumps(result, allow_nan=False)
    assert "analysis" not in {check["check"] for check in result["health"]}
    assert json.dumps(live_test_view(gateway.store, "refund-reply").to_json(), allow_nan=False)
    assert live_test_view(gateway.store, "refund-reply").state == "running"
    assert httpx.get(f"{gateway.address}/metrics", headers=gateway.headers).status_code == 200


@pytest.mark.parametrize("number", NUMBERS)
def test_outcomes(gateway: Served, number: str):
    unit = unit_of(gateway, next(EVEN))
    post(gateway, "/api/v1/assignments", json.dumps({"experiment": "refund-reply", "unit": unit}))
    item = f'{{"experiment":"refund-reply","unit":"{unit}","metric":"minutes","value":%s,"denominator":%s}}'
    for value, denominator in ((number, "1"), ("1", number), (number, number)):
        answer = post(gateway, "/api/v1/outcomes", item % (value, denominator))
        small = value in ("1", "5e-324", "-5e-324", "-0.0")
        assert answer.status_code == (200 if small and denominator == "1" else 400)
        assert answer.text.isprintable()
    readable(gateway)


@pytest.mark.parametrize("number", NUMBERS)
def test_contexts_of_assignments_and_flags(gateway: Served, number: str):
    unit = unit_of(gateway, next(EVEN))
    body = f'{{"experiment":"refund-reply","unit":"{unit}","context":{{"plan":{number}}}}}'
    assigned = post(gateway, "/api/v1/assignments", body)
    assert assigned.status_code in ((200, 422) if number in NOT_FINITE else (200,)), assigned.text
    flag = post(
        gateway, "/ofrep/v1/evaluate/flags/refund-reply", f'{{"context":{{"targetingKey":"{unit}","p":{number}}}}}'
    )
    every = post(gateway, "/ofrep/v1/evaluate/flags", f'{{"context":{{"targetingKey":"{unit}","p":{number}}}}}')
    assert {flag.status_code, every.status_code} <= ({200, 400} if number in NOT_FINITE else {200})
    rows(gateway, ExposureRow, unit=unit)
    readable(gateway)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "place", ['"temperature":%s', '"metadata":{"plan":%s}', '"variables":{"ticket":%s}', '"max_tokens":%s', '"n":%s']
)
def test_chat_bodies(gateway: Served, number: str, place: str):
    unit = unit_of(gateway, next(EVEN))
    variables = "" if "variables" in place else '"variables":{"ticket":"x"},'
    raw = f'{{"model":"experiment:refund-reply","user":"{unit}",{variables}{place % number}}}'
    answer = post(gateway, "/v1/chat/completions", raw)
    refused = number in NOT_FINITE or place.startswith('"n"')
    assert answer.status_code == (400 if refused else 200), answer.text
    assert json.loads(answer.text)
    readable(gateway)


@pytest.mark.parametrize("amount", [1e308, -1e308, 5e-324, 1e155, float("nan"), float("inf"), -0.0])
def test_budgets(gateway: Served, amount: float):
    try:
        set_monthly_budget(gateway.store, amount, actor=ADA)
    except BakeoffError as error:
        assert not 0 <= amount <= 1e9
        assert error.code
    finally:
        readable(gateway)
        set_monthly_budget(gateway.store, None, actor=ADA)
