"""Work through one run: feed trials to the model door, keep books before and after each call, stop when told to.

The state of a run is its rows; this object only holds what is in flight. A kill at any moment loses at most the calls
that were out, and those stay on the books as ``unknown``.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from experiments.actions.runs import output_rows
from experiments.actions.runs.answer_lengths import AnswerLengths
from experiments.actions.runs.paid_calls import Kept, Limiters, PaidCalls, Reply, Stop
from experiments.actions.runs.slots import work_through
from experiments.actions.runs.trials import Trial, pending_trials
from experiments.completions import Completions, request_hash
from experiments.errors import BakeoffError
from experiments.experiment_file import Limits
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.budget import budget_of_run
from experiments.loading.runs.prices import price_book
from experiments.plans.pricing import projected_cost
from experiments.vocabulary import (
    Completion,
    Failure,
    FailureKind,
    OutputStatus,
    Purpose,
    Request,
    RunState,
)
from storage.ledger import Ledger
from storage.records import RunRecord
from storage.store import Store, Transaction

logger = logging.getLogger(__name__)

INLINE_SCORING_CHARACTERS = 20_000
"""Longer outputs are scored in a thread, so that one of them does not hold up every other call."""


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
        on_outage: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._completions = completions
        self._run = run
        self._owner = owner
        self._limits = Limits.model_validate(run.limits)
        self._width = min(concurrency or self._limits.concurrency, self._limits.concurrency)
        self._calls = PaidCalls(ledger, completions, limiters, run, clock=store.clock, width=self._width)
        self._on_progress = on_progress or (lambda _done: None)
        self._blueprint: Blueprint
        self._lengths = AnswerLengths()
        self._tell_outage = on_outage or (lambda _reason: None)
        self._calls.on_outage = self._outage
        self._doubtful: list[tuple[Trial, Reply]] = []
        self._outage_trials = False

    def stop(self, state: RunState, reason: str) -> None:
        """Start no further call; what is out is finished. The first reason given counts."""
        self._calls.stop(state, reason)

    def stopping(self) -> bool:
        """Whether no further call will be started."""
        return self._calls.stop_reason is not None

    def reckon_budget(self, tx: Transaction) -> None:
        """Look again at what may be spent: other runs share the month, and a limit may have been raised."""
        self._calls.budget = budget_of_run(tx, tx.runs.get(self._run.id))

    async def execute(self) -> Stop | None:
        """Work until all trials have their result or something stops it; None when all are done.

        Raises:
            BakeoffError: when the database stays out of reach.
        """
        await asyncio.to_thread(self._prepare)
        use_cache = self._limits.cache and not self._blueprint.spec.plan.measures_time()
        while True:
            chunks = pending_trials(
                self._store, self._blueprint, self._run, request_hash=self._hash, use_cache=use_cache
            )
            self._doubtful, self._outage_trials = [], False  # what is in doubt has no result, so it is pending again
            await work_through(chunks, self._slot, width=self._width, stopping=self.stopping)
            if self.stopping() or not self._outage_trials:
                await self._keep_doubtful()
                return self._calls.stop_reason

    def _prepare(self) -> None:
        with self._store.begin() as tx:
            tx.runs.lock([self._run.id])
            orphans = tx.runs.settle_orphans(self._run.id, self._store.clock())
            tx.runs.recount_money(self._run.id)
            experiment = tx.experiments.get(self._run.experiment_id)
            self._blueprint = load_blueprint(tx, experiment)
            self._calls.prices = price_book(tx, self._blueprint)
            self.reckon_budget(tx)
            self._lengths = AnswerLengths(_mean_tokens(tx, self._run.id))
        try:
            self._blueprint.check_scorers()
        except BakeoffError as changed:  # before a call is paid; the run's state tells people, a worker cannot
            self.stop(RunState.STOPPED, f"{changed.code}: {changed}")
        if orphans:
            logger.warning("%d calls were out when the last worker stopped; they count with their estimate", orphans)

    async def _slot(self, trials: AsyncIterator[Trial]) -> None:
        """Asks for its next call while its last result is being kept, so that one commit serves both."""
        kept: Kept | None = None
        async for trial in trials:
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
        numbers = itertools.count(trial.first_attempt)
        reply = await self._calls.ask(
            request,
            {
                "variant_id": trial.arm.id,
                "example_id": trial.example.id,
                "repetition": trial.repetition,
                "purpose": Purpose.GENERATE.value,
                "model": trial.arm.model,
                "request_hash": trial.request_hash,
                "worker": self._owner,
            },
            sample=trial.repetition,
            next_number=lambda: next(numbers),
            estimate=lambda: self._estimate(trial, request),
            last=last,
        )
        return None if reply is None else await self._keep(trial, reply)

    # --- keeping results -------------------------------------------------------------------------------------------

    async def _keep(self, trial: Trial, reply: Reply) -> Kept:
        now, attempt_id, attempts = self._store.clock(), reply.call.attempt_id, reply.attempts
        if isinstance(reply.result, Completion):
            self._lengths.learn(trial.arm.id, reply.result)
            output = output_rows.answered(
                self._run.id, trial, reply.result, attempt_id=attempt_id, attempts=attempts, at=now
            )
            scores = await self._scores(trial, output)
            if not self._calls.in_doubt():
                await self._keep_doubtful()
        elif self._calls.in_doubt():
            # perhaps the provider is down: whether the row is lost is known with the next answer, or at the end
            if self._calls.engaged():
                self._outage_trials = True
            else:
                self._doubtful.append((trial, reply))
            return self._calls.settle(reply)
        else:
            output, scores = self._failed(trial, reply), []
        return self._counted(self._calls.settle(reply, output=output, scores=scores))

    def _failed(self, trial: Trial, reply: Reply) -> dict[str, Any]:
        assert isinstance(reply.result, Failure)
        return output_rows.failed(
            self._run.id,
            trial,
            reply.result,
            attempt_id=reply.call.attempt_id,
            attempts=reply.attempts,
            at=self._store.clock(),
        )

    async def _keep_doubtful(self) -> None:
        """Rows that failed just before the provider answered another one have failed for good."""
        doubtful, self._doubtful = self._doubtful, []
        for trial, reply in doubtful:
            await self._keep_unpaid(self._failed(trial, reply))

    def _outage(self, reason: str) -> None:
        """An outage begins, or ends (no reason): rows that failed while it was only suspected are tried again."""
        if reason and self._doubtful:
            self._doubtful, self._outage_trials = [], True
        self._tell_outage(reason)

    def _keep_unpaid(self, output: dict[str, Any], scores: Sequence[dict[str, Any]] = ()) -> Kept:
        return self._counted(self._ledger.settle(self._run.id, output=output, scores=scores))

    def _counted(self, kept: Kept) -> Kept:
        def tell(done: Kept) -> None:
            if not done.cancelled() and done.exception() is None:
                self._on_progress(1)

        kept.add_done_callback(tell)
        return kept

    async def _scores(self, trial: Trial, output: dict[str, Any]) -> list[dict[str, Any]]:
        if not self._blueprint.scorers:
            return []
        context = output_rows.scoring_context(
            self._blueprint, trial.arm.position, trial.example, output, sent=trial.request
        )
        score = partial(output_rows.score_rows, self._blueprint.scorers, context, output["id"], at=output["created_at"])
        if len(output["text"]) > INLINE_SCORING_CHARACTERS or any(s.blocking for s in self._blueprint.scorers):
            return await asyncio.to_thread(score)
        return score()

    # --- money -----------------------------------------------------------------------------------------------------

    def _hash(self, request: Request, repetition: int) -> str:
        return request_hash(request, api_base=self._completions.endpoint_for(request.model), sample=repetition)

    def _estimate(self, trial: Trial, request: Request) -> float | None:
        # while too few answers are known, the request's own limit counts
        return projected_cost(
            request,
            self._completions.price(request.model, prices=self._calls.prices),
            mean_completion_tokens=self._lengths.expected(trial.arm.id),
        )


def _mean_tokens(tx: Transaction, run_id: str) -> dict[str, tuple[int, float]]:
    """Variant id → (answers so far, their mean length in tokens), so that a resumed run estimates as well as before."""
    found: dict[str, tuple[int, float]] = {}
    for row in tx.runs.counts(run_id):
        if row["status"] == OutputStatus.OK and row["completion_tokens"]:
            count, mean = found.get(row["variant_id"], (0, 0.0))
            total = count * mean + float(row["completion_tokens"])
            found[row["variant_id"]] = (count + row["count"], total / (count + row["count"]))
    return found
