"""Create an experiment from its file: prompts become versions, columns are matched, scorers and plan are checked."""

from __future__ import annotations

from typing import Any

from experiments.actions.authorise import authorise
from experiments.actions.registry.save_prompt import save_version
from experiments.errors import Conflict
from experiments.experiment_file import ExperimentSpec
from experiments.judges import JUDGE, Judge
from experiments.loading.find import find_experiment
from experiments.loading.runs.design import ResolvedDesign, prompt_to_promote, resolved_design
from experiments.permissions import Operation
from experiments.scoring import BoundScorer, is_judge
from experiments.vocabulary import Actor, ExperimentState, is_simulated
from storage.records import ExperimentRecord
from storage.store import Store, Transaction


def create_experiment(
    store: Store,
    spec: ExperimentSpec,
    *,
    dataset_version_id: str | None,
    actor: Actor,
    origin: str = "file",
    sample: bool = False,
    replace_draft: bool = False,
) -> tuple[ExperimentRecord, bool]:
    """(the experiment, True) when it is new; (the one there is, False) when one of that name has the same content.

    Nothing is spent and nothing is locked yet. ``replace_draft`` lets it take the place of another draft of that name
    that was never started; what a pilot of that draft answered is kept beside it, archived.

    Raises:
        BakeoffError: what does not fit (columns, scorers, metrics of the plan, prompts), in one sentence;
            Conflict ``name_taken`` when the name stands for another experiment; Forbidden.
    """
    authorise(store, actor, Operation.DESIGN, f"experiment:{spec.name}")
    with store.begin() as tx:
        if replace_draft:
            _make_room(tx, spec, dataset_version_id)
        return create_in(tx, spec, dataset_version_id=dataset_version_id, actor=actor, origin=origin, sample=sample)


def discard_draft(store: Store, name: str, *, actor: Actor) -> None:
    """Take back an experiment that was never started. Raises NotFound; Conflict ``was_started``; Forbidden."""
    authorise(store, actor, Operation.DESIGN, f"experiment:{name}")
    with store.begin() as tx:
        draft = find_experiment(tx, name)
        if draft.locked_at is not None or draft.state != ExperimentState.DRAFT:
            raise Conflict("was_started", f"'{draft.name}' was started, so it stays.", "Stop it instead.")
        _put_away(tx, draft)
        tx.audit.append(actor.name, "draft_discarded", f"experiment:{draft.name}", {"design_hash": draft.design_hash})


def _make_room(tx: Transaction, spec: ExperimentSpec, dataset_version_id: str | None) -> None:
    known = tx.experiments.by_name(spec.name)
    if known is None or known.locked_at is not None or known.state != ExperimentState.DRAFT:
        return
    if known.design_hash != resolved_design(tx, spec, dataset_version_id=dataset_version_id).hash():
        _put_away(tx, known)


def _put_away(tx: Transaction, draft: ExperimentRecord) -> None:
    """Remove a draft; one whose pilot cost money keeps its books under another name, archived."""
    if not tx.runs.of_experiment(draft.id):
        tx.experiments.remove_draft(draft.id)
        return
    number = 1
    while tx.experiments.by_name(f"{draft.name[:100]} draft {number}") is not None:
        number += 1
    tx.experiments.change(draft.id, name=f"{draft.name[:100]} draft {number}", archived_at=tx.clock())


def create_in(
    tx: Transaction,
    spec: ExperimentSpec,
    *,
    dataset_version_id: str | None,
    actor: Actor,
    origin: str,
    sample: bool = False,
) -> tuple[ExperimentRecord, bool]:
    """``create_experiment`` inside a transaction that does more."""
    design = resolved_design(tx, spec, dataset_version_id=dataset_version_id, imported=origin == "import")
    known = tx.experiments.by_name(spec.name)
    if known is not None:
        if known.design_hash == design.hash():
            return known, False
        raise Conflict(
            "name_taken",
            f"There is an experiment '{spec.name}' with other content.",
            "Give this one another name; what was compared under a name never changes.",
        )
    experiment = _insert(tx, design, actor=actor, origin=origin, sample=sample)
    for scorer, entry in zip(design.scorers, (e for e in spec.scorers if not is_judge(e)), strict=True):
        tx.experiments.add_scorer(experiment.id, scorer_columns(scorer, entry), at=tx.clock())
    for judge in design.judges:
        add_judge(tx, experiment.id, judge)
    tx.audit.append(
        actor.name,
        "experiment_created",
        f"experiment:{spec.name}",
        {"design_hash": experiment.design_hash, "plan_hash": spec.plan.hash(), "origin": origin},
    )
    return experiment, True


def _insert(tx: Transaction, design: ResolvedDesign, *, actor: Actor, origin: str, sample: bool) -> ExperimentRecord:
    spec, contents, version = design.spec, design.contents, design.version
    target = prompt_to_promote(spec)
    versions = {
        name: save_version(tx, target, content, actor=actor, note=f"variant {name} of {spec.name}")
        for name, content in contents.items()
        if content is not None
    }
    prompt = tx.prompts.by_name(target) if versions else None
    experiment = tx.experiments.add(
        {
            "name": spec.name,
            "state": ExperimentState.DRAFT,
            "origin": origin,
            "hypothesis": spec.hypothesis,
            "spec": spec.model_dump(mode="json"),
            "design_hash": design.hash(),
            "plan_hash": spec.plan.hash(),
            "dataset_version_id": version.id if version else None,
            "prompt_id": prompt.id if prompt else None,
            "simulated": any(c is not None and is_simulated(c.model) for c in contents.values())
            or any(is_simulated(model) for judge in design.judges for model in judge.spec.jury),
            "sample": sample,
            "created_by": actor.name,
            "created_at": tx.clock(),
        }
    )
    for position, (name, content) in enumerate(contents.items()):
        tx.experiments.add_variant(
            experiment.id,
            position=position,
            name=name,
            model=content.model if content else _imported_model(spec, name),
            prompt_version_id=versions[name].id if content else None,
        )
    return experiment


def _imported_model(spec: ExperimentSpec, name: str) -> str:
    return next((v.model or "" for v in spec.variants if v.name == name), "")


def add_judge(tx: Transaction, experiment_id: str, judge: Judge) -> None:
    """Put a judge in use: one row for each metric that it gives."""
    for metric in judge.metrics:
        columns = {
            "metric": metric.name,
            "scorer": JUDGE,
            "version": judge.version,
            "entry": judge.entry,
            "fingerprint": judge.fingerprint,
            "kind": metric.kind,
            "direction": metric.direction,
            "unit": metric.unit,
        }
        tx.experiments.add_scorer(experiment_id, columns, at=tx.clock())


def scorer_columns(scorer: BoundScorer, entry: Any) -> dict[str, Any]:  # noqa: ANN401
    """The columns of a scorer in use."""
    return {
        "metric": scorer.metric,
        "scorer": scorer.scorer,
        "version": scorer.version,
        "entry": entry,
        "fingerprint": scorer.fingerprint,
        "kind": scorer.kind,
        "direction": scorer.direction,
        "unit": scorer.unit,
    }
