"""Which request parameters may be sent. Everything else is refused, because the name would reach the client library.

litellm takes its own settings through the same door as the model's: an experiment file with ``api_base``,
``mock_response`` or ``fallbacks`` among its parameters would send our key to another host, invent answers, or answer
with another model. What a server understands beyond this list goes into ``extra_body``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.errors import BakeoffError

ALLOWED_PARAMETERS = frozenset(
    {
        # the chat completions protocol
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        # common further sampling settings of providers and local servers
        "chat_template_kwargs",
        "guided_choice",
        "guided_json",
        "guided_regex",
        "keep_alive",
        "min_p",
        "num_ctx",
        "repetition_penalty",
        "safety_settings",
        "think",
        "thinking",
        "top_a",
        "top_k",
        "typical_p",
        "extra_body",
    }
)

RESERVED_IN_EXTRA_BODY = frozenset({"model", "messages", "stream", "stream_options", "n"})


LARGEST_NUMBER = 1e15
"""No setting of a model is larger; what is, was meant as something else, or cannot be sent."""


def check_parameters(parameters: Mapping[str, Any], *, of: str) -> None:
    """Nothing when these parameters may be sent; ``of`` names whose they are, for the message.

    Raises:
        BakeoffError: ``refused_parameter``.
    """
    refused = refused_parameter(parameters)
    if refused is not None:
        raise BakeoffError("refused_parameter", f"In {of}: {refused}", "Nothing was sent.")


def refused_parameter(parameters: Mapping[str, Any]) -> str | None:
    """Why these parameters may not be sent, in one sentence, or None when they may."""
    for name, value in parameters.items():
        if name == "n":
            return "The parameter 'n' may not be set; use 'repeats' for several answers to one row."
        if name not in ALLOWED_PARAMETERS:
            return (
                f"The parameter {str(name)[:60]!r} may not be set; put what only your server knows under 'extra_body'."
            )
        if _holds_odd_number(value):
            return f"The parameter {name!r} holds a number that cannot be sent: NaN, infinite, or beyond 1e15."
    extra = parameters.get("extra_body")
    if extra is None:
        return None
    if not isinstance(extra, Mapping):
        return "The parameter 'extra_body' must be an object."
    clash = sorted(RESERVED_IN_EXTRA_BODY & extra.keys())
    return f"'extra_body' may not hold {clash[0]!r}." if clash else None


def _holds_odd_number(value: object) -> bool:
    if isinstance(value, float):
        return not abs(value) <= LARGEST_NUMBER  # so written, NaN is odd too
    if isinstance(value, Mapping):
        return any(_holds_odd_number(part) for part in value.values())
    return isinstance(value, list | tuple) and any(_holds_odd_number(part) for part in value)
