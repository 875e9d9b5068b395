"""The lean engine: plain OpenAI-compatible chat completions and embeddings over one shared aiohttp session.

A call costs a twentieth of the CPU that litellm takes for it. Redirects are not followed, at most 16 MB are read, and
bodies are asked for uncompressed, so that a small one cannot unfold into a huge one.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import aiohttp

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
    request_body,
)
from experiments.completions.embeddings_protocol import embedding_body, embedding_of
from experiments.completions.engine import Call
from experiments.completions.exchange import CONNECT_TIMEOUT_S, MOST_BYTES
from experiments.completions.failures import (
    Redact,
    broken_connection,
    error_inside_success,
    malformed,
    outcome_of_error,
    refused_before_sending,
)
from experiments.completions.providers import PLAIN_PROVIDERS, name_at_provider, provider_of
from experiments.completions.settings import CompletionSettings
from experiments.vocabulary import Failure

NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Raised before the request could leave."""

END_OF_STREAM_S = 0.2


class Oversize(Exception):
    """More than ``MOST_BYTES`` came."""


class LeanEngine:
    """Calls of the providers in ``PLAIN_PROVIDERS``."""

    def __init__(self, settings: CompletionSettings, environ: Mapping[str, str], redact: Redact) -> None:
        self._redact = redact
        self._session: aiohttp.ClientSession | None = None
        self._routes = {
            provider: Route.of(provider, settings, environ)
            for provider, plain in PLAIN_PROVIDERS.items()
            if provider in settings.api_bases or plain.official_base
        }

    async def open(self) -> None:
        """Opens the shared session, in the running event loop."""
        if self._session is None:
            # no limit of its own and no timeout of its own: the limiter and the deadline are the caller's
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=2**17,
            )

    async def answer(self, call: Call) -> Answer | Failure:
        """The answer of the endpoint, or why there is none."""
        assert self._session is not None, "open() comes first"
        request, exchange = call.request, call.exchange
        route = self._routes[provider_of(request.model) or ""]
        exchange.host = route.host
        model = name_at_provider(request.model)
        payload = encoded(embedding_body(request, model) if request.embeds else request_body(request, model))
        if payload is None:
            return refused_before_sending(UNSENDABLE, self._redact)
        started = time.perf_counter()
        try:
            exchange.sent = True
            async with self._session.post(
                route.vectors_url if request.embeds else route.url,
                data=payload,
                headers=route.headers,
                proxy=route.proxy,
                allow_redirects=False,
            ) as response:
                exchange.note_head(response.status, ((k.lower(), v) for k, v in response.headers.items()))
                return await self._read(call, response, started)
        except NOT_SENT:
            exchange.sent = False
            return broken_connection(exchange, self._redact)
        except Oversize:
            exchange.oversize = True
            return malformed(exchange, "", self._redact)
        except (aiohttp.ClientError, ConnectionError):
            return broken_connection(exchange, self._redact)

    async def aclose(self) -> None:
        """Closes the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _read(self, call: Call, response: aiohttp.ClientResponse, started: float) -> Answer | Failure:
        exchange = call.exchange
        if exchange.redirected:
            return malformed(exchange, "", self._redact)
        try:
            if not 200 <= response.status < 300:
                exchange.body = await bounded_body(response)
                return outcome_of_error(exchange, self._redact)
            if call.request.parameters.get("stream") and not exchange.is_document:
                return await _streamed(call, response, started)
            exchange.body = await bounded_body(response)
            read = embedding_of if call.request.embeds else answer_of
            return read(parsed_object(exchange.body, exchange), request_id=exchange.request_id())
        except ErrorInBody as error:
            return error_inside_success(exchange, error.body, self._redact)
        except MalformedResponse as error:
            return malformed(exchange, str(error), self._redact)


class Route:
    """Where a provider's calls go and what goes with each; computed once, it holds the key."""

    def __init__(self, base: str, key: str | None, organisation: str | None) -> None:
        self.url = f"{base}/chat/completions"
        self.vectors_url = f"{base}/embeddings"
        parts = urlsplit(base)
        self.host = parts.hostname or base
        self.headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "bakeoff"}
        self.key = (key or "").strip()
        if key:
            self.headers["Authorization"] = f"Bearer {self.key}"
        if organisation:
            self.headers["OpenAI-Organization"] = organisation
        self.proxy = environment_proxy(parts.scheme, self.host)

    @classmethod
    def of(cls, provider: str, settings: CompletionSettings, environ: Mapping[str, str]) -> Route:
        """The route of a provider: its base and key as litellm would read them."""
        plain = PLAIN_PROVIDERS[provider]
        base = settings.api_bases.get(provider) or plain.official_base or ""
        organisation = environ.get("OPENAI_ORGANIZATION") if provider == "openai" else None
        return cls(base, environ.get(plain.key_variable), organisation)


def environment_proxy(scheme: str, host: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY choose for a host, or None."""
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


async def bounded_body(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises Oversize beyond ``MOST_BYTES``, before it is read where its length is announced."""
    if (response.content_length or 0) > MOST_BYTES:
        raise Oversize
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MOST_BYTES:
            raise Oversize
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The data of each server-sent event, ``DONE`` included. Raises Oversize beyond ``MOST_BYTES``."""
    rest, size = b"", 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MOST_BYTES:
            raise Oversize
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        for data in event_data(whole + newline):
            yield data
    for data in event_data(rest):
        yield data


async def _read_end(response: aiohttp.ClientResponse) -> None:
    """Reads the end of a finished stream, so that its connection can be used again; a server may forget to send it."""
    try:
        async with asyncio.timeout(END_OF_STREAM_S):
            await response.content.readany()
    except TimeoutError:
        response.close()


async def _streamed(call: Call, response: aiohttp.ClientResponse, started: float) -> Answer:
    exchange, assembly, first_token_ms = call.exchange, StreamedAnswer(), None
    async for data in events(response):
        if data == DONE:
            assembly.finish()
            await _read_end(response)
            break
        chunk = parsed_object(data, exchange)
        if call.pass_on is not None:
            await call.pass_on(chunk)
        brought_text = assembly.add(chunk)
        if brought_text and first_token_ms is None:
            first_token_ms = (time.perf_counter() - started) * 1000
    return assembly.answer(request_id=exchange.request_id(), first_token_ms=first_token_ms)
