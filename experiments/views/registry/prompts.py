"""Prompts, their versions, and what a label serves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.loading.find import find_prompt, find_version
from experiments.loading.registry.as_written import prompt_lookalikes
from experiments.loading.registry.promotion import decided_variant
from experiments.prompts.content import PromptContent, content_of
from experiments.prompts.labels import FIRST_LABELS, against_verdict
from experiments.vocabulary import VerdictOutcome
from storage.records import LabelEventRecord, VersionRecord
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version; ``labels`` are those that point at it now.

    ``against_verdict`` says how the decision that last put it into use went against its verdict, None when none did.
    """

    number: int
    content: PromptContent
    content_hash: str
    note: str
    created_by: str
    created_at: datetime
    labels: tuple[str, ...]
    against_verdict: str | None = None


@dataclass(frozen=True, slots=True)
class PromptView:
    """A prompt with all versions, newest first, and the labels that can be set."""

    name: str
    description: str
    versions: tuple[VersionView, ...]
    labels: dict[str, int | None]
    revisions: dict[str, int]

    def version(self, number: int) -> VersionView | None:
        """The version with that number, or None."""
        return next((v for v in self.versions if v.number == number), None)


@dataclass(frozen=True, slots=True)
class ServedPrompt:
    """What production reads: everything to make the call, and the hash that serves as ETag."""

    name: str
    label: str | None
    version: int
    content: PromptContent
    content_hash: str
    moved_at: datetime | None
    against_verdict: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The body of ``GET /api/v1/prompts/{name}``."""
        return {
            "name": self.name,
            "label": self.label,
            "version": self.version,
            "kind": self.content.kind,
            "messages": [{"role": m.role, "content": m.content} for m in self.content.messages],
            "variables": list(self.content.variables()),
            "model": self.content.model,
            "parameters": dict(self.content.parameters),
            "content_hash": self.content_hash,
            "against_verdict": self.against_verdict,
            "notices": [one.sentence() for one in prompt_lookalikes(self.content)],
        }


@dataclass(frozen=True, slots=True)
class LabelMoveView:
    """One line of a label's history; ``against_verdict`` says how a promotion went against its verdict."""

    label: str
    kind: str
    version: int
    previous_version: int | None
    actor: str
    reason: str
    at: datetime
    experiment: str | None
    against_verdict: str | None = None


def list_prompts(store: Store) -> list[PromptView]:
    """All prompts by name."""
    with store.read() as tx:
        return [_prompt_view(tx, p.name) for p in tx.prompts.all()]


def get_prompt(store: Store, name: str) -> PromptView:
    """One prompt. Raises NotFound."""
    with store.read() as tx:
        return _prompt_view(tx, name)


def served_prompt(store: Store, name: str, *, label: str | None = None, version: int | None = None) -> ServedPrompt:
    """What a label (production by default) or a version number serves. Raises NotFound."""
    with store.read() as tx:
        prompt = find_prompt(tx, name)
        if version is not None:
            found = find_version(tx, prompt, str(version))
            label, moved_at = None, None
        else:
            label = label or FIRST_LABELS[0]
            found = find_version(tx, prompt, label)
            moved_at = tx.registry.label(prompt.id, label).moved_at
        mark = against_verdicts(tx, [found.id]).get(found.id)
        return ServedPrompt(prompt.name, label, found.number, content(found), found.content_hash, moved_at, mark)


def label_history(store: Store, name: str, *, label: str | None = None) -> list[LabelMoveView]:
    """The moves of a prompt's labels, newest first. Raises NotFound."""
    with store.read() as tx:
        prompt = find_prompt(tx, name)
        events = tx.registry.history(prompt.id, label)
        wanted = {e.to_version_id for e in events} | {e.from_version_id for e in events if e.from_version_id}
        numbers = {i: v.number for i, v in tx.prompts.versions_by_id(wanted).items()}
        return [_move_view(tx, event, numbers) for event in events]


def against_verdicts(tx: Transaction, version_ids: Iterable[str]) -> dict[str, str]:
    """By version: how the newest decision for it went against its verdict; versions without such a one are left out."""
    found = {
        decided.version_id: against_verdict(VerdictOutcome(decided.outcome), decided.winner, decided.variant)
        for decided in tx.evidence.verdicts_of_versions(version_ids)
    }
    return {version: mark for version, mark in found.items() if mark}


def content(version: VersionRecord) -> PromptContent:
    """The content of a stored version."""
    return content_of(version.kind, version.messages, version.model, version.parameters)


def _prompt_view(tx: Transaction, name: str) -> PromptView:
    prompt = find_prompt(tx, name)
    heads = tx.registry.labels(prompt.id)
    versions = tx.prompts.versions(prompt.id)
    numbers = {v.id: v.number for v in versions}
    marks = against_verdicts(tx, numbers)
    labels: dict[str, int | None] = dict.fromkeys(FIRST_LABELS)
    labels |= {h.label: numbers[h.version_id] for h in heads if h.version_id}
    return PromptView(
        name=prompt.name,
        description=prompt.description,
        versions=tuple(
            VersionView(
                number=v.number,
                content=content(v),
                content_hash=v.content_hash,
                note=v.note,
                created_by=v.created_by,
                created_at=v.created_at,
                labels=tuple(h.label for h in heads if h.version_id == v.id),
                against_verdict=marks.get(v.id),
            )
            for v in versions
        ),
        labels=labels,
        revisions={h.label: h.revision for h in heads},
    )


def _move_view(tx: Transaction, event: LabelEventRecord, numbers: dict[str, int]) -> LabelMoveView:
    experiment, mark = None, None
    if event.decision_id is not None:
        decision = tx.evidence.decision(event.decision_id)
        experiment = tx.experiments.get(decision.experiment_id).name
        _, mark = decided_variant(tx, decision)
    return LabelMoveView(
        label=event.label,
        kind=event.kind,
        version=numbers[event.to_version_id],
        previous_version=numbers[event.from_version_id] if event.from_version_id else None,
        actor=event.actor,
        reason=event.reason,
        at=event.at,
        experiment=experiment,
        against_verdict=mark,
    )
