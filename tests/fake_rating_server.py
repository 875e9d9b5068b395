"""The rating routes without a database: the contract of the rater's screen, with faults on demand.

Also serves the screen itself on a bare page, so that it can be looked at and pressed without a Streamlit server.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pages.components.rate.component import BASE, markup, script, style

PAIRWISE = [
    {"value": "left", "label": "Left is better", "key": "1"},
    {"value": "both_good", "label": "Both good", "key": "2"},
    {"value": "both_bad", "label": "Both bad", "key": "3"},
    {"value": "right", "label": "Right is better", "key": "4"},
]


@dataclass
class FakeSession:
    """One rater's session in memory. Faults: ``delay_s`` on every reply; ``down`` answers 503; ``lose_replies`` applies a
    request and then answers 503, that many times; ``end`` answers with that status and code."""

    tasks: list[dict[str, str]]
    session: dict[str, Any] = field(default_factory=dict)
    leased: int = 20
    delay_s: float = 0.0
    down: bool = False
    lose_replies: int = 0
    end: tuple[int, str] | None = None
    votes: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    ask_name: bool = False
    name: str | None = None

    def open_tasks(self) -> list[dict[str, str]]:
        left = [t for t in self.tasks if t["id"] not in self.votes and t["id"] not in self.gone]
        return left[: self.leased]

    def counts(self) -> dict[str, int]:
        done = sum(v["action"] == "vote" for v in self.votes.values())
        return {"done": done, "left": len(self.tasks) - len(self.votes) - len(self.gone)}

    def last(self) -> dict[str, str] | None:
        return next((t for t in self.tasks if self.order and t["id"] == self.order[-1]), None)

    def state(self) -> dict[str, Any]:
        session = {
            "kind": "pairwise",
            "question": "Which answer helps more?",
            "instructions": "",
            "examples": [],
            "choices": PAIRWISE,
            "reasons": [],
            "comment": False,
            "closed": False,
            "quota": len(self.tasks),
            "seconds_per_item": 20.0,
            **self.session,
        }
        rater = {"key": "r1", "name": self.name, "ask_name": self.ask_name, **self.counts()}
        return {"session": session, "rater": rater, "tasks": self.open_tasks(), "last": self.last()}

    def vote(self, body: dict[str, Any]) -> dict[str, Any]:
        acknowledged, refused = [], []
        known = {t["id"] for t in self.tasks}
        for vote in body["votes"]:
            task = vote["task"]
            if task not in known or task in self.gone:
                refused.append(
                    {"seq": vote["seq"], "code": "lease_lost", "message": "That item went to somebody else."}
                )
                continue
            acknowledged.append(vote["seq"])
            if task not in self.votes:
                self.votes[task] = vote
                self.order.append(task)
        have = set(body["have"])
        return {
            "acknowledged": acknowledged,
            "refused": refused,
            "tasks": [t for t in self.open_tasks() if t["id"] not in have],
            "gone": [i for i in have if i in self.gone or i in self.votes],
            **self.counts(),
        }

    def undo(self, body: dict[str, Any]) -> dict[str, Any]:
        task = body["task"]
        if task in self.votes:
            del self.votes[task]
            self.order.remove(task)
        found = next((t for t in self.tasks if t["id"] == task), None)
        return {"task": found, "last": self.last(), **self.counts()}

    def rename(self, body: dict[str, Any]) -> dict[str, Any]:
        self.name = body["name"]
        return {"name": self.name}


def pairs(count: int, *, first: int = 0) -> list[dict[str, str]]:
    """Items whose texts say which they are."""
    return [
        {"id": f"t{i}", "prompt_text": f"Question {i}", "left": f"left {i}", "right": f"right {i}"}
        for i in range(first, first + count)
    ]


def application(fake: FakeSession) -> Starlette:
    """The bare page and the routes."""

    async def page(request: Request) -> Response:
        return HTMLResponse(
            "<!doctype html><meta name=viewport content='width=device-width'><link rel=icon href='data:,'>"
            "<div id=host></div><script type=module>import mount from '/rating.js';"
            f"const root = host.attachShadow({{mode: 'open'}}); root.innerHTML = {json.dumps(f'<style>{style()}</style>{markup()}')};"
            f"mount({{parentElement: root, data: {{base: '{BASE}'}}}});</script>"
        )

    async def module(request: Request) -> Response:
        return Response(script(), media_type="text/javascript")

    async def answer(request: Request) -> Response:
        await asyncio.sleep(fake.delay_s)
        if fake.down:
            return _refusal(503, "down")
        if fake.end:
            return _refusal(*fake.end)
        path = request.path_params["path"]
        body = await request.json() if request.method == "POST" else None
        deeds = {"votes": fake.vote, "undo": fake.undo, "name": fake.rename}
        reply = fake.state() if body is None else deeds[path](body)
        if body is not None and fake.lose_replies:
            fake.lose_replies -= 1
            return _refusal(503, "lost")
        return JSONResponse(reply)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/rating.js", module),
            Route(BASE + "/{path}", answer, methods=["GET", "POST"]),
        ]
    )


def _refusal(status: int, code: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": f"It says {code}.", "hint": "Look."}}, status)


@contextmanager
def serving_fake(fake: FakeSession) -> Iterator[str]:
    """The address at which the fake answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application(fake), port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
