"""A guard around the transport that litellm's async clients share: one provider request per attempt, and its facts.

litellm follows redirects (with our key), tries again after a refused connection, reads without a limit, and wraps what
happened into exceptions that no longer tell a refused connection from a server error. The guard stands below all that.
This module imports litellm's HTTP client, so only ``litellm_setup`` imports it.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from experiments.completions.exchange import MOST_BYTES, MOST_KEPT_BYTES, Exchange, current_exchange


class OneCallOnly(httpx.ConnectError):
    """A second request to the provider within one attempt."""


def install_guard() -> None:
    """Makes every async client that litellm builds from now on use the guarded transport.

    Raises:
        AttributeError: litellm no longer has the class it replaces; the pinned version must not be moved without this.
    """
    module: Any = importlib.import_module("litellm.llms.custom_httpx.aiohttp_transport")
    unguarded = module.LiteLLMAiohttpTransport

    class GuardedTransport(unguarded):  # type: ignore[misc, valid-type]
        """litellm's transport with the guard before it."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            exchange = current_exchange.get()
            if exchange is None:
                response: httpx.Response = await super().handle_async_request(request)
                return response
            admit(exchange, request)
            try:
                response = await super().handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL):
                exchange.sent = False
                raise
            return await guarded_response(exchange, request, response)

    module.LiteLLMAiohttpTransport = GuardedTransport


def admit(exchange: Exchange, request: httpx.Request) -> None:
    """Notes that a request leaves. Raises OneCallOnly for a second POST to the same address within the attempt."""
    request.headers["accept-encoding"] = "identity"
    if request.method != "POST":
        return
    address = str(request.url)
    if address in exchange.posted:
        raise OneCallOnly("one provider call per attempt", request=request)
    exchange.posted.add(address)  # another address is a token that is fetched first
    exchange.sent = True
    exchange.host = request.url.host or exchange.host


async def guarded_response(exchange: Exchange, request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """The response without its redirect, read up to the limit; a stream of events stays a stream, with the limit."""
    if request.method != "POST":
        return response
    names = ((name.decode("ascii", "replace").lower(), value.decode("latin-1")) for name, value in response.headers.raw)
    exchange.note_head(response.status_code, names)
    if response.is_success and exchange.wants_stream and not exchange.is_document:
        response.stream = LimitedStream(_stream(response), exchange)
        return response
    if exchange.redirected:
        await _stream(response).aclose()
        response.headers.pop("location", None)  # nothing left to follow
    else:
        exchange.body = await _whole_body(exchange, response)
    response.headers.pop("content-encoding", None)
    response.stream = httpx.ByteStream(exchange.body)
    return response


class LimitedStream(httpx.AsyncByteStream):
    """A stream that breaks off beyond ``MOST_BYTES``; its beginning is kept in the exchange."""

    def __init__(self, stream: httpx.AsyncByteStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in self._stream:
                size += len(chunk)
                _check_size(size, self._exchange)
                if size <= MOST_KEPT_BYTES:
                    self._exchange.body += chunk
                yield chunk
        except httpx.TransportError:
            self._exchange.broken = True
            raise

    async def aclose(self) -> None:
        """Closes the stream inside."""
        await self._stream.aclose()


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    assert isinstance(response.stream, httpx.AsyncByteStream), "an async transport answers with an async stream"
    return response.stream


async def _whole_body(exchange: Exchange, response: httpx.Response) -> bytes:
    chunks, size = [], 0
    try:
        async for chunk in _stream(response):
            size += len(chunk)
            _check_size(size, exchange)
            chunks.append(chunk)
    except httpx.TransportError:
        exchange.broken = True
        raise
    finally:
        await _stream(response).aclose()
    body = _unpacked(b"".join(chunks), exchange.headers.get("content-encoding", ""), exchange)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        exchange.repaired = True
        return body.decode("utf-8", "replace").encode("utf-8")
    return body


def _unpacked(body: bytes, encoding: str, exchange: Exchange) -> bytes:
    if encoding.lower() not in ("gzip", "deflate", "x-gzip"):
        return body
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = inflater.decompress(body, MOST_BYTES + 1)
    except zlib.error:
        return b""
    _check_size(len(plain), exchange)
    return plain


def _check_size(size: int, exchange: Exchange) -> None:
    if size > MOST_BYTES:
        exchange.oversize = True
        raise httpx.ReadError("the response is too long")
