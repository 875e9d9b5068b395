"""A local OpenAI-compatible server that answers deterministically, keeps its own books, and misbehaves on request.

In a test:            with FakeProvider(latency_ms=5) as provider: ... provider.base_url ...
As a process of its own (for tests that kill the client):
                      python tests/fake_provider.py --port 0 --latency-ms 50 --ledger FILE

**Answers.** ``POST /v1/chat/completions`` (streaming too), ``POST /v1/embeddings`` (one text, 8 numbers) and ``GET /v1/models``. Without a script the text depends on
the request's content alone. With ``success`` rules (phrase → share) a prompt that holds ``[[reference:X]]`` is answered
X with the share of the first rule whose phrase it holds, and something else otherwise, so that experiments have a
winner.

**Faults.** By model name ``fault-NAME`` (always) or ``fault-NAME-2`` (the first two times that this very content is
asked for, then it answers), by header ``x-fake-fault: NAME``, or by the marker ``[[fault:NAME]]`` or
``[[fault:NAME*2]]`` in a message. NAME is an HTTP status or a name of ``tests/fake_faults.py``. ``limit_rps`` refuses
what is over it with 429.

**Ledger.** One JSON line when a request is received and one when it is answered, each with the content's hash
(``ledger_key``), so that a test can compare the books after a kill.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tests import fake_faults as faults

MODEL_FAULT = re.compile(r"^fault-(?P<name>[a-z0-9]+?)(?:-(?P<times>\d+))?$")
MARKED_FAULT = re.compile(r"\[\[fault:(?P<name>[a-z0-9]+)(?:\*(?P<times>\d+))?\]\]")
REFERENCE = re.compile(r"\[\[reference:(.*?)\]\]", re.DOTALL)
MODELS = ("fake-small", "fake-large")
Responder = Callable[[Mapping[str, Any]], str | None]
"""Request body → the text to answer with, or None for the usual answer."""


def ledger_key(model: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """The hash under which the ledger books a request: the model as sent (without provider prefix) and its messages."""
    content = json.dumps([model, list(messages)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the server knows of one call; ``status`` is None when it was received but never answered."""

    call: int
    key: str
    model: str
    status: int | None
    paid: bool


def read_ledger(path: Path) -> list[LedgerEntry]:
    """The calls of a ledger file in the order they came; a torn last line (the server was killed) is left out."""
    entries: dict[int, LedgerEntry] = {}
    for line in path.read_text("utf-8").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        status = event.get("status")
        entries[event["call"]] = LedgerEntry(
            event["call"], event["key"], event["model"], status, bool(event.get("paid"))
        )
    return list(entries.values())


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the server behaves when nothing is scripted."""

    latency_ms: float = 0
    success: tuple[tuple[str, float], ...] = ()
    limit_rps: float | None = None
    ledger: Path | None = None
    responder: Responder | None = None


class Books:
    """Counts for tests in the same process, and the ledger file for the others."""

    def __init__(self, ledger: Path | None) -> None:
        self.received = 0
        self.paid = 0
        self.redirect_hits = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.statuses: Counter[int] = Counter()
        self.seen: Counter[tuple[str, str]] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._file = os.open(ledger, os.O_CREAT | os.O_APPEND | os.O_WRONLY) if ledger else None

    def receive(self, key: str, model: str) -> int:
        self.received += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._write({"event": "received", "call": self.received, "key": key, "model": model, "at": time.time()})
        return self.received

    def answer(self, call: int, key: str, model: str, *, status: int, paid: bool) -> None:
        self.statuses[status] += 1
        self.paid += paid
        self._write({"event": "answered", "call": call, "key": key, "model": model, "status": status, "paid": paid})

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            os.write(self._file, json.dumps(line).encode() + b"\n")


class Conversation:
    """One server: reads requests, picks the behaviour, answers, books it."""

    def __init__(self, conduct: Conduct) -> None:
        self.conduct = conduct
        self.books = Books(conduct.ledger)
        self._window = (0, 0)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in ("/v1/chat/completions", "/v1/embeddings") and request.method == "POST":
            return await self._chat(request)
        if request.path == "/v1/models":
            return web.json_response({"object": "list", "data": [{"id": m, "object": "model"} for m in MODELS]})
        if request.path.startswith("/internal"):
            self.books.redirect_hits += 1
            return web.Response(text="internal secret")
        return web.Response(status=404, body=faults.error_body("no such route"), content_type=faults.JSON)

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        body = json.loads(await request.read())
        if "input" in body:
            body["messages"] = [{"role": "user", "content": text} for text in body["input"]]
        model, messages = str(body.get("model")), body.get("messages") or []
        key = ledger_key(model, messages)
        if len(self.books.bodies) < 1_000:
            self.books.bodies.append(body)
            self.books.headers.append({k.lower(): v for k, v in request.headers.items()})
        call = self.books.receive(key, model)
        try:
            if self.conduct.latency_ms:
                await asyncio.sleep(self.conduct.latency_ms / 1000)
            name = self._fault(request, body, key)
            paid = name not in faults.UNPAID_SCENES
            if name in faults.SCENES:
                # booked before it happens: a connection that is cut never comes back here
                self.books.answer(call, key, model, status=200 if paid else 0, paid=paid)
                return await self._play(faults.SCENES[name], request)
            response = await self._answer(request, body, name)
            self.books.answer(call, key, model, status=response.status, paid=response.status == 200)
            return response
        finally:
            self.books.in_flight -= 1

    async def _play(self, scene: faults.Scene, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await scene(request)
        except ConnectionError:  # the client has had enough, as it should
            return web.Response()

    def _fault(self, request: web.BaseRequest, body: dict[str, Any], key: str) -> str:
        asked = request.headers.get("x-fake-fault")
        if asked:
            return asked
        match = MODEL_FAULT.match(str(body.get("model"))) or MARKED_FAULT.search(_last_text(body))
        if match is None:
            return ""
        name, times = match["name"], match["times"]
        if times is None:
            return name
        self.books.seen[(name, key)] += 1
        return name if self.books.seen[(name, key)] <= int(times) else ""

    async def _answer(self, request: web.BaseRequest, body: dict[str, Any], name: str) -> web.StreamResponse:
        model = str(body.get("model"))
        if name.isdigit():
            return _error(int(name), faults.error_body(f"scripted {name}"), {})
        if name in faults.ERRORS:
            return _error(*faults.ERRORS[name]())
        if name in faults.BROKEN_BODIES:
            status, content_type, raw = faults.BROKEN_BODIES[name]
            return web.Response(status=status, body=raw, content_type=content_type)
        if self._over_limit():
            return _error(*faults.ERRORS["429after1"]())
        if "input" in body and not name:
            payload = _vectors(body, model)
        else:
            payload = faults.ANSWERS[name](model) if name else self._plain(body, model)
        if not body.get("stream"):
            return web.Response(
                body=json.dumps(payload).encode(),
                content_type=faults.JSON,
                headers={"x-request-id": f"req-{self.books.received}"},
            )
        return await faults.send_events(request, faults.stream_events(payload))

    def _over_limit(self) -> bool:
        if self.conduct.limit_rps is None:
            return False
        second = int(time.monotonic())
        window, count = self._window
        self._window = (second, count + 1) if window == second else (second, 1)
        return self._window[1] > self.conduct.limit_rps

    def _plain(self, body: dict[str, Any], model: str) -> faults.Body:
        prompt = "\n".join(str(m.get("content")) for m in body.get("messages") or [])
        digest = hashlib.sha256(f"{model}\0{prompt}\0{body.get('seed')}".encode()).digest()
        told = self.conduct.responder(body) if self.conduct.responder else None
        text = (
            told
            if told is not None
            else self._drawn(prompt, digest) or f"Answer {digest.hex()[:12]} to: {prompt[-60:]}"
        )
        payload = faults.completion_body(text, model=model)
        used = {"prompt_tokens": 1 + len(prompt) // 4, "completion_tokens": 1 + len(text) // 4}
        payload["usage"] = used | {"total_tokens": sum(used.values())}
        return payload

    def _drawn(self, prompt: str, digest: bytes) -> str | None:
        reference = REFERENCE.search(prompt)
        if reference is None:
            return None
        share = next((share for phrase, share in self.conduct.success if phrase in prompt), 1.0)
        hit = int.from_bytes(digest[:4], "big") / 2**32 < share
        return reference[1] if hit else f"something else {digest.hex()[:4]}"


def _vectors(body: dict[str, Any], model: str) -> dict[str, Any]:
    """How often each of eight words stands in the text, the last one counted downwards."""
    words = ("cat", "dog", "sun", "rain", "yes", "no", "good", "bad")
    vectors = [[float(text.split().count(w)) * (-1 if w == "bad" else 1) for w in words] for text in body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    tokens = sum(1 + len(text) // 4 for text in body["input"])
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _last_text(body: dict[str, Any]) -> str:
    messages = body.get("messages") or [{}]
    return str(messages[-1].get("content"))


def _error(status: int, body: bytes, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, body=body, content_type=faults.JSON, headers=headers)


async def serve(conversation: Conversation, port: int) -> tuple[web.ServerRunner, int]:
    """The started server and its port (0 asks for a free one)."""
    runner = web.ServerRunner(web.Server(conversation.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, runner.addresses[0][1]


class FakeProvider:
    """The server in a thread of this process, with its books open to the test."""

    def __init__(
        self,
        *,
        latency_ms: float = 0,
        success: Mapping[str, float] | None = None,
        limit_rps: float | None = None,
        ledger: Path | None = None,
        responder: Responder | None = None,
    ) -> None:
        conduct = Conduct(latency_ms, tuple((success or {}).items()), limit_rps, ledger, responder)
        self._conversation = Conversation(conduct)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="fake-provider", daemon=True)
        self.port = 0

    @property
    def books(self) -> Books:
        return self._conversation.books

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeProvider:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the fake provider did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self.books.close()

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        runner, self.port = await serve(self._conversation, 0)
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()


async def _main(options: argparse.Namespace) -> None:
    success = tuple((phrase, float(share)) for phrase, share in (s.rsplit("=", 1) for s in options.success))
    conversation = Conversation(Conduct(options.latency_ms, success, options.limit_rps, options.ledger))
    _, port = await serve(conversation, options.port)
    print(f"listening on http://127.0.0.1:{port}/v1", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed; the address is the first line of stdout."""
    parser = argparse.ArgumentParser(description="A local OpenAI-compatible server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--limit-rps", type=float)
    parser.add_argument("--success", action="append", default=[], metavar="PHRASE=SHARE", help="may be given again")
    options = parser.parse_args()
    try:
        import uvloop
    except ImportError:  # Windows: the server is only slower there
        runner = asyncio.run
    else:
        runner = uvloop.run
    with contextlib.suppress(KeyboardInterrupt):
        runner(_main(options))


if __name__ == "__main__":
    main()
