"""How far the newest run of an experiment is."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.loading.runs.progress import RunProgress, VariantProgress, progress_of
from experiments.vocabulary import RunState
from storage.records import RunRecord
from storage.store import Store, Transaction

__all__ = ["RunProgress", "RunStamp", "VariantProgress", "run_progress", "run_stamp"]


@dataclass(frozen=True, slots=True)
class RunStamp:
    """Which state of which run: equal stamps of an ended run have equal progress, so it can be kept."""

    run_id: str
    state: RunState
    revision: int
    planned: int

    @property
    def ended(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.state not in (RunState.QUEUED, RunState.RUNNING)


def run_progress(store: Store, experiment_id: str, *, kind: str = "full") -> RunProgress | None:
    """Progress of the newest run of an experiment, or None when it never ran. Counts every output of it."""
    with store.read() as tx:
        run = _newest(tx, experiment_id, kind)
        return progress_of(tx, run, store.clock()) if run else None


def run_stamp(store: Store, experiment_id: str) -> RunStamp | None:
    """The state of the newest run at no cost, or None when there is none."""
    with store.read() as tx:
        run = _newest(tx, experiment_id, "full")
        return RunStamp(run.id, RunState(run.state), run.revision, run.planned_trials) if run else None


def _newest(tx: Transaction, experiment_id: str, kind: str) -> RunRecord | None:
    runs = tx.runs.of_experiment(experiment_id, kind=kind) or tx.runs.of_experiment(experiment_id, kind="import")
    return runs[0] if runs else None
