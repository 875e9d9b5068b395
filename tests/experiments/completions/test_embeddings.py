"""Vectors behind the door: both engines alike, the same failures, priced by what went in."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.completions import CompletionSettings, open_completions
from experiments.plans.pricing import PriceBook, projected_cost
from experiments.vectors import cosine, packed, unpacked
from experiments.vocabulary import Completion, CostStatus, Failure, FailureKind, Request
from tests.experiments.completions.desk import CANARY_KEY, ENGINES, LITELLM_WARNS, Desk

pytestmark = pytest.mark.filterwarnings(*LITELLM_WARNS)


def asked(model: str, text: str = "cat dog cat") -> Request:
    return Request(model, ({"role": "user", "content": text},), embeds=True)


def both(desk: Desk, model: str, text: str = "cat dog cat", deadline_s: float = 10) -> list[Completion | Failure]:
    request = asked(f"openai/{model}", text)
    return [desk.run(desk.completions[e].attempt(request, deadline_s=deadline_s)) for e in ENGINES]


def record(outcome: Completion | Failure) -> dict[str, Any]:
    values = {"type": type(outcome).__name__, **asdict(outcome), "latency_ms": None}
    if str(values.get("provider_request_id")).startswith("req-"):
        values["provider_request_id"] = "req-…"
    return values


def test_both_engines_give_the_same_vector_at_the_same_price_by_one_request(desk: Desk):
    received = desk.provider.books.received
    lean, litellm = both(desk, "priced")
    assert record(lean) == record(litellm)
    assert isinstance(lean, Completion)
    assert unpacked(lean.text) == (2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert (lean.usage.prompt_tokens, lean.usage.completion_tokens) == (3, 0)
    assert (lean.cost_usd, lean.cost_status) == (3e-6, CostStatus.KNOWN)
    assert desk.provider.books.received == received + 2


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("fault-401", FailureKind.AUTH),
        ("fault-404", FailureKind.MODEL_NOT_FOUND),
        ("fault-429", FailureKind.RATE_LIMIT),
        ("fault-500", FailureKind.SERVER_ERROR),
        ("fault-refusaltext", FailureKind.MALFORMED_RESPONSE),
    ],
)
def test_failures_are_the_same_for_both(desk: Desk, model: str, kind: FailureKind):
    received = desk.provider.books.received
    lean, litellm = both(desk, model)
    assert isinstance(lean, Failure)
    assert record(lean) == record(litellm)
    assert lean.kind is kind
    assert CANARY_KEY not in lean.message
    assert desk.provider.books.received == received + 2


def demo(request: Request) -> Completion | Failure:
    async def once() -> Completion | Failure:
        door = open_completions(CompletionSettings.from_env({"BAKEOFF_DEMO_TIME_SCALE": "0"}), environ={})
        return await door.attempt(request, deadline_s=5)

    return asyncio.run(once())


def test_the_simulated_model_finds_texts_near_that_share_words():
    refund, again, weather = (
        demo(asked("demo/embedding", text))
        for text in ("You get a full refund.", "A full refund is what you get.", "Rain tomorrow, with storms at sea")
    )
    assert all(isinstance(r, Completion) and r.simulated for r in (refund, again, weather))
    near, far = (cosine(unpacked(refund.text), unpacked(other.text)) for other in (again, weather))
    assert near > 0.6 > 0.3 > far
    assert demo(asked("demo/embedding", "You get a full refund.")).text == refund.text
    assert refund.cost_usd == pytest.approx(
        projected_cost(asked("demo/embedding", "You get a full refund."), PriceBook().price("demo/embedding"))
    )


@pytest.mark.parametrize(("model", "embeds"), [("demo/embedding", False), ("demo/small", True)])
def test_a_model_of_the_other_kind_is_refused_before_it_is_asked(model: str, embeds: bool):
    outcome = demo(Request(model, ({"role": "user", "content": "x"},), embeds=embeds))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.may_be_billed) == (FailureKind.MODEL_NOT_FOUND, False)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_a_vector_comes_back_as_it_was_kept(vector: list[float]):
    assert unpacked(packed(vector) or "") == tuple(vector)


@pytest.mark.parametrize("vector", [[], ["1"], [True], [None], [float("nan")], [float("inf")], [1e300]])
def test_what_is_no_vector_is_not_kept(vector: list[object]):
    assert packed(vector) is None


@pytest.mark.parametrize("text", ["", "not base64!", "YWI=", packed([1.0])[:-2], "é"])
def test_other_texts_are_no_vectors(text: str):
    assert unpacked(text) is None


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ((1, 0), (1, 0), 1.0),
        ((1, 0), (0, 2), 0.0),
        ((1, 0), (-3, 0), -1.0),
        ((3, 4), (4, 3), 0.96),
        ((0, 0), (1, 0), None),
        ((1,), (1, 0), None),
    ],
)
def test_the_cosine_of_two_vectors(a: tuple[float, ...], b: tuple[float, ...], value: float | None):
    assert cosine(a, b) == (None if value is None else pytest.approx(value))
