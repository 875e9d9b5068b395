"""Promote: a label moves to a variant on the evidence of an experiment, as one guarded, recorded step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from experiments.actions.authorise import authorise
from experiments.actions.registry.record_decision import record_decision
from experiments.actions.results.analyse import fresh_analysis
from experiments.errors import Conflict
from experiments.loading.find import find_experiment
from experiments.loading.registry.promotion import (
    against_verdict_of,
    chosen_variant,
    promotion_evidence,
    version_to_serve,
)
from experiments.permissions import Operation
from experiments.prompts import labels
from experiments.prompts.content import check_label_name
from experiments.vocabulary import Actor, ExperimentState
from storage.records import AnalysisRecord
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
    """What was done: the label of the prompt now points at this version, on this decision.

    ``against_verdict`` says how it went against the verdict, ``cautions`` what callers will notice.
    """

    prompt: str
    label: str
    version: int
    variant: str
    decision_id: str
    previous_version: int | None
    at: datetime
    against_verdict: str | None
    cautions: tuple[str, ...]


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
    evidence = promotion_evidence(tx, experiment, analysis, head=head, candidate=version, served_id=head.version_id)
    labels.check_promotion(evidence, label=ask.label, variant=variant.name, reason=ask.reason, now=now)
    decision = record_decision(
        tx, experiment, analysis, variant=variant, label=ask.label, actor=actor.name, reason=ask.reason
    )
    reason = ask.reason or evidence.sentence
    tx.registry.move(
        head, to_version_id=version.id, kind="promote", actor=actor.name, reason=reason, at=now, decision_id=decision.id
    )
    if ask.label == labels.PRODUCTION:
        tx.experiments.change(experiment.id, state=ExperimentState.PROMOTED)
    prompt = tx.prompts.get(version.prompt_id)
    against = against_verdict_of(analysis, variant)
    details = {
        "label": ask.label,
        "version": version.number,
        "experiment": experiment.name,
        "decision": decision.id,
        "evidence_hash": decision.evidence_hash,
        **({"against_verdict": against} if against else {}),
    }
    tx.audit.append(actor.name, "promoted", f"prompt:{prompt.name}", details)
    previous = tx.prompts.version(head.version_id).number if head.version_id else None
    return Promotion(
        prompt.name, ask.label, version.number, variant.name, decision.id, previous, now, against, evidence.cautions
    )
