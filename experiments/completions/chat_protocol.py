"""The OpenAI chat completions protocol: what is sent, and how whole answers and streamed ones are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from experiments.completions.answers import Answer, content_text, reported_usage
from experiments.completions.exchange import Exchange
from experiments.vocabulary import Request

DONE = b"[DONE]"
UNSENDABLE = "The request holds something that JSON cannot carry: half a surrogate pair, NaN, or no plain value."


class MalformedResponse(Exception):
    """A response that is no chat completion; the text says why, in words for the user."""


class ErrorInBody(Exception):
    """A response with status 200 whose body is an error after all."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__("error in body")
        self.body = body


def request_body(request: Request, model: str) -> dict[str, Any]:
    """The JSON body for a plain endpoint: ``extra_body`` is merged in, and a stream is asked to report its usage."""
    parameters = dict(request.parameters)
    extra = parameters.pop("extra_body", None) or {}
    body = {"model": model, "messages": [dict(m) for m in request.messages], **parameters, **extra}
    if body.get("stream"):
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body


def encoded(value: object) -> bytes | None:
    """A value as JSON in UTF-8, or None when JSON cannot carry it."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        return None


def parsed_object(raw: bytes, exchange: Exchange) -> dict[str, Any]:
    """The JSON object of a response body; bytes that are no UTF-8 are replaced, and the exchange notes it.

    Raises:
        MalformedResponse: the body is empty, no JSON, or no object.
    """
    if not raw.strip():
        raise MalformedResponse("The response is empty.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text, exchange.repaired = raw.decode("utf-8", "replace"), True
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedResponse("The response is not JSON.") from None
    if not isinstance(value, dict):
        raise MalformedResponse("The response is JSON, but no object.")
    return value


def answer_of(body: Mapping[str, Any], *, request_id: str | None) -> Answer:
    """The answer in a chat completion body.

    Raises:
        MalformedResponse: without a well-formed first choice.
        ErrorInBody: the body is an error.
    """
    if "choices" not in body and body.get("error"):
        raise ErrorInBody(body)
    choice = first_choice(body)
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise MalformedResponse("The response's first choice has no message.")
    text = content_text(message.get("content"))
    if text is None:
        raise MalformedResponse("The message's content is no text.")
    return Answer(
        text=text,
        finish_reason=_text(choice.get("finish_reason")),
        refusal=_text(message.get("refusal")),
        tool_calls=tool_calls_of(message),
        usage=reported_usage(body.get("usage")),
        served_model=_text(body.get("model")),
        provider_request_id=request_id or _text(body.get("id")),
    )


def event_data(lines: bytes) -> Iterator[bytes]:
    """The data of each server-sent event in whole lines; the last is ``DONE`` where the stream was finished."""
    for line in lines.split(b"\n"):
        data = line.strip()
        if data.startswith(b"data:"):
            yield data[5:].strip()


def first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of a completion or a chunk. Raises MalformedResponse without one."""
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise MalformedResponse("The response has no choices.")
    return choices[0]


def tool_calls_of(message: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The tool calls of a message as plain values; an empty tuple without any."""
    calls = message.get("tool_calls")
    return tuple(call for call in calls if isinstance(call, Mapping)) if isinstance(calls, list) else ()


class StreamedAnswer:
    """Assembles the chunks of a stream. Whoever passes a stream on forwards each chunk before adding it here."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish_reason: str | None = None
        self._usage: object = None
        self._model: str | None = None
        self._id: str | None = None
        self._is_done = False

    def add(self, chunk: Mapping[str, Any]) -> bool:
        """Whether the chunk brought something of the answer (text, refusal or tool call).

        Raises:
            ErrorInBody: the chunk is an error.
        """
        if chunk.get("error"):
            raise ErrorInBody(chunk)
        self._model = self._model or _text(chunk.get("model"))
        self._id = self._id or _text(chunk.get("id"))
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            return False
        choice = choices[0]
        self._finish_reason = _text(choice.get("finish_reason")) or self._finish_reason
        delta = choice.get("delta")
        return self._add_delta(delta) if isinstance(delta, Mapping) else False

    def finish(self) -> None:
        """Notes that the server said it was done; some never say why."""
        self._is_done = True

    def text_so_far(self) -> str:
        """What has come of the answer: its text, refusal and the arguments of its tool calls."""
        arguments = (str((call.get("function") or {}).get("arguments") or "") for call in self._calls.values())
        return "".join([*self._text, *self._refusal, *arguments])

    def answer(self, *, request_id: str | None, first_token_ms: float | None) -> Answer:
        """The whole answer. Raises MalformedResponse when the stream ended before it was finished."""
        if self._finish_reason is None and not (self._is_done and self._has_content()):
            raise MalformedResponse("The stream ended before the answer was finished.")
        return Answer(
            text="".join(self._text),
            finish_reason=self._finish_reason,
            refusal="".join(self._refusal) or None,
            tool_calls=tuple(self._calls[i] for i in sorted(self._calls)),
            usage=reported_usage(self._usage),
            served_model=self._model,
            provider_request_id=request_id or self._id,
            first_token_ms=first_token_ms,
        )

    def _has_content(self) -> bool:
        return bool(self._text or self._refusal or self._calls)

    def _add_delta(self, delta: Mapping[str, Any]) -> bool:
        text, refusal = content_text(delta.get("content")) or "", _text(delta.get("refusal")) or ""
        if text:
            self._text.append(text)
        if refusal:
            self._refusal.append(refusal)
        pieces = tool_calls_of(delta)
        for position, piece in enumerate(pieces):
            self._add_call(piece, position)
        return bool(text or refusal or pieces)

    def _add_call(self, piece: Mapping[str, Any], position: int) -> None:
        index = piece.get("index")
        call = self._calls.setdefault(
            index if isinstance(index, int) else position,
            {"id": None, "type": "function", "function": {"name": "", "arguments": ""}},
        )
        call["id"] = _text(piece.get("id")) or call["id"]
        function = piece.get("function")
        if isinstance(function, Mapping):
            call["function"]["name"] += _text(function.get("name")) or ""
            call["function"]["arguments"] += _text(function.get("arguments")) or ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
