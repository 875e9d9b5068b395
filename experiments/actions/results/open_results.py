"""Open results: the newest analysis, and a note that somebody looked (looks decide how growing evidence is read)."""

from __future__ import annotations

from typing import Any

from experiments.actions.authorise import authorise
from experiments.actions.results.analyse import fresh_analysis
from experiments.loading.registry.promotion import decided_variant
from experiments.permissions import Operation
from experiments.vocabulary import Actor
from storage.records import AnalysisRecord, DecisionRecord, ExperimentRecord
from storage.store import Store, Transaction


def open_results(store: Store, experiment_name: str, *, actor: Actor) -> dict[str, Any]:
    """The results as plain JSON values (``bakeoff results --json``); analysed anew when the evidence changed.

    Raises:
        NotFound; Conflict ``never_ran``; Forbidden.
    """
    authorise(store, actor, Operation.ANALYSE, f"experiment:{experiment_name}")
    analysis = fresh_analysis(store, experiment_name)
    with store.begin() as tx:
        look = analysis.result.get("look")
        if look is not None:
            tx.evidence.add_look(analysis.experiment_id, look, actor=actor.name, at=tx.clock())
        experiment = tx.experiments.get(analysis.experiment_id)
        looks = len(tx.evidence.looks(experiment.id))
        decided = [_decided(tx, decision) for decision in tx.evidence.decisions(experiment.id)]
    return {**results_json(experiment, analysis, looks), "decisions": decided}


def _decided(tx: Transaction, decision: DecisionRecord) -> dict[str, Any]:
    """One decision on this experiment: what was chosen for which label, by whom and why, against the verdict or not."""
    variant, against = decided_variant(tx, decision)
    return {
        "id": decision.id,
        "variant": variant,
        "label": decision.label,
        "verdict": decision.verdict,
        "against_verdict": against,
        "actor": decision.actor,
        "reason": decision.reason,
        "evidence_hash": decision.evidence_hash,
        "at": decision.created_at.isoformat(),
    }


def results_json(experiment: ExperimentRecord, analysis: AnalysisRecord, looks: int) -> dict[str, Any]:
    """One analysis as people and programs read it."""
    result = {name: value for name, value in analysis.result.items() if name != "look"}
    first = {name: result.pop(name) for name in ("experiment", "simulated", "verdict", "health", "comparisons")}
    return {
        "experiment": first["experiment"],
        "state": experiment.state,
        **first,
        **result,
        "analysis": {
            "number": analysis.number,
            "at": analysis.created_at.isoformat(),
            "engine": analysis.engine,
            "plan_hash": analysis.plan_hash,
            "data_hash": analysis.data_hash,
            "looks": looks,
        },
    }
