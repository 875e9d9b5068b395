"""From what an engine understood to the record that is kept: sanitised, classified, priced."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.plans.pricing import Price, cost_of_answer
from experiments.refusals import refusal_phrase
from experiments.storable import sanitised_text, storable
from experiments.thinking import without_thinking
from experiments.vocabulary import Completion, Request, ResponseClass, Usage

MOST_TOKENS = 10_000_000
"""No call uses more; a provider that reports it is not believed."""
FILTERED = frozenset({"content_filter", "safety", "recitation", "guardrail_intervened"})
NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer as an engine read it. ``latency_ms`` is set only where it is drawn instead of measured."""

    text: str
    finish_reason: str | None = None
    refusal: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    usage: Usage = NO_USAGE
    served_model: str | None = None
    provider_request_id: str | None = None
    first_token_ms: float | None = None
    latency_ms: float | None = None
    simulated: bool = False


def without_keys(answer: Answer, clean: Callable[[str], str]) -> Answer:
    """The answer itself, or one in which our own keys are replaced: an endpoint may send back what it was sent."""
    calls = json.dumps([dict(call) for call in answer.tool_calls], default=str) if answer.tool_calls else ""
    said = (answer.text, answer.refusal or "", calls)
    cleaned = tuple(clean(part) for part in said)
    if cleaned == said:
        return answer
    return replace(
        answer,
        text=cleaned[0],
        refusal=cleaned[1] or None,
        tool_calls=tuple(json.loads(cleaned[2])) if cleaned[2] != calls else answer.tool_calls,
    )


def completion_of(
    answer: Answer, request: Request, price: Price | None, *, latency_ms: float, repaired: bool = False
) -> Completion:
    """The record of an answer. NUL and lone surrogates become U+FFFD and ``sanitised`` says so.

    ``repaired`` says that bytes were replaced already when the response was decoded.
    """
    given = answer.text or answer.refusal or ""
    text = sanitised_text(given)
    tool_calls = tuple(storable(call) for call in answer.tool_calls)
    cost_usd, cost_status = cost_of_answer(request, answer.usage, text + _arguments(tool_calls), price)
    return Completion(
        text=text,
        response_class=response_class(answer, text, wants_json=wants_json(request.parameters)),
        finish_reason=_short(answer.finish_reason),
        served_model=_short(answer.served_model),
        usage=answer.usage,
        cost_usd=cost_usd,
        cost_status=cost_status,
        latency_ms=latency_ms if answer.latency_ms is None else answer.latency_ms,
        first_token_ms=answer.first_token_ms,
        tool_calls=tool_calls,
        provider_request_id=_short(answer.provider_request_id),
        sanitised=repaired or text is not given or tool_calls != answer.tool_calls,
        simulated=answer.simulated,
    )


def response_class(answer: Answer, text: str, *, wants_json: bool) -> ResponseClass:
    """How the model answered: what the provider says of it, before what our reading of the text says."""
    return _class_told(answer) or _class_read(text, wants_json=wants_json)


def _class_told(answer: Answer) -> ResponseClass | None:
    if answer.finish_reason in FILTERED:
        return ResponseClass.CONTENT_FILTER
    if answer.refusal:
        return ResponseClass.REFUSAL
    if answer.tool_calls:
        return ResponseClass.TOOL_CALL
    return ResponseClass.CUT_AT_LENGTH if answer.finish_reason == "length" else None


def _class_read(text: str, *, wants_json: bool) -> ResponseClass:
    text = without_thinking(text)
    if not text.strip():
        return ResponseClass.EMPTY
    if refusal_phrase(text):
        return ResponseClass.REFUSAL
    return ResponseClass.BAD_JSON if wants_json and not _is_json(text) else ResponseClass.ANSWER


def wants_json(parameters: Mapping[str, Any]) -> bool:
    """Whether ``response_format`` asks for JSON."""
    response_format = parameters.get("response_format")
    return isinstance(response_format, Mapping) and response_format.get("type") in ("json_object", "json_schema")


def reported_usage(usage: object) -> Usage:
    """The token counts of a chat completion's ``usage``; what is missing, negative or absurd is None.

    A prompt always has tokens, so a report of 0 prompt tokens is no report at all.
    """
    prompt = _count(_field(usage, "prompt_tokens"))
    completion = _count(_field(usage, "completion_tokens"))
    if not prompt:
        return Usage(completion_tokens=completion or None)
    cached = _count(_field(_field(usage, "prompt_tokens_details"), "cached_tokens"))
    reasoning = _count(_field(_field(usage, "completion_tokens_details"), "reasoning_tokens"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_prompt_tokens=_part(cached, prompt),
        reasoning_tokens=_part(reasoning, completion),
    )


def content_text(content: object) -> str | None:
    """The text of a message's content: a string, a list of parts, or nothing. None for any other type."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        parts = [_field(part, "text") for part in content]
        return "".join(part for part in parts if isinstance(part, str))
    return None


def _arguments(tool_calls: tuple[Mapping[str, Any], ...]) -> str:
    return "".join(str(_field(call.get("function"), "arguments") or "") for call in tool_calls)


def _field(holder: object, name: str) -> object:
    if isinstance(holder, Mapping):
        return holder.get(name)
    return getattr(holder, name, None)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


def _part(part: int | None, total: int | None) -> int | None:
    """A part that is not larger than what it is a part of, else None."""
    return part if part is not None and total is not None and part <= total else None


def _short(text: str | None) -> str | None:
    return sanitised_text(text)[:200] if isinstance(text, str) and text else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
