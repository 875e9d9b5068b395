"""What is live: one card per prompt, with the evidence it went live on and how to go back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.prompts.labels import PRODUCTION
from experiments.views.registry.prompts import LabelMoveView, VersionView, get_prompt, label_history
from storage.store import Store


@dataclass(frozen=True, slots=True)
class LiveCard:
    """One prompt and one label. ``live`` is None while nothing holds the label.

    ``evidence`` is the decision's frozen evidence when the present version came by a promotion. ``holders`` are the
    versions that can be gone back to, the latest first.
    """

    prompt: str
    label: str
    live: VersionView | None
    previous: VersionView | None
    since: datetime | None
    by: str | None
    why: str | None
    kind: str | None
    experiment: str | None
    evidence: Mapping[str, Any] | None
    revision: int
    holders: tuple[int, ...]
    history: tuple[LabelMoveView, ...]


def live_cards(store: Store, *, label: str = PRODUCTION) -> list[LiveCard]:
    """One card per prompt, those with a live version first."""
    with store.read() as tx:
        names = [p.name for p in tx.prompts.all()]
    cards = [live_card(store, name, label=label) for name in names]
    return sorted(cards, key=lambda c: (c.live is None, c.prompt))


def live_card(store: Store, prompt: str, *, label: str = PRODUCTION) -> LiveCard:
    """The card of one prompt. Raises NotFound."""
    view = get_prompt(store, prompt)
    history = tuple(label_history(store, prompt, label=label))
    number = view.labels.get(label)
    live = view.version(number) if number is not None else None
    last = history[0] if history else None
    holders = tuple(dict.fromkeys(move.version for move in history if move.version != number))
    previous = view.version(holders[0]) if holders else None
    return LiveCard(
        prompt=prompt,
        label=label,
        live=live,
        previous=previous,
        since=last.at if last else None,
        by=last.actor if last else None,
        why=last.reason if last else None,
        kind=last.kind if last else None,
        experiment=last.experiment if last else None,
        evidence=_evidence(store, prompt, label) if last and last.kind == "promote" else None,
        revision=view.revisions.get(label, 0),
        holders=holders,
        history=history,
    )


def _evidence(store: Store, prompt: str, label: str) -> Mapping[str, Any] | None:
    with store.read() as tx:
        record = tx.prompts.by_name(prompt)
        assert record is not None
        event = tx.registry.history(record.id, label)[0]
        return tx.evidence.decision(event.decision_id).evidence if event.decision_id else None
