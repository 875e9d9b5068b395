"""Roll back: a label returns to a version that held it before. And set a label by hand where the rules allow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from experiments.actions.authorise import authorise
from experiments.loading.find import find_prompt, find_version
from experiments.loading.registry.cautions import serving_cautions
from experiments.permissions import Operation
from experiments.prompts import labels
from experiments.prompts.content import check_label_name
from experiments.vocabulary import Actor, ExperimentState
from storage.records import PromptRecord, VersionRecord
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class LabelMove:
    """What was done: the label of the prompt now points at ``version``; ``cautions`` are what callers will notice."""

    prompt: str
    label: str
    version: int
    previous_version: int | None
    at: datetime
    cautions: tuple[str, ...] = ()


def roll_back(
    store: Store,
    prompt_name: str,
    *,
    actor: Actor,
    reason: str,
    label: str = labels.PRODUCTION,
    to: int | None = None,
) -> LabelMove:
    """Put the label back on the version that held it before, or on an earlier holder named by its number.

    Raises:
        BakeoffError: ``reason_needed``; Conflict: ``nothing_to_roll_back_to``, ``never_live``, ``already_live``;
            NotFound; Forbidden.
    """
    check_label_name(label)
    authorise(store, actor, Operation.ROLL_BACK, f"prompt:{prompt_name}")
    reason = labels.check_reason(reason, what="rollback")
    with store.begin() as tx:
        prompt = find_prompt(tx, prompt_name)
        head = tx.registry.label(prompt.id, label)
        holders = [event.to_version_id for event in reversed(tx.registry.history(prompt.id, label))]
        if to is None:
            target = labels.rollback_target(holders, head.version_id)
        else:
            target = find_version(tx, prompt, str(to)).id
        labels.check_rollback(holders, head.version_id, target)
        move = _move(tx, prompt, label, tx.prompts.version(target), kind="rollback", actor=actor, reason=reason)
        if label == labels.PRODUCTION:
            _mark_experiment(tx, prompt.id, label, left=head.version_id)
        return move


def set_label(store: Store, prompt_name: str, *, label: str, at: str, actor: Actor, reason: str = "") -> LabelMove:
    """Point a label at a version without an experiment: free for staging and the like, once for production.

    ``at`` is a version number or another label. A model that its provider withdraws needs a written reason before it
    goes into production.

    Raises:
        Conflict: ``decision_needed`` or ``reason_needed``; NotFound; Forbidden.
    """
    check_label_name(label)
    authorise(store, actor, Operation.PROMOTE, f"prompt:{prompt_name}")
    with store.begin() as tx:
        prompt = find_prompt(tx, prompt_name)
        version = find_version(tx, prompt, at)
        head = tx.registry.label(prompt.id, label)
        labels.check_set_by_hand(label, head.version_id)
        if label == labels.PRODUCTION:
            labels.check_doubts(
                serving_cautions(tx, version, None), reason=reason, what=f"Putting v{version.number} into {label}"
            )
        return _move(tx, prompt, label, version, kind="set", actor=actor, reason=reason.strip())


def _move(
    tx: Transaction,
    prompt: PromptRecord,
    label: str,
    version: VersionRecord,
    *,
    kind: str,
    actor: Actor,
    reason: str,
) -> LabelMove:
    now = tx.clock()
    head = tx.registry.label(prompt.id, label)
    before = tx.prompts.version(head.version_id) if head.version_id else None
    cautions = serving_cautions(tx, version, before)
    previous = before.number if before else None
    tx.registry.move(head, to_version_id=version.id, kind=kind, actor=actor.name, reason=reason, at=now)
    details = {"label": label, "version": version.number, "previous": previous, "reason": reason}
    tx.audit.append(actor.name, {"rollback": "rolled_back", "set": "label_set"}[kind], f"prompt:{prompt.name}", details)
    return LabelMove(prompt.name, label, version.number, previous, now, cautions)


def _mark_experiment(tx: Transaction, prompt_id: str, label: str, *, left: str | None) -> None:
    """The experiment that brought the version which is left to production says that it was taken back."""
    for event in tx.registry.history(prompt_id, label):
        if event.kind == "promote" and event.decision_id and event.to_version_id == left:
            decision = tx.evidence.decision(event.decision_id)
            tx.experiments.move(
                decision.experiment_id, to=ExperimentState.ROLLED_BACK, expected={ExperimentState.PROMOTED}
            )
            return
