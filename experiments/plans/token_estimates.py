"""Token counts where no provider has counted: before a request is sent, and for answers that report no usage.

The rule is one token for every four bytes of UTF-8. For English text that is the providers' own rule of thumb
(about four characters a token); an accented or Cyrillic letter then weighs half a token, a Chinese character
three quarters, an emoji one. It is meant for budgets and projections, and whatever is computed from it is
marked estimated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from experiments.vocabulary import Request, Usage

BYTES_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
TOKENS_PER_REPLY = 3
DEFAULT_COMPLETION_TOKENS = 500
"""Assumed length of an answer when neither a limit nor an observed mean is there."""


def text_tokens(text: str) -> int:
    """Estimated tokens of a text, at least 0; the empty text has none."""
    length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-length // BYTES_PER_TOKEN)


def prompt_tokens(request: Request) -> int:
    """Estimated tokens of everything that a request sends: messages, roles, tools and the answer's format."""
    parameters = request.parameters
    total = TOKENS_PER_REPLY
    for message in request.messages:
        total += TOKENS_PER_MESSAGE + text_tokens(_content_text(message))
    for name in ("tools", "functions", "response_format"):
        if parameters.get(name):
            total += text_tokens(json.dumps(parameters[name], ensure_ascii=False))
    return total


def completion_limit(request: Request) -> int | None:
    """The most tokens that the answer may have, as the request says, or None without a limit."""
    for name in ("max_completion_tokens", "max_tokens"):
        limit = request.parameters.get(name)
        if isinstance(limit, int) and limit > 0:
            return limit
    return None


def projected_usage(request: Request, *, mean_completion_tokens: float | None = None) -> Usage:
    """Tokens that a request will probably use, before it is sent.

    The answer's length is ``mean_completion_tokens`` (the mean of the answers seen so far) where there is
    one, never above the request's own limit; else that limit; else ``DEFAULT_COMPLETION_TOKENS``. A vector has none.
    """
    if request.embeds:
        return Usage(prompt_tokens=prompt_tokens(request), completion_tokens=0)
    limit = completion_limit(request)
    if mean_completion_tokens is not None:
        expected = round(mean_completion_tokens)
        completion = expected if limit is None else min(expected, limit)
    else:
        completion = DEFAULT_COMPLETION_TOKENS if limit is None else limit
    return Usage(prompt_tokens=prompt_tokens(request), completion_tokens=completion)


def completed_usage(usage: Usage, request: Request, answer: str) -> tuple[Usage, bool]:
    """The reported usage with estimates in place of what is missing, and whether anything was."""
    if usage.prompt_tokens is not None and usage.completion_tokens is not None:
        return usage, False
    filled = Usage(
        prompt_tokens=prompt_tokens(request) if usage.prompt_tokens is None else usage.prompt_tokens,
        completion_tokens=text_tokens(answer) if usage.completion_tokens is None else usage.completion_tokens,
        cached_prompt_tokens=usage.cached_prompt_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )
    return filled, True


def _content_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "" if content is None else json.dumps(content, ensure_ascii=False)
