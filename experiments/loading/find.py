"""Names → records, with an error that helps."""

from __future__ import annotations

from experiments.errors import NotFound, nearest
from storage.records import (
    DatasetRecord,
    DatasetVersionRecord,
    ExperimentRecord,
    PromptRecord,
    VersionRecord,
)
from storage.store import Transaction


def find_experiment(tx: Transaction, name: str) -> ExperimentRecord:
    """The experiment of that name. Raises NotFound, with the nearest known name."""
    experiment = tx.experiments.by_name(name)
    if experiment is None:
        known = [e.name for e in tx.experiments.all(archived=True)]
        raise NotFound("no_such_experiment", f"There is no experiment '{name[:120]}'.", nearest(name, known))
    return experiment


def find_dataset(tx: Transaction, reference: str) -> tuple[DatasetRecord, DatasetVersionRecord]:
    """The test set and version that ``NAME`` (newest) or ``NAME@VERSION`` names. Raises NotFound."""
    name, _, number = reference.partition("@")
    dataset = tx.datasets.by_name(name)
    if dataset is None:
        known = [d.name for d in tx.datasets.all()]
        raise NotFound("no_such_dataset", f"There is no test set '{name[:120]}'.", nearest(name, known))
    if not number:
        return dataset, tx.datasets.versions(dataset.id)[0]
    version = tx.datasets.version_number(dataset.id, int(number)) if number.isdigit() else None
    if version is None:
        newest = tx.datasets.versions(dataset.id)[0].number
        raise NotFound(
            "no_such_version",
            f"The test set '{name}' has no version {number[:20]}.",
            f"The newest is {newest}.",
        )
    return dataset, version


def find_prompt(tx: Transaction, name: str) -> PromptRecord:
    """The prompt of that name. Raises NotFound, with the nearest known name."""
    prompt = tx.prompts.by_name(name)
    if prompt is None:
        known = [p.name for p in tx.prompts.all()]
        raise NotFound("no_such_prompt", f"There is no prompt '{name[:80]}'.", nearest(name, known))
    return prompt


def find_version(tx: Transaction, prompt: PromptRecord, at: str) -> VersionRecord:
    """The version that a number or a label names. Raises NotFound."""
    if at.isdigit():
        version = tx.prompts.version_number(prompt.id, int(at))
        if version is None:
            raise NotFound("no_such_version", f"The prompt '{prompt.name}' has no version {at}.")
        return version
    head = tx.registry.label(prompt.id, at)
    if head.version_id is None:
        known = [label.label for label in tx.registry.labels(prompt.id)]
        hint = f"Labels that are set: {', '.join(known)}." if known else "No label is set yet; promote a version first."
        raise NotFound("no_such_label", f"Nothing of '{prompt.name}' is in '{at[:40]}'.", hint)
    return tx.prompts.version(head.version_id)
