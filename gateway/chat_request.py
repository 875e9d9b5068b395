"""What a chat request asks for: a prompt, an experiment or a model by name; and what is sent for it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.live.units import is_blank
from experiments.plain_text import is_storable
from experiments.storable import sanitised_text
from gateway.openai_errors import bad_request

PROMPT, EXPERIMENT = "prompt:", "experiment:"
OURS = frozenset({"model", "messages", "user", "variables", "metadata", "stream", "stream_options", "n"})
LONGEST_UNIT = 512
MOST_ANSWERS = 128

Context = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class ChatAsk:
    """A parsed request.

    ``parameters`` are the caller's settings except ``OURS``. ``unit`` is ``user``, or ``safety_identifier`` where there
    is no ``user``, or None. ``context`` holds the plain values of ``metadata``, for targeting. ``body`` is the whole
    request as it came.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    unit: str | None
    variables: Mapping[str, str]
    context: Context
    parameters: Mapping[str, Any]
    stream: bool
    wants_usage: bool
    answers: int
    body: dict[str, Any]

    @property
    def prompt(self) -> tuple[str, str] | None:
        """Name and label or version of the prompt that is asked for, or None."""
        if not self.model.startswith(PROMPT):
            return None
        name, _, at = self.model.removeprefix(PROMPT).partition("@")
        return name, at

    @property
    def experiment(self) -> str | None:
        """Key of the experiment that is asked for, or None."""
        return self.model.removeprefix(EXPERIMENT) if self.model.startswith(EXPERIMENT) else None


def parse_ask(raw: bytes) -> ChatAsk:
    """The request in a body.

    Raises:
        ChatError: 400, naming the part that is at fault.
    """
    body = _object(raw)
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise bad_request("The request names no model.", param="model")
    metadata, options = _inner_object(body, "metadata"), _inner_object(body, "stream_options")
    stream, answers = _given(body, "stream", False), _given(body, "n", 1)
    if not isinstance(stream, bool):
        raise bad_request("'stream' must be true or false.", param="stream")
    if isinstance(answers, bool) or not isinstance(answers, int) or not 1 <= answers <= MOST_ANSWERS:
        raise bad_request(f"'n' must be a number from 1 to {MOST_ANSWERS}.", param="n")
    return ChatAsk(
        model=model.strip(),
        messages=_messages(body.get("messages")),
        unit=_unit(body, "user") or _unit(body, "safety_identifier"),
        variables=_variables(body, metadata),
        context={k: v for k, v in metadata.items() if k != "variables" and isinstance(v, str | int | float)},
        parameters={k: v for k, v in body.items() if k not in OURS},
        stream=stream,
        wants_usage=bool(options.get("include_usage")),
        answers=answers,
        body=body,
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_float=_finite, parse_constant=_finite)
    except NotFiniteError:
        message = "The body holds a number that is not finite, which is not JSON."
        raise bad_request(message, code="invalid_json") from None
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON.", code="invalid_json") from None
    if not isinstance(body, dict):
        raise bad_request("The body is JSON, but no object.", code="invalid_json")
    return body


class NotFiniteError(Exception):
    """A number that no provider could be sent."""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotFiniteError
    return number


def _given(body: Mapping[str, Any], name: str, default: object) -> object:
    value = body.get(name)
    return default if value is None else value


def _inner_object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = _given(body, name, {})
    if not isinstance(value, dict):
        raise bad_request(f"'{name}' must be an object.", param=name)
    return value


def _messages(value: object) -> tuple[Mapping[str, Any], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in value):
        raise bad_request("'messages' must be a list of messages with a role each.", param="messages")
    return tuple(value)


def _unit(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_UNIT or not is_storable(value):
        raise bad_request(f"'{name}' must be a text of at most {LONGEST_UNIT} characters.", param=name)
    if is_blank(value):
        raise bad_request(f"'{name}' is blank: name the user, or leave it out.", param=name)
    return value


def _variables(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, str]:
    """Variables of the body, over those in ``metadata`` (there also as JSON text: OpenAI's clients type it so)."""
    inner = metadata.get("variables")
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except ValueError:
            raise bad_request("'metadata.variables' is not JSON.", param="metadata.variables") from None
    found: dict[str, str] = {}
    for place, given in (("metadata.variables", inner), ("variables", body.get("variables"))):
        if given is None:
            continue
        if not isinstance(given, dict):
            raise bad_request(f"'{place}' must be an object: variable → value.", param=place)
        found |= {str(name): _text(value) for name, value in given.items() if value is not None}
    for name, value in found.items():
        if not is_storable(name) or not is_storable(value):
            told = f"The variable '{sanitised_text(name)[:64]}' holds a character that cannot be stored."
            raise bad_request(told, param="variables")
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
