"""The litellm engine: every provider that is no plain OpenAI-compatible endpoint.

litellm translates; what happened on the wire is taken from the guarded transport, because litellm's exceptions no
longer tell it. Only for providers that bypass that transport (a few cloud SDKs) its exception classes are all there is.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from experiments.completions.answers import Answer
from experiments.completions.chat_protocol import (
    DONE,
    UNSENDABLE,
    ErrorInBody,
    MalformedResponse,
    StreamedAnswer,
    answer_of,
    encoded,
    event_data,
    parsed_object,
)
from experiments.completions.embeddings_protocol import embedded_text, embedding_of
from experiments.completions.engine import Call
from experiments.completions.exchange import CONNECT_TIMEOUT_S, Exchange, current_exchange
from experiments.completions.failures import (
    RETRYABLE,
    Redact,
    broken_connection,
    error_inside_success,
    malformed,
    outcome_of_error,
    refused_before_sending,
)
from experiments.completions.litellm_setup import Litellm, litellm_module
from experiments.completions.providers import PLAIN_PROVIDERS, provider_of
from experiments.completions.settings import CompletionSettings
from experiments.vocabulary import Failure, FailureKind

LONGEST_CALL_S = 3600.0
"""litellm's own time limit, which is one per read; the deadline that counts is the door's."""
NO_KEY = "not-needed"
"""The client library refuses to start without a key, even where the server wants none."""
SERVED_MODEL = re.compile(rb'"model(?:Version)?"\s*:\s*"([^"\\]{1,200})"')

KINDS_BY_EXCEPTION: Mapping[str, FailureKind] = {
    "ContextWindowExceededError": FailureKind.CONTEXT_LENGTH,
    "RateLimitError": FailureKind.RATE_LIMIT,
    "AuthenticationError": FailureKind.AUTH,
    "PermissionDeniedError": FailureKind.AUTH,
    "NotFoundError": FailureKind.MODEL_NOT_FOUND,
    "Timeout": FailureKind.TIMEOUT,
    "APIConnectionError": FailureKind.CONNECTION,
    "ServiceUnavailableError": FailureKind.SERVER_ERROR,
    "InternalServerError": FailureKind.SERVER_ERROR,
    "BadGatewayError": FailureKind.SERVER_ERROR,
    "MidStreamFallbackError": FailureKind.SERVER_ERROR,
}


class LitellmChoice(Protocol):
    """One choice of a litellm response."""

    message: object
    finish_reason: object


class ModelResponse(Protocol):
    """A litellm response, as far as it is read."""

    choices: Sequence[LitellmChoice]


class Chunk(Protocol):
    """One piece of a litellm stream."""

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        """The chunk as plain values."""


class ChunkStream(Protocol):
    """A litellm stream; it keeps the chunks that came from the provider."""

    chunks: Sequence[object]

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """The chunks, and at the end one of litellm's own."""


class LitellmEngine:
    """Calls through ``litellm.acompletion`` and, for vectors, ``litellm.aembedding``."""

    def __init__(self, settings: CompletionSettings, environ: Mapping[str, str], redact: Redact) -> None:
        self._settings = settings
        self._environ = environ
        self._redact = redact
        self._litellm: Litellm | None = None

    async def open(self) -> None:
        """Imports litellm, in a thread: it takes seconds."""
        if self._litellm is None:
            self._litellm = await asyncio.to_thread(litellm_module)

    async def answer(self, call: Call) -> Answer | Failure:
        """The provider's answer, or why there is none."""
        exchange = call.exchange
        if encoded(call.request.payload()) is None:
            return refused_before_sending(UNSENDABLE, self._redact)
        exchange.wants_vector = call.request.embeds
        exchange.wants_stream = bool(call.request.parameters.get("stream"))
        token = current_exchange.set(exchange)
        try:
            return await self._answer(call)
        except MalformedResponse as error:
            return malformed(exchange, str(error), self._redact)
        except ErrorInBody as error:
            return error_inside_success(exchange, error.body, self._redact)
        except Exception as error:  # litellm raises whatever the many libraries below it raise
            return self._outcome_of(error, exchange)
        finally:
            current_exchange.reset(token)

    async def aclose(self) -> None:
        """Closes the clients that litellm keeps."""
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()

    async def _answer(self, call: Call) -> Answer | Failure:
        assert self._litellm is not None, "open() comes first"
        exchange, started = call.exchange, time.perf_counter()
        if call.request.embeds:
            return await self._embedded(self._litellm, call)
        response = await self._litellm.acompletion(**self._arguments(call))
        if not _is_success(exchange):
            # litellm makes up answers for some errors; the error is what happened
            return outcome_of_error(exchange, self._redact)
        if hasattr(response, "__aiter__"):
            return await _streamed(cast(ChunkStream, response), call, started)
        return answer_of(_plain(cast(ModelResponse, response), exchange), request_id=exchange.request_id())

    async def _embedded(self, litellm: Litellm, call: Call) -> Answer | Failure:
        exchange = call.exchange
        response = await litellm.aembedding(**self._arguments(call))
        if not _is_success(exchange):
            return outcome_of_error(exchange, self._redact)
        usage = getattr(response, "usage", None)
        body = {
            "data": [{"embedding": d.get("embedding")} for d in getattr(response, "data", None) or ()],
            "model": getattr(response, "model", None),
            "usage": usage,
        }
        return embedding_of(body, request_id=exchange.request_id())

    def _arguments(self, call: Call) -> dict[str, Any]:
        import httpx

        request = call.request
        asked = (
            {"input": [embedded_text(request)]} if request.embeds else {"messages": [dict(m) for m in request.messages]}
        )
        arguments: dict[str, Any] = {
            **request.parameters,
            "model": request.model,
            **asked,
            "timeout": httpx.Timeout(LONGEST_CALL_S, connect=CONNECT_TIMEOUT_S),
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": False,
        }
        if arguments.get("stream"):
            arguments["stream_options"] = {**(arguments.get("stream_options") or {}), "include_usage": True}
        provider = provider_of(request.model) or ""
        plain = PLAIN_PROVIDERS.get(provider)
        base = self._settings.api_bases.get(provider)
        if plain is not None and request.embeds:
            arguments["encoding_format"] = "float"
        if plain is not None and base is not None:
            arguments["api_base"] = base
            arguments["api_key"] = self._environ.get(plain.key_variable) or NO_KEY
        return arguments

    def _outcome_of(self, error: Exception, exchange: Exchange) -> Answer | Failure:
        if exchange.redirected or exchange.oversize:
            return malformed(exchange, "", self._redact)
        if exchange.broken or (exchange.posted and exchange.status is None):
            return broken_connection(exchange, self._redact)
        if exchange.status is None:
            return self._unwired(error)
        if not _is_success(exchange):
            return outcome_of_error(exchange, self._redact)
        return self._read_again(exchange)

    def _read_again(self, exchange: Exchange) -> Answer | Failure:
        """A success on the wire that litellm could not read: the answer after all, or what is wrong with it."""
        try:
            return reread(exchange)
        except ErrorInBody as error:
            return error_inside_success(exchange, error.body, self._redact)
        except MalformedResponse as error:
            return malformed(exchange, str(error), self._redact)

    def _unwired(self, error: Exception) -> Failure:
        """A failure without a request of our transport: refused by litellm, or an SDK of its own was used."""
        kind = next(
            (KINDS_BY_EXCEPTION[c.__name__] for c in type(error).__mro__ if c.__name__ in KINDS_BY_EXCEPTION),
            FailureKind.BAD_REQUEST,
        )
        status = getattr(error, "status_code", None)
        return Failure(
            kind=kind,
            message=self._redact(_plain_words(error)),
            retryable=kind in RETRYABLE,
            http_status=status if isinstance(status, int) else None,
            may_be_billed=kind in (FailureKind.TIMEOUT, FailureKind.CONNECTION, FailureKind.SERVER_ERROR),
        )


def _plain_words(error: Exception) -> str:
    """The error's message without litellm's class names, and without its advice on litellm settings."""
    message = str(getattr(error, "message", None) or error) or type(error).__name__
    return re.sub(r"^(?:litellm\.)?(?:\w+(?:Error|Exception): )+", "", message).partition(" To drop these")[0]


def _plain(response: ModelResponse, exchange: Exchange) -> dict[str, Any]:
    """The parts of a ModelResponse that count, as a chat completion body. Reading attributes is cheaper than a dump."""
    choice = response.choices[0]
    message = choice.message
    extras = getattr(message, "provider_specific_fields", None) or {}
    calls = getattr(message, "tool_calls", None) or []
    return {
        "id": _if_sent(getattr(response, "id", None), exchange),
        "model": getattr(response, "model", None),
        "usage": getattr(response, "usage", None),
        "choices": [
            {
                "finish_reason": getattr(choice, "finish_reason", None),
                "message": {
                    "content": getattr(message, "content", None),
                    "refusal": getattr(message, "refusal", None) or extras.get("refusal"),
                    "tool_calls": [c if isinstance(c, dict) else c.model_dump(exclude_none=True) for c in calls],
                },
            }
        ],
    }


async def _streamed(stream: ChunkStream, call: Call, started: float) -> Answer:
    exchange, assembly, first_token_ms = call.exchange, StreamedAnswer(), None
    async for chunk in stream:
        plain = chunk.model_dump(exclude_none=True)
        plain.pop("usage", None)  # at the end litellm counts for itself where the provider did not
        if call.pass_on is not None:
            await call.pass_on(plain)
        if assembly.add(plain) and first_token_ms is None:
            first_token_ms = (time.perf_counter() - started) * 1000
    if first_token_ms is None and (exchange.is_document or _speaks_chat_protocol(exchange)):
        # no stream after all, or events that litellm leaves out: a streamed refusal, for one
        return reread(exchange)
    assembly.add({"usage": _reported(stream)})
    answer = assembly.answer(request_id=exchange.request_id(), first_token_ms=first_token_ms)
    served = SERVED_MODEL.search(exchange.body[:4_096])
    return replace(
        answer,
        # litellm names the model that was asked for, and makes up an id where there is none
        served_model=served[1].decode("utf-8", "replace") if served else answer.served_model,
        provider_request_id=_if_sent(answer.provider_request_id, exchange),
    )


def reread(exchange: Exchange) -> Answer:
    """The answer in the bytes that came, read as chat completions protocol.

    Raises:
        MalformedResponse: they are no such answer.
        ErrorInBody: they are an error.
    """
    if exchange.wants_vector:
        return embedding_of(parsed_object(exchange.body, exchange), request_id=exchange.request_id())
    if not exchange.wants_stream or exchange.is_document:
        return answer_of(parsed_object(exchange.body, exchange), request_id=exchange.request_id())
    assembly = StreamedAnswer()
    for data in event_data(exchange.body):
        if data == DONE:
            assembly.finish()
            break
        assembly.add(parsed_object(data, exchange))
    return assembly.answer(request_id=exchange.request_id(), first_token_ms=None)


def _if_sent(identity: object, exchange: Exchange) -> str | None:
    """The id when the provider sent it; litellm makes one up where there is none."""
    if not isinstance(identity, str):
        return None
    return identity if identity == exchange.request_id() or identity.encode() in exchange.body else None


def _speaks_chat_protocol(exchange: Exchange) -> bool:
    return b'"choices"' in exchange.body or b"{" not in exchange.body


def _is_success(exchange: Exchange) -> bool:
    """Whether the wire says so; true as well where the call did not go through the guarded transport."""
    return exchange.status is None or 200 <= exchange.status < 300


def _reported(stream: ChunkStream) -> object:
    """The last usage among the chunks that came from the provider."""
    reported = [u for c in getattr(stream, "chunks", ()) if (u := getattr(c, "usage", None)) is not None]
    return reported[-1] if reported else None
