"""Prompt text with ``{{variables}}``: what a version is, which holes it has, and how two versions differ.

Templates are logic-free and filled in one pass: a value is never read as a template again, braces that name no
variable stay as they are. (A template language can loop without end and, in the wrong hands, run code.)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import BakeoffError
from experiments.plain_text import check_text, check_texts
from experiments.vocabulary import canonical_json, content_hash

VARIABLE = re.compile(r"\{\{[ \t]*([^\W\d](?: ?(?:[A-Za-z0-9_.-]|[^\x00-\x7f\s\ud800-\udfff])){0,119})[ \t]*\}\}")
"""A hole and its name: a letter of any script or ``_``, then letters, digits, dots, dashes, and single spaces.

What is not ASCII counts as a letter after the first one: vowel signs and joiners are no ``\\w``, but belong to words.
"""
PROMPT_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")
LABEL_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
ROLES = ("system", "developer", "user", "assistant")
MAX_CHARACTERS = 1_000_000
MOST_COMPARISONS = 25_000_000
LEAST_LIKENESS = 0.3
_TOKEN = re.compile(r"\{\{[^{}\n]{1,80}\}\}|\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat prompt; ``content`` may hold variables."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class PromptContent:
    """What a prompt version is, whole: two contents with the same hash are the same version.

    ``kind`` is ``text`` (one user message, edited as plain text) or ``chat``.
    """

    kind: Literal["text", "chat"]
    messages: tuple[Message, ...]
    model: str
    parameters: Mapping[str, Any]

    def hash(self) -> str:
        """SHA-256 over kind, messages, model and parameters."""
        return content_hash(
            {
                "kind": self.kind,
                "messages": [[m.role, m.content] for m in self.messages],
                "model": self.model,
                "parameters": dict(self.parameters),
            }
        )

    def variables(self) -> tuple[str, ...]:
        """Names of the holes in the order they first appear."""
        return variables_of(m.content for m in self.messages)

    def as_text(self) -> str:
        """The prompt as one readable text: the bare text, or each message under its role."""
        if self.kind == "text":
            return self.messages[0].content
        return "\n\n".join(f"[{m.role}]\n{m.content}" for m in self.messages)


def text_prompt(text: str, *, model: str, parameters: Mapping[str, Any] | None = None) -> PromptContent:
    """A prompt of one user message. Raises BakeoffError when it is empty or too long."""
    return chat_prompt([Message("user", text)], model=model, parameters=parameters, kind="text")


def chat_prompt(
    messages: Sequence[Message],
    *,
    model: str,
    parameters: Mapping[str, Any] | None = None,
    kind: Literal["text", "chat"] = "chat",
) -> PromptContent:
    """A checked prompt of several messages.

    Raises:
        BakeoffError: ``empty_prompt``, ``bad_character``, ``unknown_role``, ``too_large``, ``no_model`` or
            ``bad_parameters``.
    """
    if not messages or not any(m.content.strip() for m in messages):
        raise BakeoffError("empty_prompt", "The prompt is empty.", "Write at least one line.")
    for message in messages:
        check_text(message.content, what="The prompt")
        if message.role not in ROLES:
            raise BakeoffError(
                "unknown_role", f"{message.role!r} is no message role.", f"Use one of {', '.join(ROLES)}."
            )
    length = sum(len(m.content) for m in messages)
    if length > MAX_CHARACTERS:
        raise BakeoffError(
            "too_large",
            f"The prompt has {length:,} characters (about {length // 4:,} tokens).",
            f"At most {MAX_CHARACTERS:,} are allowed.",
        )
    if not model.strip():
        raise BakeoffError("no_model", "The prompt names no model.", "Choose one, for example demo/small.")
    parameters = dict(parameters or {})
    try:
        check_texts({"model": model, **parameters}, what="The settings of the prompt")
        canonical_json(parameters)
    except (TypeError, ValueError):
        raise BakeoffError(
            "bad_parameters", "The parameters are not plain JSON values.", "Use numbers, texts, lists and objects."
        ) from None
    return PromptContent(kind, tuple(messages), model.strip(), parameters)


def variables_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Variable names in the texts, each once, in order of first appearance."""
    return tuple(dict.fromkeys(name for text in texts for name in VARIABLE.findall(text)))


def check_prompt_name(name: str) -> str:
    """The name itself. Raises BakeoffError unless it can stand in an address: letters, digits, dots, dashes, `_`."""
    if not PROMPT_NAME.fullmatch(name):
        raise BakeoffError(
            "bad_name",
            f"{name[:60]!r} cannot name a prompt.",
            "Use letters, digits, dots, dashes and underscores; no spaces.",
        )
    return name


def check_label_name(label: str) -> str:
    """The label itself. Raises BakeoffError unless it is a short lower-case word."""
    if not LABEL_NAME.fullmatch(label):
        raise BakeoffError(
            "bad_label", f"{label[:60]!r} cannot be a label.", "Use lower-case letters, digits and dashes."
        )
    return label


def name_from(text: str) -> str:
    """A prompt name made from any text: spaces become dashes, the rest of the odd characters go."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text.strip()).strip("-.")[:120]
    return name or "prompt"


# --- differences -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A stretch of two texts: ``same`` in both, ``removed`` (only in the first) or ``added`` (only in the second)."""

    kind: Literal["same", "removed", "added"]
    text: str


def word_diff(before: str, after: str) -> tuple[DiffPart, ...]:
    """What changed word by word, variables kept whole; empty for two empty texts.

    Two texts that share little are shown as one removed and one added block: a diff of unlike texts is confetti.
    """
    if before == after:
        return (DiffPart("same", before),) if before else ()
    first, second = _TOKEN.findall(before), _TOKEN.findall(after)
    if len(first) * len(second) > MOST_COMPARISONS or _likeness(first, second) < LEAST_LIKENESS:
        return tuple(part for part in (DiffPart("removed", before), DiffPart("added", after)) if part.text)
    parts: list[DiffPart] = []
    for same, i1, i2, j1, j2 in _stretches(first, second):
        if same:
            parts.append(DiffPart("same", "".join(first[i1:i2])))
            continue
        if i2 > i1:
            parts.append(DiffPart("removed", "".join(first[i1:i2])))
        if j2 > j1:
            parts.append(DiffPart("added", "".join(second[j1:j2])))
    return tuple(parts)


def _stretches(first: Sequence[str], second: Sequence[str]) -> list[tuple[bool, int, int, int, int]]:
    """(same, begin and end in the first, begin and end in the second); a lone space between two changes is changed."""
    found: list[tuple[bool, int, int, int, int]] = []
    operations = difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    for number, (operation, i1, i2, j1, j2) in enumerate(operations):
        same = operation == "equal"
        inside = 0 < number < len(operations) - 1
        if same and inside and all(token.isspace() and "\n" not in token for token in first[i1:i2]):
            same = False
        if found and not same and not found[-1][0]:
            found[-1] = (False, found[-1][1], i2, found[-1][3], j2)
        else:
            found.append((same, i1, i2, j1, j2))
    return found


def _likeness(first: Sequence[str], second: Sequence[str]) -> float:
    """Share of the words that two texts have in common in the same order, spaces not counted."""
    before, after = ([token for token in tokens if not token.isspace()] for tokens in (first, second))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= LEAST_LIKENESS else 0.0


def settings_changes(before: PromptContent, after: PromptContent) -> tuple[str, ...]:
    """One line for each setting (model, parameter) that differs; empty when only the wording does."""
    lines = []
    if before.model != after.model:
        lines.append(f"model: {before.model} → {after.model}")
    for key in sorted({*before.parameters, *after.parameters}):
        old, new = before.parameters.get(key), after.parameters.get(key)
        if old != new:
            lines.append(f"{key}: {_shown(old)} → {_shown(new)}")
    return tuple(lines)


def _shown(value: object) -> str:
    return "not set" if value is None else canonical_json(value)


def content_of(
    kind: str, messages: Sequence[Mapping[str, str]], model: str, parameters: Mapping[str, Any]
) -> PromptContent:
    """The content that stored columns describe (they were checked when they were saved)."""
    return PromptContent(
        "text" if kind == "text" else "chat",
        tuple(Message(m["role"], m["content"]) for m in messages),
        model,
        dict(parameters),
    )
