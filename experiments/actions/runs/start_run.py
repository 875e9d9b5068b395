"""Start a run: the plan is locked, the money is capped, the rows are checked, and the work is queued."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import Limits
from experiments.loading.find import find_experiment
from experiments.loading.registry.as_written import SameRequests, refuse_unfilled
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.budget import monthly_budget
from experiments.loading.runs.design import check_all_parameters
from experiments.loading.runs.prices import price_book
from experiments.loading.runs.projecting import live_only
from experiments.permissions import Operation
from experiments.vocabulary import Actor, ExperimentState, RunState
from storage.records import ExperimentRecord, RunRecord
from storage.store import Store, Transaction

ModelCheck = Callable[[str], BakeoffError | None]
"""Model → why it cannot be called here, or None."""

FULL, PILOT = "full", "pilot"
_UNFINISHED = {RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.STOPPED}


def start_run(
    store: Store,
    experiment_name: str,
    *,
    actor: Actor,
    limits: Limits | None = None,
    rows: int | None = None,
    kind: str = FULL,
    as_written: bool = False,
    check_model: ModelCheck = lambda _model: None,
    retry_failed: bool = False,
) -> RunRecord:
    """The run, queued. A run that was interrupted, paused or stopped is taken up again, with the new limits if given.

    ``rows`` restricts it to the first rows; a later call with more rows (or None for all) extends it. A ``pilot``
    asks a few rows only, so that cost and time can be told; its answers are reused by the full run. ``as_written``
    accepts, as the key of that name in the experiment file does, prompts that hold another tool's holes as text or
    are one request for every row. ``retry_failed`` tries rows that failed in an earlier start again; their attempts
    stay on the books.

    Raises:
        BakeoffError: ``missing_values``, ``not_a_variable``, ``same_request``, ``no_price``, ``refused_parameter``,
            ``nothing_to_run``, or what ``check_model`` says; Conflict ``finished`` when there is nothing left to do;
            NotFound; Forbidden. Nothing was spent then.
    """
    authorise(store, actor, Operation.SPEND, f"experiment:{experiment_name}")
    with store.begin() as tx:
        experiment = find_experiment(tx, experiment_name)
        blueprint = load_blueprint(tx, experiment)
        limits = limits or blueprint.spec.limits
        run = _existing(tx, experiment, kind) if kind == FULL else None
        accepted = as_written or blueprint.spec.as_written or run is not None  # what has begun was accepted then
        _check(tx, blueprint, limits, check_model, rows, accepted=accepted)
        run = (
            _continue(tx, blueprint, run, limits, rows, retried=_failed_taken_back(tx, run) if retry_failed else 0)
            if run
            else _new(tx, blueprint, limits, rows, kind=kind, actor=actor)
        )
        if kind == FULL:
            _lock(tx, experiment, actor)
        details = {
            "run": run.number,
            "kind": kind,
            "trials": run.planned_trials,
            "budget_usd": limits.budget_usd,
        }
        tx.audit.append(actor.name, "run_started", f"experiment:{experiment.name}", details)
        return run


def _check(
    tx: Transaction,
    blueprint: Blueprint,
    limits: Limits,
    check_model: ModelCheck,
    rows: int | None,
    *,
    accepted: bool,
) -> None:
    if blueprint.dataset is None and blueprint.spec.live is not None:
        raise live_only(blueprint)
    if blueprint.dataset is None or any(arm.content is None for arm in blueprint.arms):
        raise BakeoffError(
            "nothing_to_run",
            "This experiment's answers were imported; there is nothing to run.",
            "Look at its results instead.",
        )
    blueprint.check_scorers()
    check_all_parameters({arm.name: arm.content.parameters for arm in blueprint.arms if arm.content}, blueprint.judges)
    generating = dict.fromkeys(arm.model for arm in blueprint.arms)
    judging = dict.fromkeys(model for judge in blueprint.judges for model in judge.spec.jury)
    check_models(tx, blueprint, limits, check_model, generating=list(generating), judging=list(judging))
    if not accepted:
        refuse_unfilled(blueprint)
    _refuse_by_rows(tx, blueprint, rows, accepted=accepted)


def check_models(
    tx: Transaction,
    blueprint: Blueprint,
    limits: Limits,
    check_model: ModelCheck,
    *,
    judging: Sequence[str],
    generating: Sequence[str] = (),
) -> None:
    """Nothing when all models can be called and every budget can hold. Raises BakeoffError."""
    for model in dict.fromkeys((*generating, *judging)):
        problem = check_model(model)
        if problem is not None:
            raise problem
    capped = limits.budget_usd is not None or monthly_budget(tx) is not None
    limited = [*generating, *judging] if capped else judging if limits.judge_budget_usd is not None else ()
    prices = price_book(tx, blueprint)
    unpriced = sorted(model for model in limited if prices.price(model) is None)
    if unpriced:
        raise BakeoffError(
            "no_price",
            f"A budget cannot hold for {unpriced[0]}: nobody knows its price.",
            "Add it under 'prices:' in the experiment file or in Settings, or drop the budget.",
        )


def _refuse_by_rows(tx: Transaction, blueprint: Blueprint, rows: int | None, *, accepted: bool) -> None:
    assert blueprint.dataset is not None
    contents = [arm.content for arm in blueprint.arms if arm.content is not None]
    variables = dict.fromkeys(name for content in contents for name in content.variables())
    columns = {blueprint.roles.inputs.get(name, name): name for name in variables}
    missing: dict[str, list[int]] = {}
    same = SameRequests(blueprint)
    for example in tx.datasets.stream_examples(blueprint.dataset.id, limit=rows):
        for column in columns:
            if example.cells.get(column) is None:
                missing.setdefault(column, []).append(example.position + 1)
        if not accepted:
            same.see(example)
    for column, positions in missing.items():
        listed = ", ".join(str(p) for p in positions[:5]) + (" …" if len(positions) > 5 else "")
        raise BakeoffError(
            "missing_values",
            f"{len(positions)} rows have no value in '{column}' for {{{{{columns[column]}}}}} (rows {listed}).",
            "Fill them or take these rows out; nothing was spent.",
        )
    same.refuse()


def _existing(tx: Transaction, experiment: ExperimentRecord, kind: str) -> RunRecord | None:
    runs = tx.runs.of_experiment(experiment.id, kind=kind)
    return runs[0] if runs else None


def _failed_taken_back(tx: Transaction, run: RunRecord) -> int:
    """How many failed results of an ended run are tried anew; a run that somebody works on keeps its own."""
    if run.state in (RunState.QUEUED, RunState.RUNNING, RunState.CANCELLED):
        return 0
    rows = tx.runs.remove_failed_outputs(run.id)
    if rows:
        tx.runs.bump_revision(run.id)
    return rows


def _continue(
    tx: Transaction, blueprint: Blueprint, run: RunRecord, limits: Limits, rows: int | None, *, retried: int
) -> RunRecord:
    planned = _planned(blueprint, run.repeats, rows)
    grows = planned > run.planned_trials
    if RunState(run.state) not in _UNFINISHED and not grows and not retried:
        raise Conflict(
            "finished",
            f"'{blueprint.experiment.name}' has run to its end.",
            "Its results are there; retry failed rows, or make a new experiment.",
        )
    values = {"limits": limits.model_dump(mode="json"), "planned_trials": max(planned, run.planned_trials)}
    if grows:
        values["row_limit"] = rows
    if RunState(run.state) in (RunState.QUEUED, RunState.RUNNING) and run.lease_owner:
        return tx.runs.change(run.id, **values)
    return tx.runs.change(run.id, state=RunState.QUEUED, state_reason="", ended_at=None, **values)


def _new(
    tx: Transaction, blueprint: Blueprint, limits: Limits, rows: int | None, *, kind: str, actor: Actor
) -> RunRecord:
    repeats = 1 if kind == PILOT else blueprint.spec.repeats
    return tx.runs.add(
        blueprint.experiment.id,
        {
            "kind": kind,
            "state": RunState.QUEUED,
            "repeats": repeats,
            "row_limit": rows,
            "seed": int(blueprint.experiment.design_hash[:15], 16),
            "limits": limits.model_dump(mode="json"),
            "planned_trials": _planned(blueprint, repeats, rows),
            "created_by": actor.name,
            "created_at": tx.clock(),
        },
    )


def _planned(blueprint: Blueprint, repeats: int, rows: int | None) -> int:
    assert blueprint.dataset is not None
    count = blueprint.dataset.row_count if rows is None else min(rows, blueprint.dataset.row_count)
    return count * repeats * len(blueprint.arms)


def _lock(tx: Transaction, experiment: ExperimentRecord, actor: Actor) -> None:
    """The plan stands from now on; it was hashed when the experiment was created."""
    if experiment.locked_at is None:
        tx.experiments.change(experiment.id, locked_at=tx.clock())
        details = {"plan_hash": experiment.plan_hash, "design_hash": experiment.design_hash}
        tx.audit.append(actor.name, "plan_locked", f"experiment:{experiment.name}", details)
    tx.experiments.change(experiment.id, state=ExperimentState.RUNNING)
