"""The few pieces of HTTP that the hot path needs, without a framework between: body in, answer out, caller gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from starlette.types import Message, Receive, Send

Result = TypeVar("Result")

BODY_WITHIN_S = 30.0
SEND_WITHIN_S = 60.0
"""A caller that takes nothing for so long is given up, so that it holds neither memory nor a provider's connection."""


class BodyRefused(Exception):
    """A request body that is not read to its end: too large (413) or too slow (408)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class CallerGone(Exception):
    """The caller has closed the connection, or takes nothing any more."""


async def read_body(receive: Receive, most_bytes: int) -> bytes:
    """The whole request body.

    Raises:
        BodyRefused: beyond ``most_bytes``, or when it takes longer than ``BODY_WITHIN_S``.
        CallerGone: the caller left before its end.
    """
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _bounded(body, most_bytes)
    parts, size = [body], len(body)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            while message.get("more_body") and size <= most_bytes:
                message = await _next(receive)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
    except TimeoutError:
        raise BodyRefused(408, f"The body did not come within {BODY_WITHIN_S:.0f} seconds.") from None
    return _bounded(b"".join(parts), most_bytes)


async def while_connected(receive: Receive, work: Awaitable[Result]) -> Result:
    """The result of the work, which is cancelled when the caller leaves before it is done.

    Raises:
        CallerGone: the work was cancelled for that.
    """
    working, leaving = asyncio.current_task(), asyncio.ensure_future(_left(receive))
    assert working is not None, "runs in a task"
    has_left = False

    def stop(left: asyncio.Future[None]) -> None:
        nonlocal has_left
        if not left.cancelled():
            has_left = True
            working.cancel()

    leaving.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if not has_left:
            raise  # the server is being stopped
        working.uncancel()
        raise CallerGone from None
    finally:
        leaving.remove_done_callback(stop)
        leaving.cancel()


async def send_head(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """The start of an answer."""
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def send_whole(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """An answer in one piece."""
    await send_head(send, status, {**headers, "content-length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


async def send_piece(send: Send, piece: bytes, *, more: bool = True) -> None:
    """One piece of an answer, when the caller has room for it. Raises CallerGone when it takes too long."""
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            await send({"type": "http.response.body", "body": piece, "more_body": more})
    except TimeoutError:
        raise CallerGone from None
    except OSError:
        raise CallerGone from None


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] != "http.request":
        raise CallerGone
    return message


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _bounded(body: bytes, most_bytes: int) -> bytes:
    if len(body) > most_bytes:
        raise BodyRefused(413, f"The body is larger than {most_bytes:,} bytes.")
    return body
