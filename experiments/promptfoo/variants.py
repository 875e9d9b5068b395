"""Prompts × providers → the variants of an experiment, each with a plain name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from experiments.datasets.plain_names import nearest_plain_name
from experiments.experiment_file import PROMPT_REFERENCE
from experiments.promptfoo.findings import Findings, Place
from experiments.promptfoo.prompts import FoundPrompt
from experiments.promptfoo.providers import FoundProvider


def variants_of(
    prompts: Sequence[FoundPrompt], providers: Sequence[FoundProvider], place: Place, findings: Findings
) -> list[dict[str, Any]]:
    """The ``variants:`` of the experiment file, prompt by prompt; a provider may want only some prompts."""
    labels = _labels(prompts)
    for index, provider in enumerate(providers):
        for wanted in provider.prompt_labels or ():
            if wanted not in labels:
                findings.refuse(place.at(index, "prompts"), f"the prompt {wanted!r}, which has no such label")
    variants: list[dict[str, Any]] = []
    for prompt, label in zip(prompts, labels, strict=True):
        for provider in providers:
            if provider.prompt_labels is not None and label not in provider.prompt_labels:
                continue
            name = _name(label if len(prompts) > 1 else "", provider.label if len(providers) > 1 else "")
            taken = [variant["name"] for variant in variants]
            variants.append({"name": _free(name or label, taken), **_prompt(prompt), "model": provider.model})
            if provider.parameters:
                variants[-1]["parameters"] = provider.parameters
    return variants


def _labels(prompts: Sequence[FoundPrompt]) -> list[str]:
    letters = [*ascii_uppercase, *(f"P{number}" for number in range(27, len(prompts) + 1))]
    return [prompt.label or letters[index] for index, prompt in enumerate(prompts)]


def _name(prompt: str, provider: str) -> str:
    return " - ".join(part for part in (prompt[:58], provider[:58]) if part)


def _free(wanted: str, taken: Sequence[str]) -> str:
    name = nearest_plain_name(wanted, otherwise="variant")
    return next(free for n in range(1, len(taken) + 2) if (free := name if n == 1 else f"{name} {n}") not in taken)


def _prompt(prompt: FoundPrompt) -> dict[str, Any]:
    if prompt.text is not None and not PROMPT_REFERENCE.match(prompt.text):
        return {"prompt": prompt.text}
    messages = prompt.messages if prompt.text is None else (("user", prompt.text),)
    return {"messages": [{"role": role, "content": content} for role, content in messages]}
