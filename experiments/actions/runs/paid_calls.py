"""Calls that cost money: on the books before they leave, retried within limits, settled with what came back.

What is asked for and what becomes of the answer is the caller's business: a run generates, judges judge.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from experiments.actions.runs.brake import OUTAGE, Brake
from experiments.completions import Completions
from experiments.completions.limiter import EndpointLimiter
from experiments.completions.retry import GiveUp, RetryLimits, Tried, next_wait
from experiments.experiment_file import Limits
from experiments.loading.runs.budget import RunBudget
from experiments.plans.pricing import PriceBook
from experiments.vocabulary import (
    STOPS_THE_RUN,
    AttemptState,
    Clock,
    Completion,
    CostStatus,
    Failure,
    FailureKind,
    Request,
    RunState,
    new_id,
)
from storage.ledger import Ledger
from storage.pending_writes import Grant
from storage.records import RunRecord

Kept = asyncio.Future[None]
"""Done when a result is durable."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run ends before all trials are done."""

    state: RunState
    reason: str


@dataclass(frozen=True, slots=True)
class PaidCall:
    """A call that is on the books; ``estimate_usd`` is what was reserved for it."""

    attempt_id: str
    estimate_usd: float | None


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of an exchange: what came back, by which call, after how many attempts. Not settled yet."""

    call: PaidCall
    result: Completion | Failure
    attempts: int


@dataclass(frozen=True, slots=True)
class Purse:
    """What may be spent. ``own_left_usd`` is what a part of the run has left of a budget of its own (None: no such)."""

    own_left_usd: Callable[[], float | None] = lambda: None
    own_name: str = "budget"


class Limiters:
    """One limiter per endpoint, shared by all runs of a worker; as wide as the widest of them."""

    def __init__(self) -> None:
        self._by_endpoint: dict[str, EndpointLimiter] = {}

    def of(self, endpoint: str, width: int) -> EndpointLimiter:
        """The endpoint's limiter."""
        limiter = self._by_endpoint.setdefault(endpoint, EndpointLimiter(width))
        if limiter.most < width:
            limiter.most = width
            limiter.width = max(limiter.width, float(width))
        return limiter


class PaidCalls:
    """The calls of one run in the hands of one worker. ``out_usd`` is the estimate of those that are out."""

    def __init__(
        self,
        ledger: Ledger,
        completions: Completions,
        limiters: Limiters,
        run: RunRecord,
        *,
        clock: Clock,
        width: int,
        purse: Purse | None = None,
    ) -> None:
        limits = Limits.model_validate(run.limits)
        self.stop_reason: Stop | None = None
        self.budget = RunBudget(None)
        self.prices = PriceBook()
        self.out_usd = 0.0
        self.on_outage: Callable[[str], None] = lambda _reason: None
        self._ledger = ledger
        self._completions = completions
        self._limiters = limiters
        self._run_id = run.id
        self._clock = clock
        self._width = width
        self._deadline_s = limits.deadline_s
        self._retry = RetryLimits(attempts=limits.attempts)
        self._random = random.Random(run.seed)  # noqa: S311 - jitter of waits, not a secret
        self._purse = purse or Purse()
        self._out = 0
        self._came_back = asyncio.Event()
        self._stopped = asyncio.Event()
        self._brakes: dict[str, Brake] = {}

    def stop(self, state: RunState, reason: str) -> None:
        """Start no further call; what is out is finished. The first reason given counts."""
        if self.stop_reason is None:
            self.stop_reason = Stop(state, reason)
        self._came_back.set()
        self._stopped.set()

    def in_doubt(self) -> bool:
        """Whether a provider may be down: its last calls failed as in an outage, and no answer came since."""
        return any(brake.in_doubt for brake in self._brakes.values())

    def engaged(self) -> bool:
        """Whether calls wait because a provider is down."""
        return any(brake.is_engaged() for brake in self._brakes.values())

    async def ask(
        self,
        request: Request,
        row: Mapping[str, Any],
        *,
        sample: int,
        next_number: Callable[[], int],
        estimate: Callable[[], float | None],
        last: Kept | None = None,
    ) -> Reply | None:
        """The end of the exchange; None when it was stopped before there was one.

        ``row`` holds the columns of the attempt that do not change between tries, ``next_number`` gives the number of
        each try, ``estimate`` what it may cost. Nothing leaves before ``last`` is done. Whoever asks must ``settle``
        the reply.
        """
        endpoint = self._completions.endpoint_for(request.model)
        limiter = self._limiters.of(endpoint, self._width)
        brake = self._brake(endpoint)
        tried, made = Tried(), 0
        while self.stop_reason is None:
            async with brake.turn(), limiter.slot():
                call = await self._start(row, next_number(), estimate)
                if last is not None:
                    await last
                if call is None:
                    return None
                made += 1
                started_at = asyncio.get_running_loop().time()
                result = await self._completions.attempt(
                    request, deadline_s=self._deadline_s, sample=sample, prices=self.prices
                )
                brake.note(str(row["example_id"]), result, started_at=started_at)
            if isinstance(result, Completion):
                limiter.succeeded()
                return Reply(call, result, made)
            if brake.is_engaged() and result.kind in OUTAGE:
                # not the row's fault: it waits for the provider as often as it takes
                await self.settle(Reply(call, result, made))
                if brake.out_of_patience:
                    self.stop(RunState.STOPPED, f"outage: the provider has not answered for long. {result.message}")
                continue
            tried = tried.after(result)
            step = next_wait(result, tried, rng=self._random, limits=self._retry)
            if isinstance(step, GiveUp) and result.kind not in STOPS_THE_RUN:
                return Reply(call, result, made)
            await self.settle(Reply(call, result, made))
            if isinstance(step, GiveUp):
                self.stop(RunState.STOPPED, f"{result.kind.value}: {result.message}")
                return None
            tried = tried.waited(step.seconds)
            if result.kind is FailureKind.RATE_LIMIT:
                limiter.rate_limited(result.retry_after_s, started_at=started_at)
            else:
                await self._pause(step.seconds)
        return None

    async def _pause(self, seconds: float) -> None:
        """Waits so long, or until the run is stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    def _brake(self, endpoint: str) -> Brake:
        if endpoint not in self._brakes:
            self._brakes[endpoint] = Brake(endpoint, on_change=self.on_outage, sleep=self._pause)
        return self._brakes[endpoint]

    def settle(
        self,
        reply: Reply,
        *,
        output: Mapping[str, Any] | None = None,
        scores: Sequence[Mapping[str, Any]] = (),
        judgement: Mapping[str, Any] | None = None,
    ) -> Kept:
        """Keep the end of an exchange with what it came to, as one; done when it is durable."""
        estimate = reply.call.estimate_usd or 0.0
        kept = self._ledger.settle(
            self._run_id,
            attempt=self._ended(reply),
            output=output,
            scores=scores,
            judgement=judgement,
            reserved_usd=estimate,
        )

        def came_back(_kept: Kept) -> None:
            self._out -= 1
            self.out_usd -= estimate
            self._came_back.set()

        kept.add_done_callback(came_back)
        return kept

    async def _start(
        self, row: Mapping[str, Any], number: int, estimate: Callable[[], float | None]
    ) -> PaidCall | None:
        """A call that is on the books and may leave now, or None when it may not.

        Over the budget it waits for calls that are out: most cost less than was reserved for them.
        """
        while self.stop_reason is None:
            call = PaidCall(new_id(), estimate())
            grant = await self._granted(row, number, call)
            if grant is Grant.GO:
                return call
            if grant is Grant.OVER_BUDGET and self._out > 0:
                self._came_back.clear()
                await self._came_back.wait()
                continue
            if grant is Grant.OVER_BUDGET:
                name = self.budget.name if self._own_budget_allows(call) else self._purse.own_name
                self.stop(RunState.STOPPED, f"{name}: the next call could exceed the {name.replace('_', ' ')}")
            elif grant is Grant.NOT_RUNNING:
                self.stop(RunState.PAUSED, "")
            return None
        return None

    async def _granted(self, row: Mapping[str, Any], number: int, call: PaidCall) -> Grant:
        if not self._own_budget_allows(call):
            return Grant.OVER_BUDGET
        # counted before the answer, so that no other call takes the same money meanwhile
        estimate = call.estimate_usd or 0.0
        self._out += 1
        self.out_usd += estimate
        grant = Grant.NOT_RUNNING
        try:
            grant = await self._ledger.start_attempt(
                {
                    **row,
                    "id": call.attempt_id,
                    "run_id": self._run_id,
                    "number": number,
                    "state": AttemptState.SENDING.value,
                    "estimated_cost_usd": call.estimate_usd,
                    "cost_status": CostStatus.UNKNOWN.value,
                    "started_at": self._clock(),
                },
                budget_usd=self.budget.usd,
            )
        finally:
            if grant is not Grant.GO:
                self._out -= 1
                self.out_usd -= estimate
        return grant

    def _own_budget_allows(self, call: PaidCall) -> bool:
        left = self._purse.own_left_usd()
        return left is None or self.out_usd + (call.estimate_usd or 0.0) <= left

    def _ended(self, reply: Reply) -> dict[str, Any]:
        """The columns of the attempt that its end changes."""
        result, now = reply.result, self._clock()
        if isinstance(result, Completion):
            return {
                "id": reply.call.attempt_id,
                "state": AttemptState.DONE.value,
                "http_status": 200,
                "cost_usd": result.cost_usd,
                "cost_status": result.cost_status.value,
                "error_kind": None,
                "error_message": None,
                "ended_at": now,
            }
        billed, estimate = result.may_be_billed, reply.call.estimate_usd
        guessed = CostStatus.UNKNOWN if estimate is None else CostStatus.ESTIMATED
        return {
            "id": reply.call.attempt_id,
            "state": AttemptState.FAILED.value,
            "http_status": result.http_status,
            "cost_usd": estimate if billed else 0.0,
            "cost_status": (guessed if billed else CostStatus.KNOWN).value,
            "error_kind": result.kind.value,
            "error_message": result.message,
            "ended_at": now,
        }
