"""Plain OpenAI-compatible endpoints: the request goes over one shared session, the answer's bytes are passed on.

Nothing of the answer is decoded before it is passed on, except where a stream was asked to report its usage for our
books and the caller did not want that: then that one event is left out. Our own key is taken out wherever an endpoint
sends it back in one piece.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import aiohttp

from experiments.completions import Completions
from experiments.completions.answers import Answer, completion_of, without_keys
from experiments.completions.chat_protocol import ErrorInBody, MalformedResponse, answer_of, parsed_object
from experiments.completions.exchange import CONNECT_TIMEOUT_S, Exchange
from experiments.completions.failures import (
    broken_connection,
    error_inside_success,
    malformed,
    outcome_of_error,
    past_deadline,
)
from experiments.completions.lean import NOT_SENT, Oversize, Route, bounded_body
from experiments.completions.providers import PLAIN_PROVIDERS, name_at_provider, provider_of
from experiments.completions.redaction import KeyFilter, Redactor
from experiments.plans.pricing import Price
from experiments.vocabulary import Failure, FailureKind
from gateway.event_reader import EventReader
from gateway.openai_errors import ChatError, of_failure
from gateway.provider_call import JSON_TYPE, STREAM_TYPE, Abandoned, Outcome, Wanted

PASSED_HEADERS = ("x-request-id", "openai-processing-ms", "openai-version", "retry-after")
PASSED_PREFIX = "x-ratelimit-"
DEFAULT_PROVIDER = "openai"


class PlainEndpoints:
    """The endpoints of this installation and the session they share. Belongs to one event loop."""

    def __init__(
        self,
        completions: Completions,
        environ: Mapping[str, str],
        redact: Redactor,
    ) -> None:
        self._settings = completions.settings
        self._environ = environ
        self.redact = redact
        self._routes: dict[str, Route] = {}
        self._session: aiohttp.ClientSession | None = None

    def route(self, model: str) -> tuple[Route, str] | None:
        """Where calls of a model go and its name there; None when it has no plain endpoint here.

        A name of no known provider is taken for one that the OpenAI-compatible server of this installation knows.
        """
        provider = provider_of(model)
        name = model if provider is None else name_at_provider(model)
        provider = provider or DEFAULT_PROVIDER
        plain = PLAIN_PROVIDERS.get(provider)
        if plain is None or self._settings.engine == "litellm":
            return None
        base = self._settings.api_bases.get(provider)
        if base is None and (plain.official_base is None or not self._environ.get(plain.key_variable)):
            return None
        if provider not in self._routes:
            self._routes[provider] = Route.of(provider, self._settings, self._environ)
        return self._routes[provider], name

    def session(self) -> aiohttp.ClientSession:
        """The shared session, opened when first used. Time limits are set call by call."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=2**17,
                auto_decompress=True,
            )
        return self._session

    async def aclose(self) -> None:
        """Closes the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class PassedThrough:
    """One call of a plain endpoint.

    ``watched`` calls are checked before they are passed on, so that another part can answer instead; of the others
    every byte is passed on as it comes, and read for our books only.
    """

    def __init__(
        self,
        endpoints: PlainEndpoints,
        route: Route,
        wanted: Wanted,
        payload: bytes,
        *,
        deadline_s: float,
        price: Price | None = None,
        watched: bool = True,
    ) -> None:
        self._price = price
        self._endpoints = endpoints
        self._route = route
        self._wanted = wanted
        self._payload = payload
        self._deadline_s = deadline_s
        self._watched = watched
        self._exchange = Exchange(host=route.host, wants_stream=wanted.ask.stream)
        self._started = 0.0
        self._response: aiohttp.ClientResponse | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._first = b""
        self._body: bytes | None = None
        self._keys = KeyFilter(route.key)
        self._reader = EventReader(hide_usage=watched and not wanted.ask.wants_usage)
        self._answer: Answer | None = None
        self._failure: Failure | None = None
        self._latency_ms: float | None = None
        self.content_type = JSON_TYPE
        self.headers: Mapping[str, str] = {}

    async def start(self) -> ChatError | None:
        """Sends the request; see ``ProviderCall``."""
        self._started = time.perf_counter()
        self._exchange.sent = True
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._open()
        except NOT_SENT:
            self._exchange.sent = False
            return self._failed(broken_connection(self._exchange, self._endpoints.redact))
        except TimeoutError:
            return self._failed(past_deadline(self._exchange, self._deadline_s, self._endpoints.redact))
        except Oversize:
            self._exchange.oversize = True
            return self._failed(malformed(self._exchange, "", self._endpoints.redact))
        except (aiohttp.ClientError, ConnectionError):
            return self._failed(broken_connection(self._exchange, self._endpoints.redact))

    def body(self) -> bytes | None:
        """The whole answer, or None when it comes as a stream."""
        return self._body

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of the stream; an error ends it as an event."""
        assert self._pieces is not None, "start() comes first"
        if self._first:
            yield self._first
        failure: Failure | None = None
        try:
            async for piece in self._pieces:
                passed = self._read(piece)
                if passed:
                    yield passed
                if self._watched and self._reader.error is not None:
                    failure = error_inside_success(self._exchange, self._reader.error, self._endpoints.redact)
                    break
            else:
                if rest := self._read(b"", last=True):
                    yield rest
        except TimeoutError:
            failure = past_deadline(self._exchange, self._deadline_s, self._endpoints.redact)
        except Oversize:
            self._exchange.oversize = True
            failure = malformed(self._exchange, "", self._endpoints.redact)
        except (aiohttp.ClientError, ConnectionError):
            self._exchange.broken = True
            failure = broken_connection(self._exchange, self._endpoints.redact)
        self._latency_ms = self._elapsed_ms()
        if failure is not None:
            self._failure = replace(failure, latency_ms=self._latency_ms)
            yield b"data: " + of_failure(failure, b"", self._endpoints.redact).body() + b"\n\n"

    def outcome(self) -> Outcome:
        """The record of the call so far."""
        redact = self._endpoints.redact
        latency_ms = self._latency_ms
        if self._failure is not None:
            return self._failure
        if self._answer is None and latency_ms is None:
            text, first_ms = self._reader.text_so_far(), self._reader.first_token_ms
            return Abandoned(text, self._elapsed_ms(), first_ms, sent=self._exchange.sent)
        try:
            answer = self._answer or self._read_answer()
        except ErrorInBody as error_in_body:
            return error_inside_success(self._exchange, error_in_body.body, redact)
        except MalformedResponse as error:
            return malformed(self._exchange, str(error), redact)
        clean = without_keys(answer, redact.without_secrets)
        return completion_of(
            clean,
            self._wanted.request(),
            self._price,
            latency_ms=self._elapsed_ms() if latency_ms is None else latency_ms,
            repaired=self._exchange.repaired or clean is not answer,
        )

    async def aclose(self) -> None:
        """Ends the call and gives back what it holds."""
        response, self._response = self._response, None
        if response is None:
            return
        if self._latency_ms is not None and self._failure is None:
            response.release()  # read to its end: the connection can be used again
        else:
            response.close()

    async def _open(self) -> ChatError | None:
        route = self._route
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=self._deadline_s)
        response = self._response = await self._endpoints.session().post(
            route.url,
            data=self._payload,
            headers=route.headers,
            proxy=route.proxy,
            allow_redirects=False,
            timeout=timeout,
        )
        self._exchange.note_head(response.status, ((k.lower(), v) for k, v in response.headers.items()))
        self.headers = passed_headers(response.headers)
        if not 200 <= response.status < 300:
            return await self._refused(response)
        if not self._wanted.ask.stream or self._exchange.is_document:
            return await self._whole(response)
        self.content_type = STREAM_TYPE
        self._pieces = response.content.iter_any()
        return await self._first_piece()

    async def _refused(self, response: aiohttp.ClientResponse) -> ChatError:
        raw = self._exchange.body = await bounded_body(response)
        self._latency_ms = self._elapsed_ms()
        redact = self._endpoints.redact
        if self._exchange.redirected:
            return self._failed(malformed(self._exchange, "", redact))
        outcome = outcome_of_error(self._exchange, redact)
        if isinstance(outcome, Failure):
            return self._failed(outcome, raw)
        # a prompt that the provider's filter stopped is an answer to our books, and an error to the caller
        self._answer = outcome
        told = Failure(
            kind=FailureKind.BAD_REQUEST, message="The provider refused.", retryable=False, http_status=response.status
        )
        return of_failure(told, raw, redact)

    async def _whole(self, response: aiohttp.ClientResponse) -> ChatError | None:
        body = self._exchange.body = self._keys.whole(await bounded_body(response))
        self._latency_ms = self._elapsed_ms()
        if not self._watched:
            self._body = body
            return None
        try:
            self._answer = answer_of(parsed_object(body, self._exchange), request_id=self._exchange.request_id())
        except ErrorInBody as error:
            return self._failed(error_inside_success(self._exchange, error.body, self._endpoints.redact), body)
        except MalformedResponse as error:
            return self._failed(malformed(self._exchange, str(error), self._endpoints.redact))
        self._body = body
        return None

    async def _first_piece(self) -> ChatError | None:
        """Reads until there is something to pass on: until then another answer can still take its place."""
        assert self._pieces is not None
        async for piece in self._pieces:
            self._first = self._read(piece)
            if self._watched and self._reader.error is not None:
                return self._failed(error_inside_success(self._exchange, self._reader.error, self._endpoints.redact))
            if self._first:
                return None
        self._latency_ms = self._elapsed_ms()
        return self._failed(malformed(self._exchange, "The stream ended before it began.", self._endpoints.redact))

    def _read(self, piece: bytes, *, last: bool = False) -> bytes:
        """What of a piece is passed on; with the last one, all that still waits."""
        piece = self._keys.passed(piece) + (self._keys.rest() if last else b"")
        read = self._reader.read(piece, self._exchange, self._elapsed_ms())
        if not self._watched:
            return piece
        return read + self._reader.end() if last else read

    def _read_answer(self) -> Answer:
        """The answer as our books read it, after it was passed on. Raises MalformedResponse or ErrorInBody."""
        if self._body is not None:
            return answer_of(parsed_object(self._body, self._exchange), request_id=self._exchange.request_id())
        if self._reader.error is not None:
            raise ErrorInBody(self._reader.error)
        return self._reader.answer(self._exchange)

    def _failed(self, failure: Failure, raw: bytes = b"") -> ChatError:
        self._failure = replace(failure, latency_ms=self._elapsed_ms())
        return of_failure(failure, raw, self._endpoints.redact)

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000


def passed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a provider's answer that are passed on: its request id and what it says of its limits."""
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in PASSED_HEADERS or name.lower().startswith(PASSED_PREFIX)
    }
