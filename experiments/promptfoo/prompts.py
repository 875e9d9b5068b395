"""The ``prompts`` of a promptfoo configuration: texts, files, chats, and objects with a label."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from experiments.promptfoo.files import (
    DATA_ENDINGS,
    TEXT_ENDINGS,
    ReadFile,
    ending,
    file_reference,
    read_data,
    read_text,
    refuse_reference,
)
from experiments.promptfoo.findings import Findings, Place
from experiments.promptfoo.templates import plain_template

_ROLES = ("system", "developer", "user", "assistant")
_REMOTE = re.compile(r"(?:langfuse|portkey|helicone|https?|exec|python|huggingface|package):", re.IGNORECASE)
_SEPARATOR = re.compile(r"\n---[ \t]*\n")


@dataclass(frozen=True, slots=True)
class FoundPrompt:
    """One prompt: plain ``text``, or ``messages`` of (role, content) when the text is None."""

    label: str | None
    text: str | None
    messages: tuple[tuple[str, str], ...] = ()

    def contents(self) -> tuple[str, ...]:
        """The texts that may hold variables."""
        return (self.text,) if self.text is not None else tuple(content for _, content in self.messages)


def read_prompts(value: Any, place: Place, findings: Findings, read_file: ReadFile) -> list[FoundPrompt]:  # noqa: ANN401
    """All prompts in their order; what cannot be expressed is remembered in the findings."""
    if value is None:
        findings.refuse(place, "no prompts (promptfoo then sends {{prompt}} as it is)")
        return []
    if isinstance(value, dict):
        findings.refuse(place, "a mapping of files to labels; write a list of prompts")
        return []
    entries = value if isinstance(value, list) else [value]
    found = []
    for index, entry in enumerate(entries):
        at = place.at(index) if isinstance(value, list) else place
        if isinstance(entry, dict):
            found += _labelled(entry, at, findings, read_file)
        elif isinstance(entry, str):
            found += _from_text(entry, at, findings, read_file)
        else:
            findings.refuse(at, f"{entry!r}, which is no prompt")
    return found


def _labelled(entry: dict[str, Any], place: Place, findings: Findings, read_file: ReadFile) -> list[FoundPrompt]:
    for key in entry:
        if key not in ("id", "label", "raw", "display"):
            findings.refuse(place.at(key), f"the prompt setting '{key}'")
    source = entry.get("raw", entry.get("id"))
    if not isinstance(source, str):
        findings.refuse(place, "a prompt without text (neither 'raw' nor 'id')")
        return []
    label = entry.get("label", entry.get("display"))
    found = _from_text(source, place, findings, read_file)
    if not isinstance(label, str):
        return found
    return [replace(p, label=label if len(found) == 1 else f"{label} {n}") for n, p in enumerate(found, start=1)]


def _from_text(text: str, place: Place, findings: Findings, read_file: ReadFile) -> list[FoundPrompt]:
    if _REMOTE.match(text.strip()):
        findings.refuse(place, f"{text.strip().splitlines()[0][:80]}, a prompt that is kept or made elsewhere")
        return []
    path = file_reference(text)
    if path is None:
        return [_prompt(text, place, findings)]
    if refuse_reference(path, place, findings, allowed=(*TEXT_ENDINGS, *DATA_ENDINGS)):
        return []
    if ending(path) in DATA_ENDINGS:
        data = read_data(path, place, findings, read_file)
        return [] if data is None else [_chat(*data, findings)]
    content = read_text(path, place, findings, read_file)
    parts = [] if content is None else _SEPARATOR.split(content.replace("\r\n", "\n").strip())
    return [_prompt(part, replace(place, source=path), findings) for part in parts]


def _prompt(text: str, place: Place, findings: Findings) -> FoundPrompt:
    """A text; it is a chat when it is a JSON list of messages, as promptfoo decides too."""
    if text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list) and value and all(isinstance(m, dict) and "role" in m for m in value):
            return _chat(value, place, findings)
    return FoundPrompt(None, plain_template(text, place, findings))


def _chat(value: Any, place: Place, findings: Findings) -> FoundPrompt:  # noqa: ANN401
    if isinstance(value, str):
        return FoundPrompt(None, plain_template(value, place, findings))
    if not isinstance(value, list) or not value:
        findings.refuse(place, "a prompt file that holds no list of messages")
        return FoundPrompt(None, "")
    messages = []
    for index, message in enumerate(value):
        at = place.at(index)
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role not in _ROLES:
            findings.refuse(at, f"a message with the role {role!r}")
        elif not isinstance(content, str):
            findings.refuse(at.at("content"), "a message that is not plain text (pictures, tool calls)")
        else:
            for key in message.keys() - {"role", "content"}:
                findings.refuse(at.at(key), f"the message setting '{key}'")
            messages.append((role, plain_template(content, at, findings)))
    return FoundPrompt(None, None, tuple(messages))
