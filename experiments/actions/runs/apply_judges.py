"""Apply judges to answers that are there: the run is queued for its judging stage alone, nothing is generated."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.actions.authorise import authorise
from experiments.actions.results.rescore import refuse_planned
from experiments.actions.runs.create_experiment import add_judge
from experiments.actions.runs.start_run import ModelCheck, check_models
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import Limits, ScorerEntry
from experiments.judges import JUDGE, Judge, bind_judges
from experiments.loading.find import find_experiment
from experiments.loading.judging.judges import with_checks
from experiments.loading.results.evidence_table import evidence_run
from experiments.loading.runs.blueprint import IMPORTED, Blueprint, load_blueprint
from experiments.loading.runs.design import check_all_parameters, check_judges
from experiments.permissions import Operation
from experiments.vocabulary import Actor, RunState
from storage.records import RunRecord
from storage.store import Store, Transaction

_WORDS = {
    RunState.QUEUED: "waiting to run",
    RunState.RUNNING: "running",
    RunState.PAUSED: "paused",
    RunState.STOPPED: "stopped early",
    RunState.CANCELLED: "cancelled",
}


def apply_judges(
    store: Store,
    experiment_name: str,
    *,
    actor: Actor,
    judges: Sequence[ScorerEntry] | None = None,
    judge_budget_usd: float | None = None,
    check_model: ModelCheck = lambda _model: None,
) -> RunRecord:
    """The run, queued for its judges; its worker judges what they have not judged, and generates nothing.

    ``judges`` are added, or replace those of the same metric; None means those in use. Cases that got no verdict are
    asked again. ``judge_budget_usd`` holds for all that judges cost in this run, earlier ones included.

    Raises:
        BakeoffError: ``no_judges`` and whatever is wrong with the judges; Conflict ``not_finished`` while answers may
            still come, or ``plan_locked``; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.SPEND, f"experiment:{experiment_name}")
    with store.begin() as tx:
        experiment = find_experiment(tx, experiment_name)
        blueprint = load_blueprint(tx, experiment)
        run = _finished_run(tx, blueprint)
        found = _judges(tx, blueprint, judges)
        check_all_parameters({}, found)
        check_judges(found, blueprint.spec, blueprint.dataset.columns if blueprint.dataset else ())
        limits = Limits.model_validate(run.limits)
        if judge_budget_usd is not None:
            limits = limits.model_copy(update={"judge_budget_usd": judge_budget_usd})
        models = [model for judge in found for model in judge.spec.jury]
        check_models(tx, blueprint, limits, check_model, judging=models)
        refuse_planned(blueprint, [(metric.name, judge.fingerprint) for judge in found for metric in judge.metrics])
        for judge in found:
            add_judge(tx, experiment.id, judge)
        again = tx.judgements.forget_unjudged(run.id, [judge.fingerprint for judge in found])
        tx.runs.bump_revision(run.id)
        values = {"limits": limits.model_dump(mode="json"), "state_reason": "", "ended_at": None}
        run = tx.runs.change(run.id, state=RunState.QUEUED, **values)
        details = {
            "run": run.number,
            "judges": [[judge.metric, judge.fingerprint[:12]] for judge in found],
            "asked_again": again,
            "judge_budget_usd": limits.judge_budget_usd,
        }
        tx.audit.append(actor.name, "judges_applied", f"experiment:{experiment.name}", details)
        return run


def _finished_run(tx: Transaction, blueprint: Blueprint) -> RunRecord:
    name = blueprint.experiment.name
    run = evidence_run(tx, blueprint.experiment.id)
    if run is None:
        raise Conflict("never_ran", f"'{name}' has no answers to judge.", "Run it first.")
    state = RunState(run.state)
    if state is not RunState.FINISHED:
        raise Conflict(
            "not_finished", f"The run of '{name}' is {_WORDS[state]}.", "Judges are applied when all answers are there."
        )
    return run


def _judges(tx: Transaction, blueprint: Blueprint, entries: Sequence[ScorerEntry] | None) -> tuple[Judge, ...]:
    if entries is None:
        entries = list({use.fingerprint: use.entry for use in blueprint.scorer_uses if use.scorer == JUDGE}.values())
    # an imported metric is replaced: what people rated under it is what the judge is checked against
    taken = [use.metric for use in blueprint.scorer_uses if use.scorer not in (JUDGE, IMPORTED)]
    found = bind_judges(with_checks(tx, entries), taken=taken)
    if not found:
        raise BakeoffError(
            "no_judges",
            f"'{blueprint.experiment.name}' has no judges to apply.",
            "Name one with --scorer 'judge: {…}'.",
        )
    return found
