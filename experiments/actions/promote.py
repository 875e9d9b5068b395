"""Promote: a label moves to a variant on the evidence of an experiment, as one guarded, recorded step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments import labels
from experiments.actions.analyse import fresh_analysis
from experiments.actions.authorise import authorise
from experiments.errors import Conflict
from experiments.lookup.find import find_experiment
from experiments.lookup.promotion import chosen_variant, promotion_evidence, version_to_serve
from experiments.permissions import Operation
from experiments.prompts import check_label_name, content_of
from experiments.vocabulary import Actor, ExperimentState, content_hash
from storage.records import AnalysisRecord, DecisionRecord, ExperimentRecord, VariantRecord, VersionRecord
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class _Ask:
    """What somebody wants promoted; ``variant`` None means the verdict's winner."""

    experiment: str
    label: str
    variant: str | None
    reason: str
    expected_revision: int | None


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was done: the label of the prompt now points at this version, on this decision."""

    prompt: str
    label: str
    version: int
    variant: str
    decision_id: str
    previous_version: int | None
    at: datetime


def promote(
    store: Store,
    experiment_name: str,
    *,
    label: str,
    actor: Actor,
    variant: str | None = None,
    reason: str = "",
    expected_revision: int | None = None,
) -> Promotion:
    """Move the label of the experiment's prompt to the winner (or, with a reason, to another variant).

    ``expected_revision`` is the label's revision that the person saw; when given, any move since is refused. Results
    that changed since the last analysis are analysed again first.

    Raises:
        NotFound, Forbidden, Conflict: see ``labels.check_promotion``; nothing is changed then.
    """
    check_label_name(label)
    authorise(store, actor, Operation.PROMOTE, f"experiment:{experiment_name}")
    analysis = fresh_analysis(store, experiment_name)
    ask = _Ask(experiment_name, label, variant, reason.strip(), expected_revision)
    try:
        with store.begin() as tx:
            return _promote(tx, ask, analysis, actor)
    except Conflict as refusal:
        with store.begin() as tx:
            details = {"label": label, "variant": variant, "code": refusal.code}
            tx.audit.append(actor.name, "promotion_refused", f"experiment:{experiment_name}", details)
        raise


def _promote(tx: Transaction, ask: _Ask, analysis: AnalysisRecord, actor: Actor) -> Promotion:
    now = tx.clock()
    experiment = find_experiment(tx, ask.experiment)
    variant = chosen_variant(tx.experiments.variants(experiment.id), analysis, ask.variant)
    version = version_to_serve(tx, experiment, variant)
    head = tx.registry.label(version.prompt_id, ask.label)
    if ask.expected_revision is not None and head.revision != ask.expected_revision:
        raise Conflict(
            "label_moved", f"Somebody else moved '{ask.label}' in the meantime.", "Look at what is live now."
        )
    if head.version_id == version.id:
        raise Conflict("already_live", f"{variant.name} is already in {ask.label}.")
    evidence = promotion_evidence(tx, experiment, analysis, head)
    labels.check_promotion(evidence, label=ask.label, variant=variant.name, reason=ask.reason, now=now)
    decision = _record_decision(tx, ask, analysis, experiment=experiment, variant=variant, version=version, actor=actor)
    reason = ask.reason or evidence.sentence
    tx.registry.move(
        head, to_version_id=version.id, kind="promote", actor=actor.name, reason=reason, at=now, decision_id=decision.id
    )
    if ask.label == labels.PRODUCTION:
        tx.experiments.change(experiment.id, state=ExperimentState.PROMOTED)
    prompt = tx.prompts.get(version.prompt_id)
    details = {
        "label": ask.label,
        "version": version.number,
        "experiment": experiment.name,
        "decision": decision.id,
        "evidence_hash": decision.evidence_hash,
    }
    tx.audit.append(actor.name, "promoted", f"prompt:{prompt.name}", details)
    previous = tx.prompts.version(head.version_id).number if head.version_id else None
    return Promotion(prompt.name, ask.label, version.number, variant.name, decision.id, previous, now)


def _record_decision(
    tx: Transaction,
    ask: _Ask,
    analysis: AnalysisRecord,
    *,
    experiment: ExperimentRecord,
    variant: VariantRecord,
    version: VersionRecord,
    actor: Actor,
) -> DecisionRecord:
    frozen = _frozen_evidence(tx, experiment, analysis)
    return tx.evidence.add_decision(
        {
            "experiment_id": experiment.id,
            "analysis_id": analysis.id,
            "verdict": analysis.result["verdict"]["outcome"],
            "choice": "ship",
            "variant_id": variant.id,
            "prompt_version_id": version.id,
            "label": ask.label,
            "actor": actor.name,
            "reason": ask.reason,
            "evidence": frozen,
            "evidence_hash": content_hash(frozen),
            "created_at": tx.clock(),
        }
    )


def _frozen_evidence(tx: Transaction, experiment: ExperimentRecord, analysis: AnalysisRecord) -> dict[str, Any]:
    """Everything the decision stands on, in one value whose hash the decision keeps."""
    variants = tx.experiments.variants(experiment.id)
    versions = tx.prompts.versions_by_id(v.prompt_version_id for v in variants if v.prompt_version_id)
    dataset = tx.datasets.version(experiment.dataset_version_id) if experiment.dataset_version_id else None
    prompts = {}
    for v in variants:
        if v.prompt_version_id is None:
            continue
        found = versions[v.prompt_version_id]
        content = content_of(found.kind, found.messages, found.model, found.parameters)
        prompts[v.name] = {"version": found.number, "hash": content.hash()}
    return {
        "experiment": experiment.name,
        "design_hash": experiment.design_hash,
        "plan_hash": experiment.plan_hash,
        "plan_version": experiment.plan_version,
        "plan": experiment.spec.get("plan"),
        "dataset_hash": dataset.content_hash if dataset else None,
        "prompts": prompts,
        "simulated": experiment.simulated,
        "looks": [look["n_units"] for look in tx.evidence.looks(experiment.id)],
        "analysis": {"number": analysis.number, "data_hash": analysis.data_hash, "engine": analysis.engine},
        "result": analysis.result,
    }
