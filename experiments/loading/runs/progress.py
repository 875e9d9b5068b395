"""How far a run is: done of total, failures by kind, classes of answers, money, time left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from experiments.judges import JUDGE
from experiments.vocabulary import AttemptState, CostStatus, MetricKind, OutputStatus, Purpose, RunState
from storage.records import RunRecord
from storage.store import Transaction


@dataclass(frozen=True, slots=True)
class VariantProgress:
    """One variant of a run: counts of final results, and what they cost."""

    variant: str
    ok: int
    failed: int
    cached: int
    classes: Mapping[str, int]
    failures: Mapping[str, int]
    cost_usd: float


@dataclass(frozen=True, slots=True)
class JudgingProgress:
    """One judge of a run: answers that it has judged (or could not), of those that there are."""

    metric: str
    done: int
    wanted: int


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run as it stands. ``projected_usd`` and ``seconds_left`` are None until something can be projected.

    ``spent_usd`` is everything, ``judge_usd`` the judges' part of it; what the variants cost holds none of that.
    ``unknown_calls`` were paid for at a cost nobody knows; ``unknown_answers`` tell no cost (imported ones often).
    """

    run_id: str
    state: RunState
    reason: str
    planned: int
    done: int
    ok: int
    failed: int
    cached: int
    spent_usd: float
    estimated_usd: float
    unknown_calls: int
    unknown_answers: int
    reserved_usd: float
    projected_usd: float | None
    budget_usd: float | None
    seconds_left: float | None
    worked_on: bool
    judge_usd: float
    judging: tuple[JudgingProgress, ...]
    variants: tuple[VariantProgress, ...]
    failure_messages: tuple[tuple[str, str], ...]
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def share(self) -> float:
        """Done of planned, 0 to 1."""
        return 1.0 if self.planned == 0 else min(1.0, self.done / self.planned)

    @property
    def ended(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.state not in (RunState.QUEUED, RunState.RUNNING)

    @property
    def waits_for(self) -> str:
        """Why a run that is under way makes no call at present; "" when it does."""
        return "" if self.ended else self.reason.partition(": ")[2]

    def failures(self) -> dict[str, int]:
        """Failed trials by kind, over all variants, most first."""
        total: Counter[str] = Counter()
        for variant in self.variants:
            total.update(variant.failures)
        return dict(total.most_common())


def progress_of(tx: Transaction, run: RunRecord, now: datetime) -> RunProgress:
    """Progress of one run."""
    names = {v.id: v.name for v in tx.experiments.variants(run.experiment_id)}
    counts = tx.runs.counts(run.id)
    money = tx.runs.money(run.id)
    spent = sum(m["cost_usd"] for m in money)
    judge_usd = sum(m["cost_usd"] for m in money if m["purpose"] == Purpose.JUDGE)
    variants = tuple(_variant(name, [c for c in counts if c["variant_id"] == i]) for i, name in names.items())
    done = sum(v.ok + v.failed for v in variants)
    cached = sum(v.cached for v in variants)
    return RunProgress(
        run_id=run.id,
        state=RunState(run.state),
        reason=run.state_reason,
        planned=run.planned_trials,
        done=done,
        ok=sum(v.ok for v in variants),
        failed=sum(v.failed for v in variants),
        cached=cached,
        spent_usd=spent,
        estimated_usd=sum(m["cost_usd"] for m in money if m["cost_status"] == CostStatus.ESTIMATED),
        unknown_calls=sum(
            m["count"]
            for m in money
            if m["cost_status"] == CostStatus.UNKNOWN and m["state"] in (AttemptState.DONE, AttemptState.FAILED)
        ),
        unknown_answers=sum(c["count"] - c["priced"] for c in counts if c["status"] == OutputStatus.OK),
        reserved_usd=max(0.0, run.reserved_usd),
        projected_usd=_projected(spent - judge_usd, done - cached, run.planned_trials - cached),
        budget_usd=run.limits.get("budget_usd"),
        seconds_left=_seconds_left(run, done - cached, now),
        worked_on=run.lease_owner is not None,
        judge_usd=judge_usd,
        judging=_judging(tx, run, list(names)),
        variants=variants,
        failure_messages=tuple(tx.runs.recent_failures(run.id)),
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _judging(tx: Transaction, run: RunRecord, variant_ids: list[str]) -> tuple[JudgingProgress, ...]:
    """One entry per judge in use, not per metric that it gives."""
    judges: dict[str, tuple[str, str, bool]] = {}
    for use in tx.experiments.scorers(run.experiment_id):
        if use.scorer == JUDGE:
            judges.setdefault(use.fingerprint, (use.metric, use.fingerprint, use.kind == MetricKind.PREFERENCE))
    if not judges:
        return ()
    found = tx.judgements.progress(run.id, list(judges.values()), variant_ids[0])
    return tuple(JudgingProgress(*one) for one in found)


def _variant(name: str, counts: list[dict[str, object]]) -> VariantProgress:
    def total(**wanted: object) -> int:
        return sum(int(str(c["count"])) for c in counts if all(c[k] == v for k, v in wanted.items()))

    classes: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for c in counts:
        if c["status"] == OutputStatus.OK:
            classes[str(c["response_class"])] += int(str(c["count"]))
        else:
            failures[str(c["error_kind"])] += int(str(c["count"]))
    return VariantProgress(
        variant=name,
        ok=total(status=OutputStatus.OK),
        failed=total(status=OutputStatus.FAILED),
        cached=total(cached=True),
        classes=dict(classes),
        failures=dict(failures),
        cost_usd=sum(float(str(c["cost_usd"] or 0.0)) for c in counts),
    )


def _projected(spent: float, paid_for: int, to_pay_for: int) -> float | None:
    return spent / paid_for * to_pay_for if paid_for > 0 and to_pay_for > 0 else None


def _seconds_left(run: RunRecord, worked: int, now: datetime) -> float | None:
    """From the pace since the start; a run that was paused in between looks slower than it is."""
    if run.state != RunState.RUNNING or run.started_at is None or worked < 5:
        return None
    elapsed = (now - run.started_at).total_seconds()
    return max(0.0, elapsed / worked * (run.planned_trials - worked))
