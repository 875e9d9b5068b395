"""Save prompts: new names, new immutable versions."""

from __future__ import annotations

from experiments.actions.authorise import authorise
from experiments.completions.parameters import check_parameters
from experiments.errors import Conflict
from experiments.permissions import Operation
from experiments.prompts.content import PromptContent, check_prompt_name
from experiments.vocabulary import Actor
from storage.records import PromptRecord, VersionRecord
from storage.store import Store, Transaction

MAX_NOTE = 500


def save_prompt(store: Store, name: str, content: PromptContent, *, actor: Actor, note: str = "") -> VersionRecord:
    """The version that holds this content: a new one, or the one that already does.

    Raises:
        BakeoffError: ``bad_name``, ``refused_parameter``; Forbidden.
    """
    authorise(store, actor, Operation.EDIT_PROMPT, f"prompt:{name}")
    with store.begin() as tx:
        return save_version(tx, name, content, actor=actor, note=note)


def save_version(tx: Transaction, name: str, content: PromptContent, *, actor: Actor, note: str = "") -> VersionRecord:
    """``save_prompt`` inside a transaction that does more."""
    check_prompt_name(name)
    check_parameters(content.parameters, of=f"the prompt '{name}'")
    now = tx.clock()
    prompt = tx.prompts.by_name(name) or _new_prompt(tx, name, actor)
    if prompt.archived_at is not None:
        raise Conflict("archived", f"The prompt '{name}' is archived.", "Choose another name.")
    known = tx.prompts.version_with_hash(prompt.id, content.hash())
    if known is not None:
        return known
    version = tx.prompts.add_version(
        prompt.id,
        content_hash=content.hash(),
        kind=content.kind,
        messages=[{"role": m.role, "content": m.content} for m in content.messages],
        model=content.model,
        parameters=content.parameters,
        note=note.strip()[:MAX_NOTE],
        actor=actor.name,
        at=now,
    )
    tx.audit.append(
        actor.name,
        "prompt_version_saved",
        f"prompt:{name}",
        {"version": version.number, "hash": version.content_hash},
    )
    return version


def _new_prompt(tx: Transaction, name: str, actor: Actor) -> PromptRecord:
    prompt = tx.prompts.add(name, actor=actor.name, at=tx.clock())
    tx.audit.append(actor.name, "prompt_created", f"prompt:{name}")
    return prompt
