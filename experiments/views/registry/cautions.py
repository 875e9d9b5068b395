"""What callers would notice of a step before it is taken: other variables, a model that its provider withdraws."""

from __future__ import annotations

from experiments.loading.find import find_experiment, find_prompt, find_version
from experiments.loading.registry.cautions import live_cautions, serving_cautions
from storage.store import Store


def version_cautions(store: Store, prompt: str, version: int, *, served: int | None) -> tuple[str, ...]:
    """The cautions of serving a version in the place of ``served`` (None: of nothing); empty when there are none.

    Raises:
        NotFound.
    """
    with store.read() as tx:
        record = find_prompt(tx, prompt)
        before = find_version(tx, record, str(served)) if served is not None else None
        return serving_cautions(tx, find_version(tx, record, str(version)), before)


def start_cautions(store: Store, experiment: str) -> tuple[str, ...]:
    """The cautions of starting a live test; empty when there are none. Raises NotFound."""
    with store.read() as tx:
        return live_cautions(tx, find_experiment(tx, experiment))
