"""Experiments: the list, and what one compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.experiment_file import ExperimentSpec
from experiments.loading.find import find_experiment
from experiments.loading.runs.blueprint import load_blueprint
from experiments.prompts.content import PromptContent
from experiments.vocabulary import ExperimentState, RunState
from storage.records import ExperimentRecord, RunRecord
from storage.store import Store, Transaction

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class ExperimentSummary:
    """One line of the list. ``headline`` is the verdict's once there is one."""

    id: str
    name: str
    state: ExperimentState
    run_state: RunState | None
    variants: tuple[str, ...]
    dataset: str
    rows: int
    simulated: bool
    sample: bool
    headline: str | None
    outcome: str | None
    created_at: datetime
    created_by: str
    spent_usd: float

    def to_json(self) -> dict[str, Any]:
        """Plain values for the HTTP API."""
        return {
            "name": self.name,
            "state": self.state.value,
            "run_state": self.run_state.value if self.run_state else None,
            "variants": list(self.variants),
            "dataset": self.dataset,
            "rows": self.rows,
            "simulated": self.simulated,
            "verdict": self.outcome,
            "headline": self.headline,
            "created_at": self.created_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class ArmView:
    """One variant as pages show it: its letter everywhere, its own name beside it."""

    id: str
    letter: str
    name: str
    model: str
    content: PromptContent | None
    version: int | None
    is_control: bool


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """Everything fixed about one experiment."""

    id: str
    name: str
    state: ExperimentState
    hypothesis: str
    spec: ExperimentSpec
    arms: tuple[ArmView, ...]
    prompt: str | None
    dataset: str
    dataset_version_id: str | None
    rows: int
    metrics: Mapping[str, str]
    units: Mapping[str, str]
    scorer_versions: Mapping[str, str]
    slices: tuple[str, ...]
    simulated: bool
    sample: bool
    origin: str
    plan_hash: str
    design_hash: str
    locked_at: datetime | None
    created_at: datetime
    created_by: str


def list_experiments(
    store: Store, *, archived: bool = False, limit: int | None = None, offset: int = 0
) -> list[ExperimentSummary]:
    """Experiments, newest first; a few queries, however many there are."""
    with store.read() as tx:
        found = tx.experiments.all(archived=archived)[offset:]
        return _summaries(tx, found if limit is None else found[:limit])


def experiment_names(store: Store, *, archived: bool = False) -> list[str]:
    """The names of all experiments, newest first."""
    with store.read() as tx:
        return [experiment.name for experiment in tx.experiments.all(archived=archived)]


def get_experiment(store: Store, name: str) -> ExperimentView:
    """One experiment. Raises NotFound."""
    with store.read() as tx:
        experiment = find_experiment(tx, name)
        blueprint = load_blueprint(tx, experiment)
        variants = tx.experiments.variants(experiment.id)
        versions = tx.prompts.versions_by_id(v.prompt_version_id for v in variants if v.prompt_version_id)
        numbers = {v.id: versions[v.prompt_version_id].number for v in variants if v.prompt_version_id}
        dataset, metrics = blueprint.dataset, blueprint.metrics()
        return ExperimentView(
            id=experiment.id,
            name=experiment.name,
            state=ExperimentState(experiment.state),
            hypothesis=experiment.hypothesis,
            spec=blueprint.spec,
            arms=tuple(
                ArmView(a.id, LETTERS[a.position], a.name, a.model, a.content, numbers.get(a.id), a.position == 0)
                for a in blueprint.arms
            ),
            prompt=tx.prompts.get(experiment.prompt_id).name if experiment.prompt_id else None,
            dataset=f"{tx.datasets.get(dataset.dataset_id).name}@{dataset.number}" if dataset else "",
            dataset_version_id=dataset.id if dataset else None,
            rows=dataset.row_count if dataset else 0,
            metrics={name: m.kind.value for name, m in metrics.items()},
            units={name: m.unit for name, m in metrics.items()},
            scorer_versions={u.metric: f"{u.scorer}@{u.version}" for u in blueprint.scorer_uses},
            slices=blueprint.roles.slices,
            simulated=experiment.simulated,
            sample=experiment.sample,
            origin=experiment.origin,
            plan_hash=experiment.plan_hash,
            design_hash=experiment.design_hash,
            locked_at=experiment.locked_at,
            created_at=experiment.created_at,
            created_by=experiment.created_by,
        )


def _summaries(tx: Transaction, experiments: Sequence[ExperimentRecord]) -> list[ExperimentSummary]:
    ids = [experiment.id for experiment in experiments]
    runs = tx.runs.newest_by_experiment()
    verdicts = tx.evidence.newest_verdicts(ids)
    names = tx.experiments.variant_names(ids)
    sizes = tx.datasets.sizes(e.dataset_version_id for e in experiments if e.dataset_version_id)
    return [
        _summary(
            e,
            runs.get(e.id),
            verdict=verdicts.get(e.id, {}),
            variants=names.get(e.id, ()),
            dataset=sizes.get(e.dataset_version_id or "", ("", 0)),
        )
        for e in experiments
    ]


def _summary(
    experiment: ExperimentRecord,
    run: RunRecord | None,
    *,
    verdict: Mapping[str, Any],
    variants: tuple[str, ...],
    dataset: tuple[str, int],
) -> ExperimentSummary:
    return ExperimentSummary(
        id=experiment.id,
        name=experiment.name,
        state=ExperimentState(experiment.state),
        run_state=RunState(run.state) if run else None,
        variants=variants,
        dataset=dataset[0],
        rows=dataset[1],
        simulated=experiment.simulated,
        sample=experiment.sample,
        headline=verdict.get("headline"),
        outcome=verdict.get("outcome"),
        created_at=experiment.created_at,
        created_by=experiment.created_by,
        spent_usd=run.spent_usd if run else 0.0,
    )
