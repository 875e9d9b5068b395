"""Pause, resume, cancel a run, and try its failed rows again. What is out is finished; what is finished is kept."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.actions.authorise import authorise
from experiments.errors import Conflict
from experiments.loading.find import find_experiment
from experiments.permissions import Operation
from experiments.vocabulary import Actor, ExperimentState, RunState
from storage.records import ExperimentRecord, RunRecord
from storage.store import Store, Transaction


def pause_run(store: Store, experiment_name: str, *, actor: Actor, reason: str = "") -> RunRecord:
    """No new call leaves; resume goes on from there. Raises Conflict ``not_running``."""
    return _move(
        store,
        experiment_name,
        actor,
        to=RunState.PAUSED,
        expected={RunState.QUEUED, RunState.RUNNING},
        event="run_paused",
        reason=reason,
    )


def resume_run(store: Store, experiment_name: str, *, actor: Actor) -> RunRecord:
    """The run is queued again. Raises Conflict when it is finished or cancelled."""
    return _move(
        store,
        experiment_name,
        actor,
        to=RunState.QUEUED,
        expected={RunState.PAUSED, RunState.STOPPED},
        event="run_resumed",
    )


def cancel_run(store: Store, experiment_name: str, *, actor: Actor, reason: str = "") -> RunRecord:
    """The run ends here; its results stay readable, the experiment is closed as cancelled. Raises Conflict."""
    expected = {RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.STOPPED}
    return _move(
        store,
        experiment_name,
        actor,
        to=RunState.CANCELLED,
        expected=expected,
        event="run_cancelled",
        reason=reason,
    )


def retry_failed(
    store: Store, experiment_name: str, *, actor: Actor, kinds: Iterable[str] | None = None
) -> tuple[RunRecord, int]:
    """(the run, queued again; how many failed results are tried anew). Attempts made so far stay on the books.

    Raises:
        Conflict: ``nothing_failed``, or ``still_running``.
    """
    authorise(store, actor, Operation.SPEND, f"experiment:{experiment_name}")
    with store.begin() as tx:
        experiment, run = _newest_run(tx, experiment_name)
        if run.state in (RunState.QUEUED, RunState.RUNNING):
            raise Conflict("still_running", "The run is still going.", "Wait for its end, or pause it first.")
        count = tx.runs.remove_failed_outputs(run.id, kinds)
        if count == 0:
            raise Conflict("nothing_failed", "No row failed, so there is nothing to try again.")
        tx.runs.bump_revision(run.id)
        tx.runs.change(run.id, state=RunState.QUEUED, state_reason="", ended_at=None)
        tx.experiments.change(experiment.id, state=ExperimentState.RUNNING)
        tx.audit.append(actor.name, "failed_rows_retried", f"experiment:{experiment.name}", {"rows": count})
        return tx.runs.get(run.id), count


def mark_interrupted(store: Store, experiment_name: str, *, actor: Actor) -> None:
    """A run in the foreground was interrupted by its person: no other worker takes it up until they resume it."""
    with store.begin() as tx:
        _experiment, run = _newest_run(tx, experiment_name)
        expected = {RunState.QUEUED, RunState.RUNNING}
        if tx.runs.move(run.id, to=RunState.PAUSED, expected=expected, reason="interrupted in the terminal"):
            tx.audit.append(actor.name, "run_interrupted", f"experiment:{experiment_name}", {"run": run.number})


def _move(
    store: Store,
    experiment_name: str,
    actor: Actor,
    *,
    to: RunState,
    expected: set[RunState],
    event: str,
    reason: str = "",
) -> RunRecord:
    authorise(store, actor, Operation.SPEND, f"experiment:{experiment_name}")
    with store.begin() as tx:
        experiment, run = _newest_run(tx, experiment_name)
        if not tx.runs.move(run.id, to=to, expected=expected, reason=reason):
            words = run.state.replace("_", " ")
            raise Conflict("wrong_state", f"The run of '{experiment.name}' is {words}, so it cannot be {to.value}.")
        states = {
            RunState.PAUSED: ExperimentState.PAUSED,
            RunState.QUEUED: ExperimentState.RUNNING,
            RunState.CANCELLED: ExperimentState.CANCELLED,
        }
        tx.experiments.change(experiment.id, state=states[to])
        tx.audit.append(actor.name, event, f"experiment:{experiment.name}", {"run": run.number, "reason": reason})
        return tx.runs.get(run.id)


def _newest_run(tx: Transaction, experiment_name: str) -> tuple[ExperimentRecord, RunRecord]:
    experiment = find_experiment(tx, experiment_name)
    runs = tx.runs.of_experiment(experiment.id, kind="full")
    if not runs:
        raise Conflict("never_ran", f"'{experiment.name}' has not run yet.", "Start it first.")
    return experiment, runs[0]
