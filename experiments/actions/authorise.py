"""The first line of every action: may this actor do this? A refusal is an event of the audit log too."""

from __future__ import annotations

from experiments.errors import Forbidden
from experiments.permissions import Operation, require
from experiments.vocabulary import Actor
from storage.store import Store


def authorise(store: Store, actor: Actor, operation: Operation, subject: str) -> None:
    """Nothing when allowed. Raises Forbidden after the refusal was logged."""
    try:
        require(actor, operation)
    except Forbidden as refusal:
        with store.begin() as tx:
            tx.audit.append(actor.name, "denied", subject, {"operation": operation.value, "code": refusal.code})
        raise
