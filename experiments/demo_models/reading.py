"""What a prompt asks for: the material it is about, and how the answer should be.

Nothing is understood here; the words are looked for that people use when they write prompts, in English and the most
usual ones in German, French and Spanish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.demo_models import cues
from experiments.demo_models.json_fields import Field, asked_fields
from experiments.demo_models.label_lists import asked_labels
from experiments.demo_models.languages import detected_language, requested_language
from experiments.demo_models.material import split_material


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """A prompt as the responder sees it.

    ``material`` is the text that the prompt is about, ``instructions`` the rest. ``most_words`` is None without a
    limit. ``language`` is the one asked for, None when none was named; ``same_language`` says that the language was
    mentioned all the same ("in the customer's language").
    """

    material: str
    instructions: str
    labels: tuple[str, ...]
    fields: tuple[Field, ...]
    json_enforced: bool
    bare_answer: bool
    nothing_else: bool
    step_by_step: bool
    brief: bool
    most_words: int | None
    language: str | None
    same_language: bool
    material_language: str
    next_step: bool
    apology: bool
    greeting: bool
    polite: bool
    closing: bool
    summary: bool
    reply: bool
    final_mark: str | None
    guidance: int


def read(messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> ReadPrompt:
    """The assignment in a list of chat messages; the last user message holds the material."""
    system = "\n".join(_text(m) for m in messages if m.get("role") in ("system", "developer"))
    users = [_text(m) for m in messages if m.get("role") == "user"]
    material, around = split_material(users[-1] if users else "", has_system=bool(system.strip()))
    instructions = f"{system}\n{around}".strip()
    fields, enforced = asked_fields(instructions, parameters)
    labels = asked_labels(instructions)

    def asks(cue: cues.Cue) -> bool:
        return cue.search(instructions) is not None

    return ReadPrompt(
        material=material,
        instructions=instructions,
        labels=labels,
        fields=fields,
        json_enforced=enforced,
        bare_answer=asks(cues.ONLY) and (bool(labels) or asks(cues.ANSWER_NOUN)),
        nothing_else=asks(cues.ONLY),
        step_by_step=asks(cues.STEP_BY_STEP),
        brief=asks(cues.BRIEF) or asks(cues.MOST_SENTENCES),
        most_words=cues.most_words(instructions),
        language=requested_language(instructions),
        same_language=asks(cues.LANGUAGE),
        material_language=detected_language(material),
        next_step=asks(cues.NEXT_STEP),
        apology=asks(cues.APOLOGY),
        greeting=asks(cues.GREETING),
        polite=asks(cues.POLITE),
        closing=asks(cues.CLOSING),
        summary=asks(cues.SUMMARY),
        reply=asks(cues.REPLY),
        final_mark=cues.final_mark(instructions),
        guidance=cues.guidance(instructions),
    )


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str))
    return ""
