"""Every paid call of the gateway counts in the month, and none leaves once the month's budget is spent."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from experiments.actions.installation.change_settings import set_monthly_budget, set_price
from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.loading.runs.budget import month_start
from experiments.prompts.content import text_prompt
from storage.live_tables import GatewayCallRow, LiveSpend
from storage.store import Store
from tests.builders import ADA
from tests.fake_provider import FakeProvider
from tests.gateway.conftest import Served, environ_of, go_live, rows, served, unit_of

PRICES = {"openai/fake-small": {"input_per_million": 100.0, "output_per_million": 100.0}}


@pytest.fixture
def shop(store: Store, tmp_path: Path, provider: FakeProvider) -> Iterator[Served]:
    """A gateway on either database: a live test whose file prices one of two models, a prompt, nobody's budget."""
    for text in ("Answer: {{ticket}}",):
        save_prompt(store, "reply", text_prompt(text, model="openai/fake-small"), actor=ADA)
    set_label(store, "reply", label="production", at="1", actor=ADA)
    go_live(store, prices=PRICES)
    with served(store, tmp_path / "home", environ_of(provider)) as opened:
        yield opened


def ask(shop: Served, model: str, *, unit: str | None = None, **more) -> httpx.Response:
    body = {"model": model, "user": unit, "variables": {"ticket": "Where is it?"}, **more}
    if not model.startswith(("prompt:", "experiment:")):
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}
    return httpx.post(f"{shop.address}/v1/chat/completions", json=body, headers=shop.headers, timeout=20)


def spent(shop: Served) -> float:
    shop.delivered()
    with shop.store.read() as tx:
        return tx.installation.spent_since(month_start(shop.store.clock()))


@pytest.mark.parametrize("stream", [False, True])
def test_calls_of_every_door_count_in_the_month(shop: Served, stream: bool):
    set_price(shop.store, "openai/fake-small", input_per_million=50.0, output_per_million=50.0, actor=ADA)
    shop.until(lambda: shop.live.known.prices().price("openai/fake-small") is not None)
    before = 0.0
    for model in ("prompt:reply", "experiment:refund-reply", "openai/fake-small"):
        assert ask(shop, model, unit=unit_of(shop, "A"), stream=stream).status_code == 200
        shop.until(lambda b=before: spent(shop) > b)
        before = spent(shop)
    calls = rows(shop, GatewayCallRow, 3)
    assert before == pytest.approx(sum(call.cost_usd for call in calls))
    sums = rows(shop, LiveSpend, 3)
    assert sorted((one.purpose, one.prompt, one.version, one.calls) for one in sums) == [
        ("live", "", 0, 1),
        ("live", "refund-reply-tone", 1, 1),
        ("live", "reply", 1, 1),
    ]


def test_the_prices_of_a_file_count_in_live_traffic(shop: Served):
    priced, unpriced = unit_of(shop, "A"), unit_of(shop, "B")
    for unit in (priced, unpriced):
        assert ask(shop, "experiment:refund-reply", unit=unit).status_code == 200
    calls = {call.variant: call for call in rows(shop, GatewayCallRow, 2)}
    assert (calls["A"].cost_status, calls["B"].cost_status) == ("known", "unknown")
    tokens = calls["A"].prompt_tokens + calls["A"].completion_tokens
    assert calls["A"].cost_usd == pytest.approx(tokens * 100 / 1e6)
    assert calls["B"].cost_usd is None


def test_a_spent_budget_refuses_paid_calls_and_no_others(shop: Served, provider: FakeProvider):
    set_price(shop.store, "openai/fake-small", input_per_million=5000.0, output_per_million=5000.0, actor=ADA)
    set_monthly_budget(shop.store, 0.01, actor=ADA)
    shop.until(lambda: shop.live.budget._limit_usd == 0.01 and shop.live.known.prices().price("openai/fake-small"))
    assert ask(shop, "prompt:reply").status_code == 200
    shop.until(lambda: spent(shop) >= 0.01)
    sent = len(provider.books.bodies)
    for model in ("prompt:reply", "experiment:refund-reply", "openai/fake-small", "some-unpriced-model"):
        refused = ask(shop, model, unit="somebody", stream=model == "prompt:reply")
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["type"]) == (402, "budget_spent", "insufficient_quota")
        assert "$0.01" in error["message"]
    assert len(provider.books.bodies) == sent
    assert ask(shop, "demo/small").status_code == 200
    rows(shop, GatewayCallRow, 2)

    set_monthly_budget(shop.store, 100.0, actor=ADA)
    shop.until(lambda: ask(shop, "prompt:reply").status_code == 200, seconds=5)


def test_a_failed_call_costs_nothing_and_a_broken_one_its_estimate(shop: Served):
    for fault in ("503", "drop"):
        set_price(shop.store, f"openai/fault-{fault}", input_per_million=9.0, output_per_million=9.0, actor=ADA)
    shop.until(lambda: shop.live.known.prices().price("openai/fault-drop") is not None)
    for fault in ("503", "drop"):
        assert ask(shop, f"openai/fault-{fault}").status_code >= 500
    refused, broken = sorted(rows(shop, GatewayCallRow, 2), key=lambda call: call.cost_usd)
    assert (refused.model, refused.cost_usd, refused.cost_status) == ("openai/fault-503", 0.0, "known")
    assert (broken.model, broken.cost_status) == ("openai/fault-drop", "estimated")
    assert broken.cost_usd > 0


@pytest.mark.parametrize("model", ["openai/fault-streamdrip"])
def test_a_stream_that_its_caller_leaves_is_abandoned_and_not_free(shop: Served, model: str):
    set_price(shop.store, model, input_per_million=9.0, output_per_million=9.0, actor=ADA)
    shop.until(lambda: shop.live.known.prices().price(model) is not None)
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with (
        httpx.Client(timeout=20) as client,
        client.stream("POST", f"{shop.address}/v1/chat/completions", json=body, headers=shop.headers) as answer,
    ):
        next(answer.iter_bytes())
    [call] = rows(shop, GatewayCallRow)
    assert (call.status, call.error_kind, call.cost_status) == ("abandoned", None, "estimated")
    assert call.cost_usd == pytest.approx((call.prompt_tokens + call.completion_tokens) * 9 / 1e6)
    assert spent(shop) == pytest.approx(call.cost_usd)
    metrics = httpx.get(f"{shop.address}/metrics", headers=shop.headers).text
    assert "gateway_calls_abandoned 1" in metrics
