"""The second stage of a run: its judges judge the answers that they have not judged yet. Nothing is generated.

Every call is on the books like any other, with the purpose ``judge``. What a judge answers is kept with the attempt, so
a killed worker pays for no verdict twice; the score follows when all the calls of a case are in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.actions.runs.answer_lengths import AnswerLengths
from experiments.actions.runs.paid_calls import Limiters, PaidCalls, Purse, Reply, Stop
from experiments.actions.runs.slots import work_through
from experiments.completions import Completions, request_hash
from experiments.experiment_file import Limits
from experiments.judges import Judge, JudgeCall, JudgeCase
from experiments.judges.verdicts import Unreadable
from experiments.judges.votes import JudgeVote, no_verdict
from experiments.loading.judging.cases import case_of, lacking
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.budget import budget_of_run
from experiments.loading.runs.prices import price_book
from experiments.plans.pricing import projected_cost
from experiments.vocabulary import Failure, Purpose, Request, RunState, Score, new_id
from storage.judgements import Unjudged
from storage.ledger import Ledger
from storage.records import RunRecord
from storage.store import Store, Transaction

CHUNK = 100
READINGS = 2
"""How often a judge is asked before its unreadable answers count as none."""


@dataclass(frozen=True, slots=True)
class Docket:
    """One case of one judge. ``known`` are answers to its calls that were paid for before, by request hash."""

    judge: Judge
    item: Unjudged
    case: JudgeCase
    lacking: str | None
    known: dict[str, str]


class JudgeExecution:
    """The judging of one run in the hands of one worker."""

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
        on_outage: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._completions = completions
        self._run = run
        self._owner = owner
        self._limits = Limits.model_validate(run.limits)
        self._width = min(concurrency or self._limits.concurrency, self._limits.concurrency)
        purse = Purse(self._left_usd, "judge_budget")
        self._calls = PaidCalls(ledger, completions, limiters, run, clock=store.clock, width=self._width, purse=purse)
        if on_outage is not None:
            self._calls.on_outage = on_outage
        self._blueprint: Blueprint
        self._spent_usd = 0.0
        self._numbers: dict[tuple[str, str, int], int] = {}
        self._lengths = AnswerLengths()
        self._under_way: dict[str, asyncio.Future[str | Failure | None]] = {}

    def stop(self, state: RunState, reason: str) -> None:
        """Start no further call; what is out is finished. The first reason given counts."""
        self._calls.stop(state, reason)

    def reckon_budget(self, tx: Transaction) -> None:
        """Look again at what the run may spend."""
        self._calls.budget = budget_of_run(tx, tx.runs.get(self._run.id))

    async def execute(self) -> Stop | None:
        """Work until every answer is judged or something stops it; None when all are done.

        Raises:
            BakeoffError: when the database stays out of reach.
        """
        await asyncio.to_thread(self._prepare)
        if not self._blueprint.judges or self._calls.stop_reason is not None:
            return self._calls.stop_reason
        chunks = (chunk for judge in self._blueprint.judges for chunk in self._pending(judge))
        await work_through(chunks, self._slot, width=self._width, stopping=self._stopping)
        return self._calls.stop_reason

    def _stopping(self) -> bool:
        return self._calls.stop_reason is not None

    def _prepare(self) -> None:
        with self._store.begin() as tx:
            self._blueprint = load_blueprint(tx, tx.experiments.get(self._run.experiment_id))
            if not self._blueprint.judges:
                return
            tx.runs.lock([self._run.id])
            tx.runs.settle_orphans(self._run.id, self._store.clock())
            tx.runs.recount_money(self._run.id)
            self._calls.prices = price_book(tx, self._blueprint)
            self._spent_usd = tx.judgements.spent(self._run.id)
            self._lengths = AnswerLengths(tx.judgements.mean_tokens(self._run.id))
            self.reckon_budget(tx)

    async def _slot(self, dockets: AsyncIterator[Docket]) -> None:
        async for docket in dockets:
            await self._judge(docket)

    # --- what is to be judged --------------------------------------------------------------------------------------

    def _pending(self, judge: Judge) -> Iterator[list[Docket]]:
        after = ""
        while True:
            with self._store.read() as tx:
                items = tx.judgements.unjudged(
                    self._run.id,
                    metric=judge.metric,
                    fingerprint=judge.fingerprint,
                    control_id=self._blueprint.control.id,
                    pairs=judge.spec.pairwise,
                    after=after,
                    limit=CHUNK,
                )
                dockets = self._dockets(tx, judge, items)
            if not items:
                return
            yield dockets
            after = items[-1].output["id"]

    def _dockets(self, tx: Transaction, judge: Judge, items: Sequence[Unjudged]) -> list[Docket]:
        cases = [case_of(self._blueprint, judge.spec, i.example, i.output, i.control) for i in items]
        hashes = [
            [self._hash(call, reading) for call in judge.calls(case) for reading in range(READINGS)] for case in cases
        ]
        run_id = None if self._limits.cache else self._run.id
        known = tx.judgements.answered({h for several in hashes for h in several}, run_id=run_id)
        tried = tx.runs.attempt_numbers(self._run.id, [i.example.id for i in items], purpose=Purpose.JUDGE)
        for key, number in tried.items():
            self._numbers[key] = max(self._numbers.get(key, 0), number)
        return [
            Docket(
                judge,
                item,
                case,
                lacking(judge.spec, case) or judge.lacking(case),
                {h: known[h] for h in several if h in known},
            )
            for item, case, several in zip(items, cases, hashes, strict=True)
        ]

    def _hash(self, call: JudgeCall, reading: int) -> str:
        base = self._completions.endpoint_for(call.request.model)
        return request_hash(call.request, api_base=base, sample=_sample(call, reading))

    # --- judging one case ------------------------------------------------------------------------------------------

    async def _judge(self, docket: Docket) -> None:
        if docket.lacking is not None:
            found = {metric.name: Score(None, docket.lacking) for metric in docket.judge.metrics}
            return await self._keep(docket, found)
        votes, reasons = [], []
        for call in docket.judge.calls(docket.case):
            vote = await self._vote(docket, call)
            if vote is None:
                return None  # stopped: the case is asked again when the run goes on
            if isinstance(vote, JudgeVote):
                votes.append(vote)
            else:
                reasons.append(vote.reason)
        if not votes:
            score = no_verdict(reasons[0], missing=len(reasons))
            return await self._keep(docket, {metric.name: score for metric in docket.judge.metrics})
        return await self._keep(docket, docket.judge.scores(docket.case, votes, reasons))

    async def _vote(self, docket: Docket, call: JudgeCall) -> JudgeVote | Unreadable | None:
        """The vote of one call, why there is none, or None when the run was stopped."""
        problem = Unreadable("the judge gave no answer")
        for reading in range(READINGS):
            answer = await self._answer(docket, call, reading)
            if answer is None:
                return None
            if isinstance(answer, Failure):
                return Unreadable(f"the judge could not be asked: {answer.kind.value.replace('_', ' ')}")
            found = docket.judge.vote(call, answer)
            if not isinstance(found, Unreadable):
                return found
            problem = Unreadable(f"the judge's answer is no verdict: {found.reason}")
        return problem

    async def _answer(self, docket: Docket, call: JudgeCall, reading: int) -> str | Failure | None:
        """The judge's text: known from before, about to come for an equal case, or paid for now."""
        request_key = self._hash(call, reading)
        if request_key in docket.known:
            return docket.known[request_key]
        waiting = self._under_way.get(request_key)
        if waiting is not None:
            return await waiting
        future: asyncio.Future[str | Failure | None] = asyncio.get_running_loop().create_future()
        self._under_way[request_key] = future
        result: str | Failure | None = None
        try:
            result = await self._paid_answer(docket, call, request_key, reading)
        finally:
            future.set_result(result)
            if not isinstance(result, str):
                self._under_way.pop(request_key, None)
        return result

    async def _paid_answer(
        self, docket: Docket, call: JudgeCall, request_key: str, reading: int
    ) -> str | Failure | None:
        output = docket.item.output
        key = (docket.item.example.id, output["variant_id"], output["repetition"])
        reply = await self._calls.ask(
            call.request,
            {
                "variant_id": output["variant_id"],
                "example_id": docket.item.example.id,
                "repetition": output["repetition"],
                "purpose": Purpose.JUDGE.value,
                "model": call.model,
                "request_hash": request_key,
                "worker": self._owner,
            },
            sample=_sample(call, reading),
            next_number=lambda: self._next_number(key),
            estimate=lambda: self._estimate(call.request),
        )
        if reply is None:
            return None
        return await self._settled(docket, call, request_key, reply)

    async def _settled(self, docket: Docket, call: JudgeCall, request_key: str, reply: Reply) -> str | Failure:
        result = reply.result
        if isinstance(result, Failure):
            self._spent_usd += (reply.call.estimate_usd or 0.0) if result.may_be_billed else 0.0
            await self._calls.settle(reply)
            return result
        self._spent_usd += result.cost_usd or 0.0
        self._lengths.learn(call.model, result)
        judgement = {
            "id": new_id(),
            "run_id": self._run.id,
            "attempt_id": reply.call.attempt_id,
            "request_hash": request_key,
            "metric": docket.judge.metric,
            "fingerprint": docket.judge.fingerprint,
            "model": call.model,
            "text": result.text,
            "prompt_tokens": result.usage.prompt_tokens,
            "completion_tokens": result.usage.completion_tokens,
            "latency_ms": result.latency_ms,
            "simulated": result.simulated,
            "created_at": self._store.clock(),
        }
        await self._calls.settle(reply, judgement=judgement)
        return result.text

    async def _keep(self, docket: Docket, found: dict[str, Score]) -> None:
        now = self._store.clock()
        rows: list[dict[str, Any]] = [
            {
                "id": new_id(),
                "output_id": docket.item.output["id"],
                "metric": metric,
                "fingerprint": docket.judge.fingerprint,
                "value": score.value,
                "reason": score.reason,
                "details": dict(score.details) if score.details else None,
                "created_at": now,
            }
            for metric, score in found.items()
        ]
        await self._ledger.settle(self._run.id, scores=rows)

    # --- money -----------------------------------------------------------------------------------------------------

    def _left_usd(self) -> float | None:
        budget = self._limits.judge_budget_usd
        return None if budget is None else budget - self._spent_usd

    def _next_number(self, key: tuple[str, str, int]) -> int:
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return self._numbers[key]

    def _estimate(self, request: Request) -> float | None:
        price = self._completions.price(request.model, prices=self._calls.prices)
        return projected_cost(request, price, mean_completion_tokens=self._lengths.expected(request.model))


def _sample(call: JudgeCall, reading: int) -> int:
    """The number under which a call is cached: each repeat has its own, and so has each asking again."""
    return call.sample + 1000 * reading
