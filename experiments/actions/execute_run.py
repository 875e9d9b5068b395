"""Work through one run: feed trials to the model door, keep books before and after each call, stop when told to.

The state of a run is its rows; this object only holds what is in flight. A kill at any moment loses at most the calls
that were out, and those stay on the books as ``unknown``.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from experiments.actions import output_rows
from experiments.actions.trials import Trial, pending_trials
from experiments.completions import Completions, request_hash
from experiments.completions.limiter import EndpointLimiter
from experiments.completions.retry import GiveUp, RetryLimits, Tried, next_wait
from experiments.errors import BakeoffError
from experiments.experiment_file import Limits
from experiments.lookup.blueprint import Blueprint, load_blueprint
from experiments.lookup.budget import budget_of_run
from experiments.lookup.prices import price_book
from experiments.pricing import PriceBook, projected_cost
from experiments.vocabulary import (
    STOPS_THE_RUN,
    AttemptState,
    Completion,
    CostStatus,
    Failure,
    FailureKind,
    OutputStatus,
    Purpose,
    Request,
    RunState,
    new_id,
)
from storage.ledger import Grant, Ledger
from storage.records import RunRecord
from storage.store import Store, Transaction

logger = logging.getLogger(__name__)

Kept = asyncio.Future[None]
"""Done when a result is durable."""

INLINE_SCORING_CHARACTERS = 20_000
"""Longer outputs are scored in a thread, so that one of them does not hold up every other call."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run ends before all trials are done."""

    state: RunState
    reason: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that is on the books; ``estimate_usd`` is what was reserved for it."""

    attempt_id: str
    estimate_usd: float | None


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


class RunExecution:
    """One run in the hands of one worker."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        completions: Completions,
        limiters: Limiters,
        run: RunRecord,
        *,
        owner: str,
        concurrency: int | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._completions = completions
        self._limiters = limiters
        self._run = run
        self._owner = owner
        self._limits = Limits.model_validate(run.limits)
        self._width = min(concurrency or self._limits.concurrency, self._limits.concurrency)
        self._retry = RetryLimits(attempts=self._limits.attempts)
        self._random = random.Random(run.seed)  # noqa: S311 - jitter of waits, not a secret
        self._on_progress = on_progress or (lambda _done: None)
        self._stop: Stop | None = None
        self._blueprint: Blueprint
        self._prices: PriceBook
        self._budget_usd: float | None = None
        self._out = 0
        self._came_back = asyncio.Event()
        self._mean_tokens: dict[str, tuple[int, float]] = {}

    def stop(self, state: RunState, reason: str) -> None:
        """Start no further call; what is out is finished. The first reason given counts."""
        if self._stop is None:
            self._stop = Stop(state, reason)
        self._came_back.set()

    def stopping(self) -> bool:
        """Whether no further call will be started."""
        return self._stop is not None

    def reckon_budget(self, tx: Transaction) -> None:
        """Look again at what may be spent: other runs share the month, and a limit may have been raised."""
        self._budget_usd = budget_of_run(tx, tx.runs.get(self._run.id))

    async def execute(self) -> Stop | None:
        """Work until all trials have their result or something stops it; None when all are done.

        Raises:
            BakeoffError: when the database stays out of reach.
        """
        await asyncio.to_thread(self._prepare)
        queue: asyncio.Queue[Trial | None] = asyncio.Queue(maxsize=2 * self._width)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed(queue))
                for _ in range(self._width):
                    group.create_task(self._work(queue))
        except* BakeoffError as errors:
            raise errors.exceptions[0] from None
        return self._stop

    def _prepare(self) -> None:
        with self._store.begin() as tx:
            orphans = tx.runs.settle_orphans(self._run.id, self._store.clock())
            tx.runs.recount_money(self._run.id)
            experiment = tx.experiments.get(self._run.experiment_id)
            self._blueprint = load_blueprint(tx, experiment)
            self._prices = price_book(tx, self._blueprint)
            self._budget_usd = budget_of_run(tx, tx.runs.get(self._run.id))
            self._mean_tokens = _mean_tokens(tx, self._run.id)
        if orphans:
            logger.warning("%d calls were out when the last worker stopped; they count with their estimate", orphans)

    async def _feed(self, queue: asyncio.Queue[Trial | None]) -> None:
        use_cache = self._limits.cache and not self._blueprint.spec.plan.measures_time()
        chunks = pending_trials(self._store, self._blueprint, self._run, request_hash=self._hash, use_cache=use_cache)
        while self._stop is None:
            chunk = await asyncio.to_thread(next, chunks, None)
            if chunk is None:
                break
            for trial in chunk:
                if self.stopping():
                    break
                await queue.put(trial)
        for _ in range(self._width):
            await queue.put(None)

    async def _work(self, queue: asyncio.Queue[Trial | None]) -> None:
        """One slot: it asks for its next call while its last result is being kept, so that one commit serves both."""
        kept: Kept | None = None
        while (trial := await queue.get()) is not None:
            if self._stop is None:
                kept = await self._do(trial, kept) or kept
        if kept is not None:
            await kept

    async def _do(self, trial: Trial, last: Kept | None) -> Kept | None:
        """What is done when the trial's result is durable; ``last`` is that of the slot's trial before it."""
        if trial.problem is None and trial.cached is None:
            assert trial.request is not None
            return await self._ask(trial, trial.request, last)
        if last is not None:
            await last
        now = self._store.clock()
        if trial.problem is not None:
            failure = Failure(FailureKind.BAD_REQUEST, str(trial.problem), retryable=False)
            return self._keep_unpaid(
                output_rows.failed(self._run.id, trial, failure, attempt_id=None, attempts=0, at=now)
            )
        assert trial.cached is not None
        output = output_rows.repeated(self._run.id, trial, trial.cached, at=now)
        return self._keep_unpaid(output, await self._scores(trial, output))

    async def _ask(self, trial: Trial, request: Request, last: Kept | None) -> Kept | None:
        limiter = self._limiters.of(self._completions.endpoint_for(request.model), self._width)
        tried, made = Tried(), 0
        while self._stop is None:
            async with limiter.slot():
                call = await self._start(trial, request, trial.first_attempt + made)
                if last is not None:
                    await last
                if call is None:
                    return None
                made += 1
                started_at = asyncio.get_running_loop().time()
                result = await self._completions.attempt(
                    request, deadline_s=self._limits.deadline_s, sample=trial.repetition, prices=self._prices
                )
            if isinstance(result, Completion):
                limiter.succeeded()
                return await self._keep_answer(trial, result, call, attempts=made)
            tried = tried.after(result)
            step = next_wait(result, tried, rng=self._random, limits=self._retry)
            if isinstance(step, GiveUp) and result.kind not in STOPS_THE_RUN:
                return self._keep_failure(trial, result, call, attempts=made)
            await self._settle(call, self._failed_attempt(call, result))
            if isinstance(step, GiveUp):
                self.stop(RunState.STOPPED, f"{result.kind.value}: {result.message}")
                return None
            tried = tried.waited(step.seconds)
            if result.kind is FailureKind.RATE_LIMIT:
                limiter.rate_limited(result.retry_after_s, started_at=started_at)
            else:
                await asyncio.sleep(step.seconds)
        return None

    async def _start(self, trial: Trial, request: Request, number: int) -> _Call | None:
        """A call that is on the books and may leave now, or None when it may not.

        Over the budget it waits for calls that are out: most cost less than was reserved for them.
        """
        while self._stop is None:
            call = _Call(new_id(), self._estimate(trial, request))
            grant = await self._ledger.start_attempt(
                self._attempt_row(trial, call, number), budget_usd=self._budget_usd
            )
            if grant is Grant.GO:
                self._out += 1
                return call
            if grant is Grant.OVER_BUDGET and self._out > 0:
                self._came_back.clear()
                await self._came_back.wait()
                continue
            if grant is Grant.OVER_BUDGET:
                self.stop(RunState.STOPPED, "budget: the next call could exceed the budget")
            elif grant is Grant.NOT_RUNNING:
                self.stop(RunState.PAUSED, "")
            return None
        return None

    def _attempt_row(self, trial: Trial, call: _Call, number: int) -> dict[str, Any]:
        return {
            "id": call.attempt_id,
            "run_id": self._run.id,
            "variant_id": trial.arm.id,
            "example_id": trial.example.id,
            "repetition": trial.repetition,
            "purpose": Purpose.GENERATE.value,
            "number": number,
            "state": AttemptState.SENDING.value,
            "model": trial.arm.model,
            "request_hash": trial.request_hash,
            "worker": self._owner,
            "estimated_cost_usd": call.estimate_usd,
            "cost_status": CostStatus.UNKNOWN.value,
            "started_at": self._store.clock(),
        }

    def _settle(
        self,
        call: _Call,
        attempt: dict[str, Any],
        output: dict[str, Any] | None = None,
        scores: Sequence[dict[str, Any]] = (),
    ) -> Kept:
        kept = self._ledger.settle(
            self._run.id, attempt=attempt, output=output, scores=scores, reserved_usd=call.estimate_usd or 0.0
        )
        kept.add_done_callback(self._came_home)
        return kept if output is None else self._counted(kept)

    def _came_home(self, _kept: Kept) -> None:
        self._out -= 1
        self._came_back.set()

    def _counted(self, kept: Kept) -> Kept:
        def tell(done: Kept) -> None:
            if not done.cancelled() and done.exception() is None:
                self._on_progress(1)

        kept.add_done_callback(tell)
        return kept

    # --- keeping results -------------------------------------------------------------------------------------------

    async def _keep_answer(self, trial: Trial, completion: Completion, call: _Call, *, attempts: int) -> Kept:
        now = self._store.clock()
        output = output_rows.answered(
            self._run.id, trial, completion, attempt_id=call.attempt_id, attempts=attempts, at=now
        )
        attempt = {
            "id": call.attempt_id,
            "state": AttemptState.DONE.value,
            "http_status": 200,
            "cost_usd": completion.cost_usd,
            "cost_status": completion.cost_status.value,
            "error_kind": None,
            "error_message": None,
            "ended_at": now,
        }
        self._learn(trial, completion)
        return self._settle(call, attempt, output, await self._scores(trial, output))

    def _keep_unpaid(self, output: dict[str, Any], scores: Sequence[dict[str, Any]] = ()) -> Kept:
        return self._counted(self._ledger.settle(self._run.id, output=output, scores=scores))

    def _keep_failure(self, trial: Trial, failure: Failure, call: _Call, *, attempts: int) -> Kept:
        output = output_rows.failed(
            self._run.id, trial, failure, attempt_id=call.attempt_id, attempts=attempts, at=self._store.clock()
        )
        return self._settle(call, self._failed_attempt(call, failure), output)

    async def _scores(self, trial: Trial, output: dict[str, Any]) -> list[dict[str, Any]]:
        if not self._blueprint.scorers:
            return []
        context = output_rows.scoring_context(self._blueprint, trial.arm.position, trial.example, output)
        score = partial(output_rows.score_rows, self._blueprint.scorers, context, output["id"], at=output["created_at"])
        if len(output["text"]) > INLINE_SCORING_CHARACTERS or any(s.blocking for s in self._blueprint.scorers):
            return await asyncio.to_thread(score)
        return score()

    def _failed_attempt(self, call: _Call, failure: Failure) -> dict[str, Any]:
        billed, estimate = failure.may_be_billed, call.estimate_usd
        guessed = CostStatus.UNKNOWN if estimate is None else CostStatus.ESTIMATED
        status = guessed if billed else CostStatus.KNOWN
        return {
            "id": call.attempt_id,
            "state": AttemptState.FAILED.value,
            "http_status": failure.http_status,
            "cost_usd": estimate if billed else 0.0,
            "cost_status": status.value,
            "error_kind": failure.kind.value,
            "error_message": failure.message,
            "ended_at": self._store.clock(),
        }

    # --- money -----------------------------------------------------------------------------------------------------

    def _hash(self, request: Request, repetition: int) -> str:
        return request_hash(request, api_base=self._completions.endpoint_for(request.model), sample=repetition)

    def _estimate(self, trial: Trial, request: Request) -> float | None:
        count, mean = self._mean_tokens.get(trial.arm.id, (0, 0.0))
        # Until a few answers are known the limit counts; then half as much again as the mean, to err on the safe side.
        expected = 1.5 * mean if count >= 5 else None
        return projected_cost(
            request,
            self._completions.price(request.model, prices=self._prices),
            mean_completion_tokens=expected,
        )

    def _learn(self, trial: Trial, completion: Completion) -> None:
        tokens = completion.usage.completion_tokens
        if tokens is not None:
            count, mean = self._mean_tokens.get(trial.arm.id, (0, 0.0))
            self._mean_tokens[trial.arm.id] = (count + 1, mean + (tokens - mean) / (count + 1))


def _mean_tokens(tx: Transaction, run_id: str) -> dict[str, tuple[int, float]]:
    """Variant id → (answers so far, their mean length in tokens), so that a resumed run estimates as well as before."""
    found: dict[str, tuple[int, float]] = {}
    for row in tx.runs.counts(run_id):
        if row["status"] == OutputStatus.OK and row["completion_tokens"]:
            count, mean = found.get(row["variant_id"], (0, 0.0))
            total = count * mean + float(row["completion_tokens"])
            found[row["variant_id"]] = (count + row["count"], total / (count + row["count"]))
    return found
