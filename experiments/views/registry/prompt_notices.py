"""What is worth saying of prompts before they are sent: text that looks like a hole and is none."""

from __future__ import annotations

from collections.abc import Collection

from experiments.loading.find import find_experiment
from experiments.loading.registry.as_written import notices_of, prompt_lookalikes
from experiments.loading.runs.blueprint import load_blueprint
from experiments.prompts.content import PromptContent
from storage.store import Store


def experiment_notices(store: Store, name: str) -> tuple[str, ...]:
    """One sentence each, with the variant before it; empty when there is nothing to say. Raises NotFound."""
    with store.read() as tx:
        return notices_of(load_blueprint(tx, find_experiment(tx, name)))


def content_notices(content: PromptContent, *, names: Collection[str] | None = None) -> tuple[str, ...]:
    """The same for one prompt by itself; ``names`` are the columns that there are, None when that is not known yet."""
    return tuple(one.sentence() for one in prompt_lookalikes(content, names=names))
