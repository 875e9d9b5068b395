"""Put sampled answers of live traffic before the judges of their test, within a budget of the test's own.

Every call is on the books before it leaves, one row a try; what a judge answers is kept with it. So a worker that dies
pays for no verdict twice, two workers never begin the same try, and an answer gets one score per judge.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from experiments.completions import Completions
from experiments.errors import BakeoffError
from experiments.judges import Judge, JudgeCall, JudgeCase
from experiments.judges.verdicts import Unreadable
from experiments.judges.votes import JudgeVote, no_verdict
from experiments.live.assignment import LiveState
from experiments.loading.live.judging import judge_budget, live_case, live_judges
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.budget import monthly_left
from experiments.loading.runs.prices import price_book
from experiments.plans.pricing import PriceBook, projected_cost
from experiments.vocabulary import STOPS_THE_RUN, Completion, CostStatus, Failure, FailureKind, Score, new_id
from storage.store import Store

logger = logging.getLogger(__name__)

AT_ONCE = 8
DEADLINE_S = 120.0
DEAD_AFTER = timedelta(seconds=3 * DEADLINE_S)
"""A call that is out for longer belongs to a worker that died."""
READINGS = 2
"""How often a judge is asked before its unreadable answers count as none, as in runs."""
TRIES = 3
"""Failures of the answer's own after which the judge counts as not to be asked about it."""
WAITS = STOPS_THE_RUN | {
    FailureKind.CONNECTION,
    FailureKind.SERVER_ERROR,
    FailureKind.TIMEOUT,
    FailureKind.RATE_LIMIT,
    FailureKind.INTERRUPTED,
}
"""Failures that are no fault of the answer: it waits until the judge can be asked."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
JUDGED_STATES = (LiveState.RUNNING, LiveState.FROZEN)


@dataclass(frozen=True, slots=True)
class LiveDocket:
    """One sampled answer before its judges: the row of its call, who still judges it, and what was asked before."""

    row: Mapping[str, Any]
    blueprint: Blueprint
    judges: tuple[Judge, ...]
    prices: PriceBook
    asked: tuple[dict[str, Any], ...]


class _Waits(Exception):
    """The judge cannot be asked now."""


class LiveJudges:
    """The judging of live answers by one worker."""

    def __init__(self, store: Store, completions: Completions, worker: str) -> None:
        self._store = store
        self._completions = completions
        self._worker = worker
        self._pause_s = 0.0
        self._not_before = 0.0
        self._spent_phases: dict[str, float] = {}

    async def judge_some(self) -> bool:
        """Judge some answers at once; whether any was done with. Waits after an outage, and for a spent budget."""
        now = time.monotonic()
        if now < self._not_before:
            return False
        self._spent_phases = {phase: until for phase, until in self._spent_phases.items() if until > now}
        dockets = await asyncio.to_thread(self._dockets)
        return any(await asyncio.gather(*(self._judge(docket) for docket in dockets)))

    def _dockets(self) -> list[LiveDocket]:
        self._settle_orphans()
        with self._store.read() as tx:
            besides = list(self._spent_phases)
            rows = tx.live_judging.waiting(states=JUDGED_STATES, besides=besides, limit=AT_ONCE)
            ids = [row["id"] for row in rows]
            asked, scored = tx.live_judging.asked(ids), tx.live_judging.scored(ids)
            found, blueprints = [], {}
            for row in rows:
                experiment = row["experiment_id"]
                if experiment not in blueprints:
                    blueprint = load_blueprint(tx, tx.experiments.get(experiment))
                    blueprints[experiment] = (blueprint, _judges(blueprint), price_book(tx, blueprint))
                blueprint, judges, prices = blueprints[experiment]
                still = tuple(j for j in judges if (row["id"], j.fingerprint) not in scored)
                mine = tuple(one for one in asked if one["call_id"] == row["id"])
                found.append(LiveDocket(row, blueprint, still, prices, mine))
        return found

    def _settle_orphans(self) -> None:
        """Calls of workers that died count by their estimate, each in a transaction of its own."""
        with self._store.read() as tx:
            orphans = tx.live_judging.orphans(tx.clock() - DEAD_AFTER)
        for identity, estimate in orphans:
            values = {"state": "unknown", "cost_usd": estimate, "cost_status": CostStatus.ESTIMATED.value}
            with self._store.begin() as tx:
                tx.live_judging.end(identity, {**values, "error_kind": "interrupted"}, at=tx.clock())

    async def _judge(self, docket: LiveDocket) -> bool:
        """Whether the answer is done with."""
        scores: list[dict[str, Any]] = []
        try:
            for judge in docket.judges:
                case = live_case(docket.blueprint, judge, docket.row["sample"], docket.row["variant"])
                found = await self._scores(docket, judge, case)
                scores += [_row(docket, judge, metric, score) for metric, score in found.items()]
        except _Waits:
            return False
        await asyncio.to_thread(self._keep, docket, scores)
        return True

    async def _scores(self, docket: LiveDocket, judge: Judge, case: JudgeCase) -> dict[str, Score]:
        empty = next((column for column, value in case.material.items() if not value.strip()), None)
        lacks = judge.lacking(case) if empty is None else f"no variable '{empty}'"
        if lacks is not None:
            return {metric.name: Score(None, lacks) for metric in judge.metrics}
        votes, reasons = [], []
        for number, call in enumerate(judge.calls(case)):
            vote = await self._vote(docket, judge, call, first_question=number * READINGS)
            if isinstance(vote, JudgeVote):
                votes.append(vote)
            else:
                reasons.append(vote.reason)
        if not votes:
            none = no_verdict(reasons[0], missing=len(reasons))
            return {metric.name: none for metric in judge.metrics}
        return judge.scores(case, votes, reasons)

    async def _vote(
        self, docket: LiveDocket, judge: Judge, call: JudgeCall, *, first_question: int
    ) -> JudgeVote | Unreadable:
        problem = Unreadable("the judge gave no answer")
        for reading in range(READINGS):
            answer = await self._answer(
                docket, judge, call, first_question + reading, sample=call.sample + 1000 * reading
            )
            if isinstance(answer, Failure):
                return Unreadable(f"the judge could not be asked: {answer.kind.value.replace('_', ' ')}")
            found = judge.vote(call, answer)
            if not isinstance(found, Unreadable):
                return found
            problem = Unreadable(f"the judge's answer is no verdict: {found.reason}")
        return problem

    async def _answer(
        self, docket: LiveDocket, judge: Judge, call: JudgeCall, question: int, *, sample: int
    ) -> str | Failure:
        """The judge's text, paid for before or now, or the failure that lasts. Raises _Waits."""
        before = [a for a in docket.asked if a["fingerprint"] == judge.fingerprint and a["question"] == question]
        known = next((a["text"] for a in before if a["state"] == "done"), None)
        if known is not None:
            return str(known)
        if any(a["state"] == "sending" for a in before):
            raise _Waits  # another worker asks
        own = [a for a in before if a["state"] == "failed" and FailureKind(a["error_kind"]) not in WAITS]
        number, tries = len(before), len(own)
        while True:
            number += 1
            identity = await asyncio.to_thread(self._begun, docket, judge, call, question, number)
            result = await self._completions.attempt(
                call.request, deadline_s=DEADLINE_S, sample=sample, prices=docket.prices
            )
            await asyncio.to_thread(self._ended, identity, result, self._estimate(docket, call))
            if isinstance(result, Completion):
                self._pause_s = 0.0
                return result.text
            if result.kind in WAITS:
                self._pause(result)
            tries += 1
            if tries >= TRIES or not result.retryable:
                return result

    def _pause(self, failure: Failure) -> None:
        self._pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, 2 * self._pause_s, failure.retry_after_s or 0.0))
        self._not_before = time.monotonic() + self._pause_s
        logger.warning("judges of live answers wait %.0f s: %s", self._pause_s, failure.message)
        raise _Waits

    # --- money -----------------------------------------------------------------------------------------------------

    def _estimate(self, docket: LiveDocket, call: JudgeCall) -> float | None:
        return projected_cost(call.request, self._completions.price(call.model, prices=docket.prices))

    def _begun(self, docket: LiveDocket, judge: Judge, call: JudgeCall, question: int, number: int) -> str:
        """The id of the call, on the books. Raises _Waits when a budget is spent or another worker is asking."""
        estimate, identity, phase_id = self._estimate(docket, call), new_id(), docket.row["phase_id"]
        row = {
            "id": identity,
            "call_id": docket.row["id"],
            "phase_id": phase_id,
            "fingerprint": judge.fingerprint,
            "question": question,
            "number": number,
            "model": call.model,
            "state": "sending",
            "estimated_cost_usd": estimate,
            "cost_status": CostStatus.UNKNOWN.value,
            "worker": self._worker,
        }
        with self._store.begin() as tx:
            left, budget = monthly_left(tx), judge_budget(docket.blueprint.spec)
            within = estimate is not None and (left is None or estimate <= left)
            if not within or not tx.live_judging.reserve(phase_id, estimate or 0.0, budget=budget):
                self._spent_phases[phase_id] = time.monotonic() + FIRST_PAUSE_S
                raise _Waits
            if tx.live_judging.begin({**row, "started_at": tx.clock()}):
                return identity
        raise _Waits

    def _ended(self, identity: str, result: Completion | Failure, estimate: float | None) -> None:
        values: dict[str, Any]
        if isinstance(result, Completion):
            cost = estimate if result.cost_usd is None else result.cost_usd
            status = CostStatus.ESTIMATED if result.cost_usd is None else result.cost_status
            values = {"state": "done", "cost_usd": cost, "cost_status": status.value, "text": result.text}
        else:
            billed = result.may_be_billed
            status = CostStatus.ESTIMATED if billed else CostStatus.KNOWN
            values = {"state": "failed", "cost_usd": estimate if billed else 0.0, "cost_status": status.value}
            values |= {"error_kind": result.kind.value, "error_message": result.message}
        with self._store.begin() as tx:
            tx.live_judging.end(identity, values, at=tx.clock())

    def _keep(self, docket: LiveDocket, scores: list[dict[str, Any]]) -> None:
        with self._store.begin() as tx:
            tx.live_work.keep_scores([docket.row["id"]], scores, at=tx.clock())


def _judges(blueprint: Blueprint) -> tuple[Judge, ...]:
    try:
        return live_judges(blueprint)
    except BakeoffError as error:
        logger.warning("answers of '%s' are not judged: %s", blueprint.experiment.name, error.message)
        return ()


def _row(docket: LiveDocket, judge: Judge, metric: str, score: Score) -> dict[str, Any]:
    return {
        "call_id": docket.row["id"],
        "metric": metric,
        "fingerprint": judge.fingerprint,
        "value": score.value,
        "reason": score.reason,
    }
