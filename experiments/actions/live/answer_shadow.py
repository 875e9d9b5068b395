"""Let a challenger answer in the background what users asked the control: nobody sees it, a budget of its own pays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.actions.live.record_events import record_events
from experiments.completions import Completions
from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec
from experiments.live.events import LONGEST_TEXT, AnswerSample, GatewayCall
from experiments.loading.live.phases import live_test
from experiments.loading.runs.budget import monthly_left
from experiments.loading.runs.prices import file_prices, installation_prices
from experiments.plans.pricing import PriceBook, projected_cost
from experiments.prompts.content import content_of
from experiments.prompts.rendering import render
from experiments.vocabulary import Completion, CostStatus, Failure, Request
from storage.store import Store

DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class _Shadow:
    """One request as the challenger gets it."""

    key: str
    phase: int
    prompt: str
    version: int
    request: Request
    budget_usd: float
    prices: PriceBook


async def answer_shadow(store: Store, completions: Completions, ask: Mapping[str, Any], *, worker: str) -> bool:
    """Whether the challenger was asked. What it said is kept as a shadow call; a budget that is spent skips it.

    The estimate is on the books before the call leaves, so a killed worker leaves it counted, and asks nothing twice.
    """
    try:
        shadow = await asyncio.to_thread(_prepared, store, ask)
    except BakeoffError as error:
        await asyncio.to_thread(_end, store, ask["id"], "skipped", error.message)
        return False
    price = completions.price(shadow.request.model, prices=shadow.prices)
    estimate = projected_cost(shadow.request, price)
    if not await asyncio.to_thread(_claimed, store, ask, shadow, estimate, worker):
        return False
    result = await completions.attempt(shadow.request, deadline_s=DEADLINE_S, prices=shadow.prices)
    await asyncio.to_thread(_kept, store, ask, shadow, result, estimate or 0.0)
    return True


def _prepared(store: Store, ask: Mapping[str, Any]) -> _Shadow:
    with store.read() as tx:
        phase = tx.live.get(ask["phase_id"])
        served = live_test(tx, phase).served[ask["variant"]]
        spec = ExperimentSpec.model_validate(tx.experiments.get(phase.experiment_id).spec)
        live, prices = spec.live, installation_prices(tx).with_prices(file_prices(spec.prices))
    if live is None or live.shadow is None:
        raise BakeoffError("no_shadow", "The test has no shadow stage.")
    content = content_of("chat", served.messages, served.model, served.parameters)
    filled = render(content, ask["variables"])
    request = Request(filled.model, (*filled.messages, *ask["messages"]), filled.parameters)
    return _Shadow(phase.key, phase.number, served.prompt, served.version, request, live.shadow.budget_usd, prices)


def _claimed(store: Store, ask: Mapping[str, Any], shadow: _Shadow, estimate: float | None, worker: str) -> bool:
    with store.begin() as tx:
        left = monthly_left(tx)
        if estimate is None:
            tx.live_work.end_shadow(ask["id"], state="skipped", reason="nobody knows the price", at=tx.clock())
            return False
        within = left is None or estimate <= left
        if within and tx.live_work.claim_shadow(
            ask["id"], worker=worker, estimate=estimate, budget=shadow.budget_usd, phase_id=ask["phase_id"]
        ):
            return True
        tx.live_work.end_shadow(ask["id"], state="skipped", reason="the budget is spent", at=tx.clock())
        return False


def _kept(store: Store, ask: Mapping[str, Any], shadow: _Shadow, result: Completion | Failure, estimate: float) -> None:
    record_events(store, [_call(store, ask, shadow, result)])
    failed = isinstance(result, Failure)
    cost = estimate
    if isinstance(result, Completion):
        cost = result.cost_usd if result.cost_usd is not None else estimate
    elif not result.may_be_billed:
        cost = 0.0
    with store.begin() as tx:
        tx.live_work.settle_spending(ask["phase_id"], cost - estimate)
        reason = result.message if isinstance(result, Failure) else ""
        tx.live_work.end_shadow(ask["id"], state="failed" if failed else "done", reason=reason, at=tx.clock())


def _call(store: Store, ask: Mapping[str, Any], shadow: _Shadow, result: Completion | Failure) -> GatewayCall:
    common: dict[str, Any] = {
        "id": f"shadow-{ask['id']}",
        "at": store.clock(),
        "prompt": shadow.prompt,
        "version": shadow.version,
        "model": shadow.request.model,
        "experiment": shadow.key,
        "phase": shadow.phase,
        "variant": ask["variant"],
        "shadow": True,
    }
    if isinstance(result, Failure):
        status = CostStatus.UNKNOWN if result.may_be_billed else CostStatus.KNOWN
        cost = None if result.may_be_billed else 0.0
        return GatewayCall(
            **common,
            status="failed",
            latency_ms=result.latency_ms or 0.0,
            error_kind=result.kind.value,
            cost_usd=cost,
            cost_status=status.value,
        )
    return GatewayCall(
        **common,
        status="ok",
        latency_ms=result.latency_ms,
        first_token_ms=result.first_token_ms,
        prompt_tokens=result.usage.prompt_tokens,
        completion_tokens=result.usage.completion_tokens,
        cost_usd=result.cost_usd,
        cost_status=result.cost_status.value,
        response_class=result.response_class.value,
        answer_chars=len(result.text),
        sample=AnswerSample(result.text[:LONGEST_TEXT], shadow.request.messages, dict(ask["variables"])),
    )


def _end(store: Store, ask_id: str, state: str, reason: str) -> None:
    with store.begin() as tx:
        tx.live_work.end_shadow(ask_id, state=state, reason=reason, at=tx.clock())
