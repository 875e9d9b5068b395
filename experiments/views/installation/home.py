"""What needs somebody now: results to read, runs that stopped, drafts; what runs; what was decided; what was spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from experiments.live.assignment import LiveState
from experiments.loading.first_steps import first_steps
from experiments.loading.registry.promotion import decided_variant
from experiments.loading.runs.budget import month_start, monthly_budget
from experiments.prompts.labels import LIVE_TRAFFIC
from experiments.views.installation.models import ModelView, known_models
from experiments.views.runs.experiments import ExperimentSummary, list_experiments
from experiments.vocabulary import ExperimentState, RunState
from storage.records import DecisionRecord, VersionRecord
from storage.store import Store, Transaction

MOST_DECISIONS = 5
WARN_DAYS = 60
_WAITS = (RunState.STOPPED, RunState.PAUSED)
_GOES = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision: which variant of which experiment went where, by whom, why; ``still_live`` since then.

    ``against_verdict`` says how it went against the verdict, None when it followed it.
    """

    experiment: str
    prompt: str
    version: int
    variant: str
    label: str
    actor: str
    reason: str
    headline: str
    still_live: bool
    at: datetime
    against_verdict: str | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything of the first page. ``first_steps`` are those that were done."""

    to_read: tuple[ExperimentSummary, ...]
    stopped: tuple[ExperimentSummary, ...]
    running: tuple[ExperimentSummary, ...]
    drafts: tuple[ExperimentSummary, ...]
    retiring: tuple[ModelView, ...]
    decisions: tuple[DecisionView, ...]
    spent_usd: float
    budget_usd: float | None
    first_steps: tuple[str, ...]


def home_view(store: Store) -> HomeView:
    """The first page as it stands."""
    found = list_experiments(store)
    models = known_models(store)
    with store.read() as tx:
        now = store.clock()
        return HomeView(
            to_read=tuple(s for s in found if s.state is ExperimentState.ANALYSED and s.run_state not in _WAITS),
            stopped=tuple(s for s in found if s.run_state in _WAITS),
            running=tuple(s for s in found if s.run_state in _GOES),
            drafts=tuple(s for s in found if s.state is ExperimentState.DRAFT and s.run_state is None),
            retiring=_retiring(models, now.date()),
            decisions=tuple(_decision(tx, d) for d in tx.evidence.decisions(limit=MOST_DECISIONS)),
            spent_usd=tx.installation.spent_since(month_start(now)),
            budget_usd=monthly_budget(tx),
            first_steps=first_steps(tx),
        )


def _retiring(models: Sequence[ModelView], today: date) -> tuple[ModelView, ...]:
    """Models in use that the provider withdraws soon, or has withdrawn."""
    left = [(m, m.days_left(today)) for m in models if m.in_use]
    return tuple(m for m, days in sorted(left, key=lambda pair: pair[1] or 0) if days is not None and days <= WARN_DAYS)


def _decision(tx: Transaction, decision: DecisionRecord) -> DecisionView:
    experiment = tx.experiments.get(decision.experiment_id)
    variant, against = decided_variant(tx, decision)
    prompt, number, live = "", 0, False
    if decision.prompt_version_id is not None:
        version = tx.prompts.version(decision.prompt_version_id)
        prompt, number = tx.prompts.get(version.prompt_id).name, version.number
        live = _still_served(tx, decision, variant, version)
    return DecisionView(
        experiment=experiment.name,
        prompt=prompt,
        version=number,
        variant=variant,
        label=decision.label,
        actor=decision.actor,
        reason=decision.reason,
        headline=str(decision.evidence["result"]["verdict"]["headline"]),
        still_live=live,
        at=decision.created_at,
        against_verdict=against,
    )


def _still_served(tx: Transaction, decision: DecisionRecord, variant: str, version: VersionRecord) -> bool:
    """True while the label, or all traffic of the live test, is what the decision made it."""
    if decision.label.startswith(LIVE_TRAFFIC):
        newest = next(iter(tx.live.phases(decision.experiment_id)), None)
        return newest is not None and newest.state == LiveState.STOPPED and newest.everyone == variant
    return tx.registry.label(version.prompt_id, decision.label).version_id == version.id
