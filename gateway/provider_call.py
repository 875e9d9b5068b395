"""One call to a provider on behalf of a caller: its bytes to pass on, and its record.

Two ways lead there. A plain OpenAI-compatible endpoint gets the request over a shared aiohttp session and its bytes
are passed on as they come; every other provider, and the demo models, are asked through ``experiments.completions``.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from experiments.completions import Completions
from experiments.plans.pricing import PriceBook
from experiments.vocabulary import Completion, CostStatus, Failure, Request, new_id
from gateway.chat_request import ChatAsk
from gateway.openai_errors import ChatError, bad_request, of_failure

MOST_ANSWERS_BY_DOOR = 8
CHUNKS_AHEAD = 64
DONE_EVENT = b"data: [DONE]\n\n"
JSON_TYPE, STREAM_TYPE = "application/json", "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The caller closed the connection before the answer was complete: neither an answer of the variant nor a failure.

    ``text`` is what had come until then, ``sent`` whether the request had left at all. Providers may go on and charge.
    """

    text: str
    latency_ms: float
    first_token_ms: float | None = None
    sent: bool = True


Outcome = Completion | Failure | Abandoned


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent: the model as litellm names it, all messages, all settings."""

    model: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any]
    ask: ChatAsk

    def request(self) -> Request:
        """The same as a request of the completions door."""
        return Request(self.model, self.messages, self.parameters)


class ProviderCall(Protocol):
    """A call under way. ``start`` first; then ``body`` or ``chunks``; ``aclose`` always."""

    content_type: str
    headers: Mapping[str, str]

    async def start(self) -> ChatError | None:
        """Sends the request and waits for the answer, or for the first piece of a stream; why there is none."""

    def body(self) -> bytes | None:
        """The whole answer, or None when it comes as a stream."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The rest of a stream, piece by piece, each to be sent at once."""

    def outcome(self) -> Outcome:
        """The record of the call so far."""

    async def aclose(self) -> None:
        """Ends the call and gives its connection back, whatever state it is in."""


class DoorCall:
    """A call through the completions door: demo models, and the providers that litellm speaks to."""

    def __init__(
        self, completions: Completions, wanted: Wanted, *, deadline_s: float, prices: PriceBook | None = None
    ) -> None:
        self._prices = prices
        self._completions = completions
        self._wanted = wanted
        self._deadline_s = deadline_s
        self._started = time.perf_counter()
        self._id = f"chatcmpl-{new_id()}"
        self._created = int(time.time())
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS_AHEAD)
        self._first: bytes | None = None
        self._first_ms: float | None = None
        self._said = io.StringIO()
        self._task: asyncio.Task[list[Outcome]] | None = None
        self._outcomes: list[Outcome] = []
        self._body: bytes | None = None
        self.content_type = STREAM_TYPE if wanted.ask.stream else JSON_TYPE
        self.headers: Mapping[str, str] = {}

    async def start(self) -> ChatError | None:
        """Sends the request; see ``ProviderCall``."""
        ask = self._wanted.ask
        if ask.answers > MOST_ANSWERS_BY_DOOR:
            return bad_request(f"'n' is at most {MOST_ANSWERS_BY_DOOR} for this model.", param="n")
        self._task = asyncio.create_task(self._ask_all())
        if ask.stream:
            self._first = await self._queue.get()
            if self._first is not None:
                return None
        self._outcomes = await self._task
        failure = next((o for o in self._outcomes if isinstance(o, Failure)), None)
        if failure is not None:
            return _error_of(failure)
        self._body = b"" if ask.stream else json.dumps(self._completion_body()).encode()
        return None

    def body(self) -> bytes | None:
        """The whole answer, or None when it comes as a stream."""
        return None if self._wanted.ask.stream else self._body

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of the stream; an error ends it as an event."""
        piece = self._first
        while piece is not None:
            yield piece
            piece = await self._queue.get()
        assert self._task is not None
        self._outcomes = await self._task
        failure = next((o for o in self._outcomes if isinstance(o, Failure)), None)
        if failure is not None:
            yield b"data: " + _error_of(failure).body() + b"\n\n"
            return
        if self._wanted.ask.wants_usage:
            yield self._event({"choices": [], "usage": _usage(self._completions_made())})
        yield DONE_EVENT

    def outcome(self) -> Outcome:
        """The record of the call so far."""
        if not self._outcomes:
            return Abandoned(self._said.getvalue(), (time.perf_counter() - self._started) * 1000, self._first_ms)
        failure = next((o for o in self._outcomes if isinstance(o, Failure)), None)
        return failure or _together(self._completions_made())

    async def aclose(self) -> None:
        """Ends the call and gives back what it holds."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask_all(self) -> list[Outcome]:
        try:
            return list(await asyncio.gather(*(self._ask_one(i) for i in range(self._wanted.ask.answers))))
        finally:
            task = asyncio.current_task()
            if self._wanted.ask.stream and not (task and task.cancelling()):
                await self._queue.put(None)

    async def _ask_one(self, index: int) -> Outcome:
        request, streams = self._wanted.request(), self._wanted.ask.stream
        if streams:
            request = replace(request, parameters={**request.parameters, "stream": True})
        said = False

        async def pass_on(chunk: Mapping[str, Any]) -> None:
            nonlocal said
            choices = [{**choice, "index": index} for choice in chunk.get("choices") or []]
            if choices:
                said = True
                self._note(choices)
                await self._queue.put(self._event({"choices": choices, "model": chunk.get("model")}))

        outcome = await self._completions.attempt(
            request,
            deadline_s=self._deadline_s,
            sample=index,
            prices=self._prices,
            pass_on=pass_on if streams else None,
        )
        if streams and not said and isinstance(outcome, Completion):
            # the provider answered in one piece after all
            message = _message(outcome)
            choice = {"index": index, "delta": message, "finish_reason": outcome.finish_reason or "stop"}
            await self._queue.put(self._event({"choices": [choice]}))
        return outcome

    def _note(self, choices: Sequence[Mapping[str, Any]]) -> None:
        """What was passed on, for the books of a call that is abandoned."""
        if self._first_ms is None:
            self._first_ms = (time.perf_counter() - self._started) * 1000
        for choice in choices:
            delta = choice.get("delta")
            text = delta.get("content") if isinstance(delta, Mapping) else None
            self._said.write(text if isinstance(text, str) else "")

    def _event(self, part: Mapping[str, Any]) -> bytes:
        event = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            **part,
            "model": part.get("model") or self._wanted.model,
        }
        return b"data: " + self._completions.without_keys(json.dumps(event)).encode() + b"\n\n"

    def _completions_made(self) -> list[Completion]:
        return [outcome for outcome in self._outcomes if isinstance(outcome, Completion)]

    def _completion_body(self) -> dict[str, Any]:
        made = self._completions_made()
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": made[0].served_model or self._wanted.model,
            "choices": [
                {
                    "index": i,
                    "message": _message(completion),
                    "logprobs": None,
                    "finish_reason": completion.finish_reason or "stop",
                }
                for i, completion in enumerate(made)
            ],
            "usage": _usage(made),
        }


def _error_of(failure: Failure) -> ChatError:
    return of_failure(failure, b"", str)


def _message(completion: Completion) -> dict[str, Any]:
    calls = [dict(call) for call in completion.tool_calls]
    message: dict[str, Any] = {"role": "assistant", "content": completion.text or (None if calls else "")}
    if calls:
        message["tool_calls"] = calls
    return message


def _usage(made: list[Completion]) -> dict[str, Any]:
    prompt = sum(c.usage.prompt_tokens or 0 for c in made)
    completion = sum(c.usage.completion_tokens or 0 for c in made)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _together(made: list[Completion]) -> Completion:
    """Several answers to one request as one record: the first answer's text, everybody's tokens and cost."""
    first = made[0]
    if len(made) == 1:
        return first
    costs = [c.cost_usd for c in made]
    known = None if any(c is None for c in costs) else sum(c for c in costs if c is not None)
    usage = replace(
        first.usage,
        prompt_tokens=sum(c.usage.prompt_tokens or 0 for c in made),
        completion_tokens=sum(c.usage.completion_tokens or 0 for c in made),
    )
    return replace(
        first,
        usage=usage,
        cost_usd=known,
        cost_status=CostStatus.UNKNOWN if known is None else first.cost_status,
        latency_ms=max(c.latency_ms for c in made),
    )
