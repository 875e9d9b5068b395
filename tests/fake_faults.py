"""What the fake provider can be scripted to do wrong, or differently: one table, name → behaviour.

A behaviour is either a whole chat-completion body (answered as JSON or as a stream, whichever was asked for) or a
function that answers the request by itself. ``tests/fake_provider.py`` serves them; its docstring tells how a test
asks for one.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

Body = dict[str, Any]
JSON = "application/json"
EVENTS = "text/event-stream"
HUGE_BYTES = 20 * 1024 * 1024
ECHOED_HEADER = "authorization"


def completion_body(text: Any, *, model: str, finish_reason: str = "stop", **message: Any) -> Body:
    """A well-formed chat completion."""
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28},
    }


TOOL_CALLS = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "refund", "arguments": '{"order": "A-17", "amount": 12.5}'},
    }
]


def _with_usage(body: Body, usage: Body | None) -> Body:
    return {k: v for k, v in body.items() if k != "usage"} | ({"usage": usage} if usage is not None else {})


def _two_choices(body: Body) -> Body:
    return body | {"choices": body["choices"] * 2}


def _usage(prompt: int, completion: int, **more: Any) -> Body:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **more,
    }


ANSWERS: dict[str, Callable[[str], Body]] = {
    "refusal": lambda m: completion_body(None, model=m, refusal="I can't help with that request."),
    "refusaltext": lambda m: completion_body("I'm sorry, but I can't help with that.", model=m),
    "filter": lambda m: completion_body("", model=m, finish_reason="content_filter"),
    "empty": lambda m: completion_body("", model=m),
    "nullcontent": lambda m: completion_body(None, model=m),
    "length": lambda m: completion_body("The answer begins but then", model=m, finish_reason="length"),
    "lengthempty": lambda m: completion_body("", model=m, finish_reason="length"),
    "tool": lambda m: completion_body(None, model=m, finish_reason="tool_calls", tool_calls=TOOL_CALLS),
    "tooltext": lambda m: completion_body(
        "Let me refund that.", model=m, finish_reason="tool_calls", tool_calls=TOOL_CALLS
    ),
    "badjson": lambda m: completion_body('Sure! {"label": "refund"', model=m),
    "goodjson": lambda m: completion_body('{"label": "refund"}', model=m),
    "nousage": lambda m: _with_usage(completion_body("Answer without usage.", model=m), None),
    "negusage": lambda m: _with_usage(completion_body("Answer, negative usage.", model=m), _usage(-5, -7)),
    "hugeusage": lambda m: _with_usage(completion_body("Answer, absurd usage.", model=m), _usage(10**15, 7)),
    "zerousage": lambda m: _with_usage(completion_body("Answer, zero usage.", model=m), _usage(0, 0)),
    "cached": lambda m: _with_usage(
        completion_body("Answer from a cached prompt.", model=m),
        _usage(2_000, 7, prompt_tokens_details={"cached_tokens": 1_024}),
    ),
    "othermodel": lambda m: completion_body("Answer of another model.", model="gpt-unheard-of-2031"),
    "surrogate": lambda m: completion_body("half a pair \ud83d here", model=m),
    "nul": lambda m: completion_body("a NUL \x00 here", model=m),
    "unicode": lambda m: completion_body("Grüße, 日本語, 🎉 – done", model=m),
    "parts": lambda m: completion_body(
        [{"type": "text", "text": "In two "}, {"type": "text", "text": "parts."}], model=m
    ),
    "reasoning": lambda m: completion_body("The answer is 4.", model=m, reasoning_content="2 and 2 is 4."),
    "oddfinish": lambda m: completion_body("An answer.", model=m, finish_reason="eos_token"),
    "twochoices": lambda m: _two_choices(completion_body("The first of two.", model=m)),
    "long": lambda m: completion_body("word " * 4_000, model=m),
}
"""Well-formed answers with something about them; a NUL or a lone surrogate travels as a JSON escape."""

BROKEN_BODIES: dict[str, tuple[int, str, bytes]] = {
    "html200": (200, "text/html", b"<html><body><h1>Please log in</h1></body></html>"),
    "html502": (502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "notjson": (200, JSON, b"I am not JSON"),
    "truncated": (200, JSON, b'{"id": "chatcmpl-fake", "model": "m", "choices": [{"index": 0, "mess'),
    "emptybody": (200, JSON, b""),
    "jsonlist": (200, JSON, b"[1, 2, 3]"),
    "nochoices": (200, JSON, b'{"id": "chatcmpl-fake", "object": "chat.completion", "model": "m"}'),
    "choicesempty": (200, JSON, b'{"id": "chatcmpl-fake", "model": "m", "choices": []}'),
    "choiceswrong": (200, JSON, b'{"id": "chatcmpl-fake", "model": "m", "choices": "none today"}'),
    "contentnumber": (
        200,
        JSON,
        b'{"id":"chatcmpl-fake","model":"m","choices":[{"index":0,"finish_reason":"stop",'
        b'"message":{"role":"assistant","content":42}}]}',
    ),
    "error200": (200, JSON, b'{"error": {"message": "Upstream is on fire", "code": 502}}'),
}


def error_body(message: str, *, code: str | None = None, kind: str = "invalid_request_error") -> bytes:
    """An error as OpenAI words it."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


ERRORS: dict[str, Callable[[], tuple[int, bytes, dict[str, str]]]] = {
    "429after1": lambda: (429, error_body("Too many requests", kind="requests"), {"Retry-After": "1"}),
    "429afterlong": lambda: (429, error_body("Too many requests", kind="requests"), {"Retry-After": "99999"}),
    "429date": lambda: (429, error_body("Too many requests", kind="requests"), {"Retry-After": _in(20)}),
    "503after2": lambda: (503, error_body("Overloaded", kind="server_error"), {"Retry-After": "2"}),
    "quota": lambda: (
        429,
        error_body(
            "You exceeded your current quota, please check your plan.",
            code="insufficient_quota",
            kind="insufficient_quota",
        ),
        {},
    ),
    "context": lambda: (
        400,
        error_body("This model's maximum context length is 8192 tokens.", code="context_length_exceeded"),
        {},
    ),
    "nomodel": lambda: (404, error_body("The model 'x' does not exist", code="model_not_found"), {}),
    "filter400": lambda: (
        400,
        error_body("The response was filtered due to the prompt.", code="content_filter"),
        {},
    ),
    "outputlimit": lambda: (
        400,
        error_body("Could not finish the message because max_tokens or model output limit was reached. Try again."),
        {},
    ),
}


async def drip(request: web.BaseRequest) -> web.StreamResponse:
    """Headers at once, then one space every 50 ms for ever: no read of it ever times out."""
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def hang(request: web.BaseRequest) -> web.StreamResponse:
    """Nothing, for an hour."""
    await asyncio.sleep(3600)
    return web.Response()


async def drop(request: web.BaseRequest) -> web.StreamResponse:
    """The connection closes after the request was read: perhaps billed, never answered."""
    _cut(request)
    return web.Response()


async def dropmid(request: web.BaseRequest) -> web.StreamResponse:
    """The connection closes in the middle of the body that was announced."""
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": "400"})
    await response.prepare(request)
    await response.write(b'{"id": "chatcmpl-fake", "choices": [')
    _cut(request)
    return response


async def huge(request: web.BaseRequest) -> web.StreamResponse:
    """A body of 20 MB, more than anybody should read."""
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    for _ in range(HUGE_BYTES // 65_536):
        await response.write(b" " * 65_536)
    return response


async def redirect(request: web.BaseRequest) -> web.StreamResponse:
    """To an internal address of this server, which counts who comes."""
    return web.Response(status=307, headers={"Location": "/internal/metadata"})


async def gzipped(request: web.BaseRequest) -> web.StreamResponse:
    """A compressed answer, although nobody asked for one."""
    body = gzip.compress(json.dumps(completion_body("unpacked", model="m")).encode())
    return web.Response(body=body, content_type=JSON, headers={"Content-Encoding": "gzip"})


async def gzipbomb(request: web.BaseRequest) -> web.StreamResponse:
    """20 MB in 20 kB."""
    body = gzip.compress(b" " * HUGE_BYTES)
    return web.Response(body=body, content_type=JSON, headers={"Content-Encoding": "gzip"})


async def badutf8(request: web.BaseRequest) -> web.StreamResponse:
    """A good answer with one byte that is not UTF-8."""
    body = json.dumps(completion_body("caf# is open", model="m")).encode().replace(b"#", b"\xe9")
    return web.Response(body=body, content_type=JSON)


async def echokey(request: web.BaseRequest) -> web.StreamResponse:
    """A refusal that repeats the key it was sent."""
    sent = request.headers.get(ECHOED_HEADER, "")
    return web.Response(status=401, body=error_body(f"Incorrect API key provided: {sent}"), content_type=JSON)


async def echoanswer(request: web.BaseRequest) -> web.StreamResponse:
    """A good answer that repeats the key it was sent."""
    sent = request.headers.get(ECHOED_HEADER, "")
    if (await request.json()).get("stream"):
        return await send_events(request, stream_events(completion_body(f"You sent {sent}", model="m"), pieces=1))
    return web.json_response(completion_body(f"You sent {sent}", model="m"))


async def echofails(request: web.BaseRequest) -> web.StreamResponse:
    """A stream that ends in an error which repeats the key it was sent."""
    fault = {"error": {"message": f"Wrong key {request.headers.get(ECHOED_HEADER, '')}", "code": 401}}
    return await send_events(request, [_delta("Half an "), json.dumps(fault)])


async def ignorestream(request: web.BaseRequest) -> web.StreamResponse:
    """One JSON body, whatever was asked for."""
    return web.json_response(completion_body("I do not stream.", model="m"))


async def streamerror(request: web.BaseRequest) -> web.StreamResponse:
    """A stream that ends in an error event."""
    fault = {"error": {"message": "The server had an error", "type": "server_error", "code": 503}}
    return await send_events(request, [_delta("Half an "), _delta("answer"), json.dumps(fault)])


async def streamcut(request: web.BaseRequest) -> web.StreamResponse:
    """A stream whose connection is closed half way."""
    response = await send_events(request, [_delta("Half an "), _delta("answer")], end=False)
    _cut(request)
    return response


async def streamgarbage(request: web.BaseRequest) -> web.StreamResponse:
    """A stream with a line that is not JSON."""
    return await send_events(request, [_delta("Half an "), "{not json"])


async def streamnofinish(request: web.BaseRequest) -> web.StreamResponse:
    """A stream that says it is done, but never why."""
    return await send_events(request, [_delta("A whole "), _delta("answer")])


async def streamnodone(request: web.BaseRequest) -> web.StreamResponse:
    """A whole stream without the last line."""
    return await send_events(request, stream_events(completion_body("A whole answer", model="m")), end=False)


async def streamlinger(request: web.BaseRequest) -> web.StreamResponse:
    """A whole stream whose connection stays open afterwards."""
    response = await send_events(request, stream_events(completion_body("A whole answer", model="m")))
    await asyncio.sleep(3600)
    return response


async def streamdrip(request: web.BaseRequest) -> web.StreamResponse:
    """A token every 50 ms for ever."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    while True:
        await response.write(f"data: {_delta('word ')}\n\n".encode())
        await asyncio.sleep(0.05)


async def streamempty(request: web.BaseRequest) -> web.StreamResponse:
    """A stream of nothing."""
    return await send_events(request, [])


Scene = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        drip,
        hang,
        drop,
        dropmid,
        huge,
        redirect,
        gzipped,
        gzipbomb,
        badutf8,
        echokey,
        echoanswer,
        echofails,
        ignorestream,
        streamerror,
        streamcut,
        streamgarbage,
        streamnofinish,
        streamnodone,
        streamlinger,
        streamdrip,
        streamempty,
    )
}

UNPAID_SCENES = frozenset({"redirect", "echokey"})


def stream_events(body: Body, *, pieces: int = 4) -> list[str]:
    """The chunks that a chat completion is streamed in, without the final ``[DONE]``."""
    choice = body["choices"][0]
    message = choice["message"]
    head = {"id": body["id"], "object": "chat.completion.chunk", "created": 1, "model": body["model"]}

    def chunk(delta: Body, finish: str | None = None) -> str:
        return json.dumps(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    events = [chunk({"role": "assistant", "content": ""})]
    text = message.get("content") or ""
    if not isinstance(text, str):
        text = "".join(part["text"] for part in text)
    size = max(1, -(-len(text) // pieces))
    events += [chunk({"content": text[i : i + size]}) for i in range(0, len(text), size)]
    if message.get("refusal"):
        events.append(chunk({"refusal": message["refusal"]}))
    for index, call in enumerate(message.get("tool_calls") or []):
        arguments = call["function"]["arguments"]
        named = {"name": call["function"]["name"], "arguments": arguments[:9]}
        events.append(
            chunk({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": named}]})
        )
        events.append(
            chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments[9:]}}]}),
        )
    events.append(chunk({}, choice["finish_reason"]))
    if "usage" in body:
        events.append(json.dumps(head | {"choices": [], "usage": body["usage"]}))
    return events


def _delta(text: str) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


async def send_events(request: web.BaseRequest, events: list[str], *, end: bool = True) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": EVENTS})
    await response.prepare(request)
    for event in events:
        await response.write(b"data: " + event.encode() + b"\n\n")
        await asyncio.sleep(0)
    if end:
        await response.write(b"data: [DONE]\n\n")
    return response


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()
