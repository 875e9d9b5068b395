"""What the callers of a prompt would notice of another version, whatever a test says: its variables and its model."""

from __future__ import annotations

from datetime import date

from experiments.loading.registry.as_written import prompt_lookalikes
from experiments.loading.runs.prices import installation_prices
from experiments.prompts.content import PromptContent, content_of
from storage.records import ExperimentRecord, VersionRecord
from storage.store import Transaction

SOON_DAYS = 90
"""A model that its provider withdraws within so many days is worth a word before it is served."""


def serving_cautions(tx: Transaction, candidate: VersionRecord, served: VersionRecord | None) -> tuple[str, ...]:
    """What speaks for a second look before ``candidate`` takes the place of ``served``; empty when nothing does.

    ``served`` None stands for nothing: then only the model counts.
    """
    after = _content(candidate)
    today = tx.clock().date()
    found = [model_caution(after.model, installation_prices(tx).retirement_date(after.model), today)]
    before = _content(served) if served is not None and served.id != candidate.id else None
    if before is not None:
        found.append(variables_caution(before, after))
    found.append(template_caution(before, after))
    return tuple(caution for caution in found if caution)


def live_cautions(tx: Transaction, experiment: ExperimentRecord) -> tuple[str, ...]:
    """The cautions of a live test before it starts, each variant against the control, with its name before each."""
    variants = [v for v in tx.experiments.variants(experiment.id) if v.prompt_version_id]
    versions = tx.prompts.versions_by_id(v.prompt_version_id for v in variants if v.prompt_version_id)
    control = versions[variants[0].prompt_version_id or ""] if variants else None
    return tuple(
        f"of {variant.name}, {caution}"
        for variant in variants
        for caution in serving_cautions(tx, versions[variant.prompt_version_id or ""], control)
    )


def variables_caution(before: PromptContent, after: PromptContent) -> str | None:
    """How the variables that callers must send change, or None when they stay the same."""
    had, has = before.variables(), after.variables()
    added = [name for name in has if name not in had]
    dropped = [name for name in had if name not in has]
    parts = []
    if added:
        parts.append(f"it asks for {_named(added)}, which callers do not send yet, so their requests would fail")
    if dropped:
        parts.append(f"it no longer uses {_named(dropped)}")
    return f"its variables differ from what is served now: {'; '.join(parts)}" if parts else None


def template_caution(before: PromptContent | None, after: PromptContent) -> str | None:
    """That a prompt holds another tool's form of one of its variables as text; None where that is nothing new."""
    known = {one.text for one in prompt_lookalikes(before)} if before is not None else set()
    new = [one for one in prompt_lookalikes(after) if one.certain and one.text not in known]
    return f"its text holds {new[0].text}, which is sent as it stands: only {{{{name}}}} is filled in" if new else None


def model_caution(model: str, retires: date | None, today: date) -> str | None:
    """That the model is withdrawn, or will be within ``SOON_DAYS``; None otherwise."""
    if retires is None or (retires - today).days > SOON_DAYS:
        return None
    if retires <= today:
        return f"its model {model} was withdrawn by its provider on {retires:%d %b %Y}"
    return f"its provider withdraws the model {model} on {retires:%d %b %Y}"


def _named(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _content(version: VersionRecord) -> PromptContent:
    return content_of(version.kind, version.messages, version.model, version.parameters)
