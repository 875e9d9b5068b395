"""Record a decision: which variant was chosen for what, by whom and why, with its evidence frozen."""

from __future__ import annotations

from typing import Any

from experiments.prompts.content import content_of
from experiments.vocabulary import content_hash
from storage.records import AnalysisRecord, DecisionRecord, ExperimentRecord, VariantRecord
from storage.store import Transaction


def record_decision(
    tx: Transaction,
    experiment: ExperimentRecord,
    analysis: AnalysisRecord,
    *,
    variant: VariantRecord,
    label: str,
    actor: str,
    reason: str,
) -> DecisionRecord:
    """The decision to serve ``variant`` under ``label`` (for a live test: ``experiment:KEY``), kept for good."""
    frozen = _frozen_evidence(tx, experiment, analysis)
    return tx.evidence.add_decision(
        {
            "experiment_id": experiment.id,
            "analysis_id": analysis.id,
            "verdict": analysis.result["verdict"]["outcome"],
            "choice": "ship",
            "variant_id": variant.id,
            "prompt_version_id": variant.prompt_version_id,
            "label": label,
            "actor": actor,
            "reason": reason,
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
