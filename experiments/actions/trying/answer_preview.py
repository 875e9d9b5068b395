"""Answer one "try on a row": on the books first, then the call, then its answer and cost."""

from __future__ import annotations

import asyncio
from typing import Any

from experiments.completions import Completions
from experiments.loading.runs.budget import monthly_left
from experiments.loading.runs.prices import installation_prices
from experiments.plans.pricing import projected_cost
from experiments.vocabulary import Completion, CostStatus, Failure, Request
from storage.records import PreviewRecord
from storage.store import Store

DEADLINE_S = 120.0


async def answer_preview(store: Store, completions: Completions, preview: PreviewRecord, *, worker: str) -> None:
    """Call the model for one try, unless another worker took it or the month's budget is spent.

    Nothing is retried: a person is watching.
    """
    stored = preview.request
    request = Request(stored["model"], tuple(stored["messages"]), stored["parameters"])
    with store.read() as tx:
        prices = installation_prices(tx)
    estimate = projected_cost(request, completions.price(request.model, prices=prices))
    if not await asyncio.to_thread(_claim, store, preview.id, estimate, worker):
        return
    result = await completions.attempt(request, deadline_s=DEADLINE_S, prices=prices)
    await asyncio.to_thread(_finish, store, preview.id, result)


def _claim(store: Store, preview_id: str, estimate: float | None, worker: str) -> bool:
    with store.begin() as tx:
        left = monthly_left(tx)
        if left is not None and (estimate is None or estimate > left):
            why = "Nobody knows this model's price." if estimate is None else "The month's budget is spent."
            answer = {"kind": "budget", "message": why}
            tx.previews.finish(
                preview_id, state="failed", answer=answer, cost_usd=0.0, cost_status=CostStatus.KNOWN, at=tx.clock()
            )
            return False
        return tx.previews.claim(preview_id, worker=worker, estimated_cost_usd=estimate)


def _finish(store: Store, preview_id: str, result: Completion | Failure) -> None:
    with store.begin() as tx:
        now = store.clock()
        if isinstance(result, Failure):
            status = CostStatus.UNKNOWN if result.may_be_billed else CostStatus.KNOWN
            answer: dict[str, Any] = {"kind": result.kind.value, "message": result.message}
            cost = None if result.may_be_billed else 0.0
            tx.previews.finish(preview_id, state="failed", answer=answer, cost_usd=cost, cost_status=status, at=now)
            return
        answer = {
            "text": result.text,
            "response_class": result.response_class.value,
            "tool_calls": [dict(call) for call in result.tool_calls],
            "prompt_tokens": result.usage.prompt_tokens,
            "completion_tokens": result.usage.completion_tokens,
            "latency_ms": result.latency_ms,
            "first_token_ms": result.first_token_ms,
            "simulated": result.simulated,
        }
        tx.previews.finish(
            preview_id,
            state="done",
            answer=answer,
            cost_usd=result.cost_usd,
            cost_status=result.cost_status,
            at=now,
        )
