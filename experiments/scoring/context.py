"""All that a scorer may know of one output."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.vocabulary import ResponseClass


@dataclass(frozen=True, slots=True)
class ScoringContext:
    """One output and where it came from; the sole positional argument of every scorer.

    ``variables`` are the values that filled the prompt, ``row`` all columns of the test-set row, ``messages`` what
    was sent. What was not measured is None; a blank ``reference`` counts as none. ``thinking_characters`` of reasoning
    stood before ``output`` and are no part of it.
    """

    output: str
    reference: str | None = None
    variables: Mapping[str, str | None] = field(default_factory=dict)
    row: Mapping[str, str | None] = field(default_factory=dict)
    messages: tuple[Mapping[str, Any], ...] = ()
    response_class: ResponseClass = ResponseClass.ANSWER
    finish_reason: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    first_token_ms: float | None = None
    thinking_characters: int = 0

    def sent_text(self, roles: Collection[str]) -> str:
        """The text of the sent messages with one of the roles, a blank line between them; "" when there are none."""
        texts = [_text_of(message.get("content")) for message in self.messages if message.get("role") in roles]
        return "\n\n".join(text for text in texts if text)


def _text_of(content: object) -> str:
    """The text of a message's content, which is a text, a list of parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""
