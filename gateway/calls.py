"""Calls to providers for chat requests, and what is kept of each: tokens, cost, times, how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from experiments.assignment import LiveTest, Served, sampled
from experiments.completions import Completions
from experiments.completions.redaction import Redactor
from experiments.live_events import LONGEST_TEXT, AnswerSample, Event, GatewayCall, ShadowAsk
from experiments.pricing import PriceBook
from experiments.vocabulary import Clock, Completion, Failure, FailureKind, new_id
from gateway.chat_plan import ChatPlan, Part, payload_of
from gateway.exposing import encoded
from gateway.pass_through import PassedThrough, PlainEndpoints
from gateway.provider_call import DoorCall, Outcome, ProviderCall
from gateway.spill import Spill

RECORDED_AFTER_S = 0.02
"""Records wait so long, for all that end meanwhile: answers go out first, and nobody waits for our books."""
NOT_SENT = Failure(FailureKind.BAD_REQUEST, "The request lacks a variable of this variant.", retryable=False)


class _Ended(NamedTuple):
    """A call that has ended and is to be recorded."""

    plan: ChatPlan
    part: Part
    served: Served
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
        clock: Clock,
        deadline_s: float,
    ) -> None:
        self._completions = completions
        self._endpoints = PlainEndpoints(completions, environ, Redactor(environ), prices)
        self._spill = spill
        self._prices = prices
        self._clock = clock
        self._deadline_s = deadline_s
        self._ended: list[_Ended] = []

    def open(self, part: Part) -> ProviderCall:
        """The call of a part, not started yet."""
        found = self._endpoints.route(part.wanted.model)
        if found is None:
            return DoorCall(self._completions, part.wanted, deadline_s=self._deadline_s, prices=self._prices())
        route, name = found
        return PassedThrough(
            self._endpoints,
            route,
            part.wanted,
            payload_of(part, name),
            deadline_s=self._deadline_s,
            watched=part.served is not None,
        )

    def record(self, plan: ChatPlan, part: Part, outcome: Outcome, *, fell_back: bool) -> None:
        """Keeps what is known of a call, in a moment; models that are only passed through leave no record.

        ``fell_back`` says that another part answers in place of this one, which failed.
        """
        if part.served is None:
            return
        if not self._ended:
            asyncio.get_running_loop().call_later(RECORDED_AFTER_S, self._write)
        self._ended.append(_Ended(plan, part, part.served, outcome, self._clock(), fell_back))

    async def aclose(self) -> None:
        """Writes down what has ended and closes all connections."""
        self._write()
        await self._endpoints.aclose()
        await self._completions.aclose()

    def _write(self) -> None:
        ended, self._ended = self._ended, []
        events = [encoded(event) for one in ended for event in self._events_of(one)]
        if events:
            self._spill.append_soon(events)

    def _events_of(self, one: _Ended) -> Iterator[Event]:
        call = _call_of(one)
        yield call
        if one.plan.unfilled is not None:
            met = one.plan.met
            lost = replace(one.part, variant=met.assignment.variant if met else None)
            yield _call_of(one._replace(part=lost, served=one.plan.unfilled, outcome=NOT_SENT, fell_back=True))
        if one.plan.live is not None and isinstance(one.outcome, Completion):
            yield from self._shadows(one.plan, one.plan.live, one.part, call.id)

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


def _call_of(one: _Ended) -> GatewayCall:
    plan, outcome = one.plan, one.outcome
    assignment = plan.met.assignment if plan.met is not None else None
    identity = new_id()
    return GatewayCall(
        id=identity,
        at=one.at,
        prompt=one.served.prompt,
        version=one.served.version,
        model=one.served.model,
        status="ok" if isinstance(outcome, Completion) else "failed",
        latency_ms=outcome.latency_ms or 0.0,
        experiment=plan.live.key if plan.live else None,
        phase=assignment.phase if assignment else None,
        variant=assignment.variant if assignment else None,
        exposure=(assignment.exposure or None) if assignment else None,
        streamed=plan.ask.stream,
        fell_back=one.fell_back,
        **_told_by(plan, one.part, outcome, identity),
    )


def _told_by(plan: ChatPlan, part: Part, outcome: Outcome, identity: str) -> dict[str, Any]:
    """The columns that tell how a call ended."""
    if isinstance(outcome, Failure):
        return {"error_kind": outcome.kind.value}
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


def _sample(plan: ChatPlan, part: Part, outcome: Completion, identity: str) -> AnswerSample | None:
    if plan.live is None or not sampled(plan.live.score_share, identity):
        return None
    return AnswerSample(outcome.text[:LONGEST_TEXT], part.wanted.messages, plan.ask.variables)
