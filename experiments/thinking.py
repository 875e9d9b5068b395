"""Reasoning that a model writes out before its answer, as ``<think>…</think>``, apart from the answer itself."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"\s*<(think|thinking|thought|reasoning)>(?P<thought>.*?)</\1>", re.DOTALL | re.IGNORECASE)
_UNFINISHED = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_END = re.compile(r"</think>", re.IGNORECASE)
"""Some chat templates put the opening mark into the prompt, so that the answer holds the closing one alone."""


def split_thinking(text: str) -> tuple[str, str]:
    """(answer, reasoning) of a model's text; the reasoning is "" and the answer the very text where there is none.

    Only blocks at the beginning count: one further down is something the answer speaks of. A block that is never closed
    was cut at the token limit, so there is no answer.
    """
    if "<" not in text:
        return text, ""
    end, thoughts = 0, []
    while block := _BLOCK.match(text, end):
        thoughts.append(block["thought"])
        end = block.end()
    if thoughts:
        return text[end:].lstrip(), "\n".join(thoughts).strip()
    if _UNFINISHED.match(text):
        return "", _UNFINISHED.sub("", text, count=1).strip()
    closing = _END.search(text)
    if closing and "<think>" not in text[: closing.start()].lower():
        return text[closing.end() :].lstrip(), text[: closing.start()].strip()
    return text, ""


def without_thinking(text: str) -> str:
    """The answer of a model's text without the reasoning that it begins with."""
    return split_thinking(text)[0]
