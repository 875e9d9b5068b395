"""Calls to providers for chat requests, and what is kept of each: tokens, cost, times, how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from experiments.completions import Completions
from experiments.completions.redaction import Redactor
from experiments.live.assignment import LiveTest, Served, sampled
from experiments.live.events import ABANDONED, LONGEST_TEXT, AnswerSample, Event, GatewayCall, ShadowAsk
from experiments.plans.pricing import Price, PriceBook, cost, projected_cost
from experiments.plans.token_estimates import prompt_tokens, text_tokens
from experiments.vocabulary import Clock, Completion, CostStatus, Failure, FailureKind, Usage, new_id
from gateway.chat_plan import ChatPlan, Part, payload_of
from gateway.exposing import encoded
from gateway.month_budget import MonthBudget
from gateway.pass_through import PassedThrough, PlainEndpoints
from gateway.provider_call import Abandoned, DoorCall, Outcome, ProviderCall
from gateway.spill import Spill

LONGEST_MODEL = 200
RECORDED_AFTER_S = 0.02
"""Records wait so long, for all that end meanwhile: answers go out first, and nobody waits for our books."""
NOT_SENT = Failure(FailureKind.BAD_REQUEST, "The request lacks a variable of this variant.", retryable=False)


class _Ended(NamedTuple):
    """A call that has ended and is to be recorded."""

    plan: ChatPlan
    part: Part
    served: Served | None
    outcome: Outcome
    at: datetime
    fell_back: bool


class Calls:
    """Opens calls and keeps their records. Belongs to one event loop."""

    def __init__(
        self,
        completions: Completions,
        environ: Mapping[str, str],
        spill: Spill,
        *,
        prices: Callable[[], PriceBook],
        budget: MonthBudget,
        clock: Clock,
        deadline_s: float,
    ) -> None:
        self._completions = completions
        self._endpoints = PlainEndpoints(completions, environ, Redactor(environ))
        self._budget = budget
        self._spill = spill
        self._prices = prices
        self._clock = clock
        self._deadline_s = deadline_s
        self._ended: list[_Ended] = []
        self.abandoned = 0

    def open(self, plan: ChatPlan, part: Part) -> ProviderCall:
        """The call of a part, not started yet."""
        prices = self._prices_for(plan)
        found = self._endpoints.route(part.wanted.model)
        if found is None:
            return DoorCall(self._completions, part.wanted, deadline_s=self._deadline_s, prices=prices)
        route, name = found
        return PassedThrough(
            self._endpoints,
            route,
            part.wanted,
            payload_of(part, name),
            deadline_s=self._deadline_s,
            price=self._completions.price(part.wanted.model, prices=prices),
            watched=part.served is not None,
        )

    def refuse_beyond_budget(self, plan: ChatPlan) -> None:
        """Nothing while the month leaves something to spend. Raises ChatError: 402 ``budget_spent``."""
        self._budget.refuse_beyond(plan.first.wanted.model, self._prices_for(plan))

    def _prices_for(self, plan: ChatPlan) -> PriceBook:
        """The prices that count for a request: those of the live test's file come before the installation's."""
        book = self._prices()
        return book.with_prices(plan.live.prices) if plan.live is not None and plan.live.prices else book

    def record(self, plan: ChatPlan, part: Part, outcome: Outcome, *, fell_back: bool) -> None:
        """Keeps what is known of a call, in a moment.

        ``fell_back`` says that another part answers in place of this one, which failed.
        """
        if not self._ended:
            asyncio.get_running_loop().call_later(RECORDED_AFTER_S, self._write)
        self.abandoned += isinstance(outcome, Abandoned)
        self._ended.append(_Ended(plan, part, part.served, outcome, self._clock(), fell_back))

    async def aclose(self) -> None:
        """Writes down what has ended and closes all connections."""
        self._write()
        await self._endpoints.aclose()
        await self._completions.aclose()

    def _write(self) -> None:
        ended, self._ended = self._ended, []
        events = []
        for one in ended:
            for event in self._events_of(one):
                events.append(encoded(event))
                if isinstance(event, GatewayCall):
                    self._budget.add(event.id, event.cost_usd)
        if events:
            self._spill.append_soon(events)

    def _events_of(self, one: _Ended) -> Iterator[Event]:
        call = self._call_of(one)
        yield call
        if one.plan.unfilled is not None:
            met = one.plan.met
            lost = replace(one.part, variant=met.assignment.variant if met else None)
            yield self._call_of(one._replace(part=lost, served=one.plan.unfilled, outcome=NOT_SENT, fell_back=True))
        if one.plan.live is not None and isinstance(one.outcome, Completion):
            yield from self._shadows(one.plan, one.plan.live, one.part, call.id)

    def _call_of(self, one: _Ended) -> GatewayCall:
        model = one.part.wanted.model
        return _call_of(one, self._completions.price(model, prices=self._prices_for(one.plan)))

    def _shadows(self, plan: ChatPlan, live: LiveTest, part: Part, call_id: str) -> list[ShadowAsk]:
        """What challengers shall answer in the background, for a share of the requests that take no part."""
        shadow = live.shadow
        counted = plan.met is not None and plan.met.assignment.counted
        if shadow is None or counted or part.variant != live.control or not sampled(shadow.share, call_id):
            return []
        return [
            ShadowAsk(
                id=new_id(),
                at=self._clock(),
                experiment=live.key,
                phase=live.phase,
                variant=variant,
                unit=plan.ask.unit or "",
                control_call=call_id,
                messages=plan.ask.messages,
                variables=plan.ask.variables,
            )
            for variant in shadow.variants
        ]


def _call_of(one: _Ended, price: Price | None) -> GatewayCall:
    plan, outcome = one.plan, one.outcome
    assignment = plan.met.assignment if plan.met is not None else None
    identity = new_id()
    return GatewayCall(
        id=identity,
        at=one.at,
        prompt=one.served.prompt if one.served is not None else "",
        version=one.served.version if one.served is not None else None,
        model=one.served.model if one.served is not None else one.part.wanted.model[:LONGEST_MODEL],
        status=_status(outcome),
        latency_ms=outcome.latency_ms or 0.0,
        experiment=plan.live.key if plan.live else None,
        phase=assignment.phase if assignment else None,
        variant=assignment.variant if assignment else None,
        exposure=(assignment.exposure or None) if assignment else None,
        streamed=plan.ask.stream,
        fell_back=one.fell_back,
        **_told_by(plan, one.part, outcome, identity, price),
    )


def _told_by(plan: ChatPlan, part: Part, outcome: Outcome, identity: str, price: Price | None) -> dict[str, Any]:
    """The columns that tell how a call ended."""
    if isinstance(outcome, Abandoned):
        return {
            "first_token_ms": outcome.first_token_ms,
            "answer_chars": len(outcome.text),
            **_cost_of_abandoned(outcome, part, price),
        }
    if isinstance(outcome, Failure):
        return {"error_kind": outcome.kind.value, **_cost_of_failure(outcome, part, price)}
    return {
        "first_token_ms": outcome.first_token_ms,
        "prompt_tokens": outcome.usage.prompt_tokens,
        "completion_tokens": outcome.usage.completion_tokens,
        "cost_usd": outcome.cost_usd,
        "cost_status": outcome.cost_status.value,
        "response_class": outcome.response_class.value,
        "answer_chars": len(outcome.text),
        "sample": _sample(plan, part, outcome, identity),
    }


def _status(outcome: Outcome) -> str:
    if isinstance(outcome, Abandoned):
        return ABANDONED
    return "ok" if isinstance(outcome, Completion) else "failed"


def _cost_of_abandoned(abandoned: Abandoned, part: Part, price: Price | None) -> dict[str, Any]:
    """What was sent and what had come until the caller left, at the model's price: a provider may charge for more."""
    if not abandoned.sent:
        return {"cost_usd": 0.0, "cost_status": CostStatus.KNOWN.value}
    usage = Usage(prompt_tokens(part.wanted.request()), text_tokens(abandoned.text))
    usd, status = cost(usage, price, estimated=True)
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost_usd": usd,
        "cost_status": status.value,
    }


def _cost_of_failure(failure: Failure, part: Part, price: Price | None) -> dict[str, Any]:
    """A call that the provider refused costs nothing; one that broke off may be billed, and counts by its estimate."""
    if not failure.may_be_billed:
        return {"cost_usd": 0.0, "cost_status": CostStatus.KNOWN.value}
    estimate = projected_cost(part.wanted.request(), price)
    return {
        "cost_usd": estimate,
        "cost_status": (CostStatus.UNKNOWN if estimate is None else CostStatus.ESTIMATED).value,
    }


def _sample(plan: ChatPlan, part: Part, outcome: Completion, identity: str) -> AnswerSample | None:
    if plan.live is None or not sampled(plan.live.score_share, identity):
        return None
    return AnswerSample(outcome.text[:LONGEST_TEXT], part.wanted.messages, plan.ask.variables)
