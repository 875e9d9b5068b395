"""Calls to providers for chat requests, and what is kept of each: tokens, cost, times, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from experiments.assignment import LiveTest, sampled
from experiments.completions import Completions
from experiments.completions.redaction import Redactor
from experiments.live_events import LONGEST_TEXT, AnswerSample, GatewayCall, ShadowAsk
from experiments.pricing import PriceBook
from experiments.vocabulary import Clock, Completion, Failure, FailureKind, new_id
from gateway.chat_plan import ChatPlan, Part, payload_of
from gateway.exposing import encoded
from gateway.pass_through import PassedThrough, PlainEndpoints
from gateway.provider_call import DoorCall, Outcome, ProviderCall
from gateway.spill import Spill

NOT_SENT = Failure(FailureKind.BAD_REQUEST, "The request lacks a variable of this variant.", retryable=False)


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
        """Keeps what is known of a call; models that are only passed through leave no record.

        ``fell_back`` says that another part answers in place of this one, which failed.
        """
        if part.served is None:
            return
        call = self._call_of(plan, part, outcome, fell_back=fell_back)
        events = [encoded(call)]
        if plan.unfilled is not None:
            lost = replace(part, served=plan.unfilled, variant=plan.met.assignment.variant if plan.met else None)
            events.append(encoded(self._call_of(plan, lost, NOT_SENT, fell_back=True)))
        if plan.live is not None and isinstance(outcome, Completion):
            events += [encoded(shadow) for shadow in self._shadows(plan, plan.live, part, call.id)]
        self._spill.append_soon(events)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._endpoints.aclose()
        await self._completions.aclose()

    def _call_of(self, plan: ChatPlan, part: Part, outcome: Outcome, *, fell_back: bool) -> GatewayCall:
        assert part.served is not None
        assignment = plan.met.assignment if plan.met is not None else None
        identity = new_id()
        return GatewayCall(
            id=identity,
            at=self._clock(),
            prompt=part.served.prompt,
            version=part.served.version,
            model=part.served.model,
            status="ok" if isinstance(outcome, Completion) else "failed",
            latency_ms=outcome.latency_ms or 0.0,
            experiment=plan.live.key if plan.live else None,
            phase=assignment.phase if assignment else None,
            variant=assignment.variant if assignment else None,
            exposure=(assignment.exposure or None) if assignment else None,
            streamed=plan.ask.stream,
            fell_back=fell_back,
            **_told_by(plan, part, outcome, identity),
        )

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
