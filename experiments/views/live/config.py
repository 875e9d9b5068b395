"""All that answering live traffic needs, in one read: live tests by key, and what every label serves."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.live.config import LabelledPrompt, LiveConfig
from experiments.loading.live.phases import live_test, served_version
from storage.records import LabelRecord
from storage.store import Store, Transaction


def load_live(store: Store) -> LiveConfig:
    """The present configuration: the newest phase of every key (stopped ones too), and all labels."""
    with store.read() as tx:
        return LiveConfig(
            version=tx.live.version(),
            tests={phase.key: live_test(tx, phase) for phase in tx.live.newest()},
            prompts=_labelled(tx),
        )


def live_version(store: Store) -> str:
    """The version that ``load_live`` would have now, for a fraction of its cost."""
    with store.read() as tx:
        return tx.live.version()


def _labelled(tx: Transaction) -> dict[str, LabelledPrompt]:
    labels = [label for label in tx.registry.all_labels() if label.version_id is not None]
    versions = tx.prompts.versions_by_id({label.version_id for label in labels if label.version_id})
    found: dict[str, LabelledPrompt] = {}
    for prompt in tx.prompts.all():
        mine = {label.label: versions[label.version_id] for label in _of(labels, prompt.id) if label.version_id}
        if mine:
            served = {version.number: served_version(prompt.name, version) for version in mine.values()}
            found[prompt.name] = LabelledPrompt({label: v.number for label, v in mine.items()}, served)
    return found


def _of(labels: Iterable[LabelRecord], prompt_id: str) -> list[LabelRecord]:
    return [label for label in labels if label.prompt_id == prompt_id]
