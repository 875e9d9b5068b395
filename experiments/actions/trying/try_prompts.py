"""Queue a try: both variants of a prompt, filled in with one real row, answered by the worker."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.actions.authorise import authorise
from experiments.completions.parameters import check_parameters
from experiments.permissions import Operation
from experiments.prompts.content import PromptContent
from experiments.prompts.rendering import render
from experiments.vocabulary import Actor, new_id
from storage.store import Store


def try_prompts(
    store: Store, contents: Mapping[str, PromptContent], values: Mapping[str, str | None], *, actor: Actor
) -> str:
    """The id of the queued batch; ``contents`` maps a letter to a prompt, ``values`` a variable to its text.

    Raises:
        BakeoffError: ``missing_variable`` or ``refused_parameter`` before anything is queued; Forbidden.
    """
    authorise(store, actor, Operation.SPEND, "try")
    for letter, content in contents.items():
        check_parameters(content.parameters, of=f"prompt {letter}")
    requests = {letter: render(content, values) for letter, content in contents.items()}
    batch_id = new_id()
    with store.begin() as tx:
        for letter, request in requests.items():
            tx.previews.add(batch_id, letter, request.payload(), actor=actor.name, at=tx.clock())
    return batch_id
