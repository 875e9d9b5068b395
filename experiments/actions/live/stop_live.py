"""Stop a live test. Sending all traffic to a challenger passes the guards of a promotion and is on the books as one."""

from __future__ import annotations

from experiments.actions.authorise import authorise
from experiments.actions.live.control_live import OPEN, open_phase, stopped
from experiments.actions.registry.record_decision import record_decision
from experiments.actions.results.analyse import fresh_analysis
from experiments.errors import BakeoffError, Conflict, nearest
from experiments.loading.live.phases import find_phase
from experiments.loading.registry.promotion import (
    against_verdict_of,
    chosen_variant,
    promotion_evidence,
    version_to_serve,
)
from experiments.permissions import Operation
from experiments.prompts import labels
from experiments.vocabulary import Actor
from storage.records import AnalysisRecord, ExperimentRecord, LivePhaseRecord
from storage.store import Store, Transaction


def stop_live(
    store: Store, name: str, *, actor: Actor, everyone: str | None = None, reason: str = ""
) -> LivePhaseRecord:
    """End the test: from now on everybody meets the control, or the variant that ``everyone`` names.

    Sending everybody to a challenger is a promotion: it needs that right, and the same evidence or written reason.
    What was found stays and can be promoted.

    Raises:
        Conflict ``not_running``, or see ``labels.check_promotion``; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.RUN_LIVE, f"live:{name}")
    with store.begin() as tx:
        phase = open_phase(tx, name, OPEN)
    chosen = everyone or phase.settings["control"]
    if chosen not in phase.settings["variants"]:
        raise BakeoffError(
            "no_such_variant", f"There is no variant '{chosen}'.", nearest(chosen, phase.settings["variants"])
        )
    if chosen != phase.settings["control"]:
        authorise(store, actor, Operation.PROMOTE, f"live:{name}")
        return _stop_for_challenger(store, name, actor=actor, everyone=chosen, reason=reason)
    with store.begin() as tx:
        return stopped(tx, tx.live.get(phase.id), actor=actor, everyone=chosen, reason=reason)


def _stop_for_challenger(store: Store, name: str, *, actor: Actor, everyone: str, reason: str) -> LivePhaseRecord:
    with store.read() as tx:
        experiment = tx.experiments.get(find_phase(tx, name).experiment_id)
    analysis = fresh_analysis(store, experiment.name)
    try:
        with store.begin() as tx:
            phase = open_phase(tx, name, OPEN)  # the guard may have ended it on what was just analysed
            decided = _decided(tx, experiment, analysis, key=phase.key, everyone=everyone, actor=actor, reason=reason)
            return stopped(tx, phase, actor=actor, everyone=everyone, reason=reason, decided=decided)
    except Conflict as refusal:
        with store.begin() as tx:
            details = {"everyone": everyone, "code": refusal.code}
            tx.audit.append(actor.name, "promotion_refused", f"experiment:{experiment.name}", details)
        raise


def _decided(
    tx: Transaction,
    experiment: ExperimentRecord,
    analysis: AnalysisRecord,
    *,
    key: str,
    everyone: str,
    actor: Actor,
    reason: str,
) -> dict[str, str]:
    """Details of the decision that everybody of the live test ``key`` meets this challenger.

    Nothing is decided, and nothing returned, when production serves that version already: it was decided there.

    Raises:
        Conflict: see ``labels.check_promotion``.
    """
    variants = tx.experiments.variants(experiment.id)
    variant = chosen_variant(variants, analysis, everyone)
    candidate = version_to_serve(tx, experiment, variant)
    head = tx.registry.label(candidate.prompt_id, labels.PRODUCTION)
    if head.version_id == candidate.id:
        return {}
    evidence = promotion_evidence(
        tx, experiment, analysis, head=head, candidate=candidate, served_id=variants[0].prompt_version_id
    )
    labels.check_promotion(evidence, label=labels.PRODUCTION, variant=everyone, reason=reason, now=tx.clock())
    decision = record_decision(
        tx,
        experiment,
        analysis,
        variant=variant,
        label=f"{labels.LIVE_TRAFFIC}{key}",
        actor=actor.name,
        reason=reason.strip(),
    )
    against = against_verdict_of(analysis, variant)
    return {
        "decision": decision.id,
        "evidence_hash": decision.evidence_hash,
        **({"against_verdict": against} if against else {}),
    }
