"""Imported answers and open sessions for tests of ratings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.rating.open_rating import OpenedSession, open_session
from experiments.plans.plan import Plan
from experiments.ratings.session_file import session_from
from gateway import routes
from gateway.callers import Admission
from storage.store import Store
from tests.builders import ADA

VARIANTS = ("blue-owl", "red-fox")


def answers(rows: int = 12, variants: Sequence[str] = VARIANTS) -> bytes:
    """Answers as JSON lines; a text says its row and which variant's turn it is in words that name nobody."""
    tones = ("plain", "kind", "short", "long")
    lines = [
        {
            "example_id": f"t{i}",
            "variant": variant,
            "output": f"Answer to ticket {i} in a {tone} tone.",
            "ticket": f"Ticket number {i}: where is my parcel?",
            "language": "de" if i % 3 == 0 else "en",
            "score:length": 10 + (i % 2) * place,
        }
        for i in range(rows)
        for place, (variant, tone) in enumerate(zip(variants, tones, strict=False))
    ]
    return "\n".join(json.dumps(line) for line in lines).encode()


def imported(
    store: Store,
    name: str = "replies",
    *,
    rows: int = 12,
    variants: Sequence[str] = VARIANTS,
    plan: dict[str, Any] | None = None,
) -> str:
    """The name of an experiment of imported answers."""
    given = Plan.model_validate(plan or {"primary": {"metric": "length", "smallest_effect": 0.5}})
    import_outputs(store, answers(rows, variants), filename="answers.jsonl", experiment=name, actor=ADA, plan=given)
    return name


def opened(store: Store, name: str = "replies", **spec: Any) -> OpenedSession:
    """A session over an experiment's answers, repeats off unless asked for, with a fixed seed."""
    return open_session(store, name, session_from({"repeats": 0, "seed": 7, **spec}), actor=ADA)


def served(store: Store) -> Starlette:
    """The HTTP side of a server over a store."""
    return Starlette(
        routes=[
            Mount("/api", app=routes.api(store)),
            *(Route(path, endpoint) for path, endpoint in routes.raters(store).items()),
        ],
        middleware=routes.middleware(Admission(open_to_all=True)),
    )


def arrived(client: TestClient, session: OpenedSession) -> TestClient:
    """The client, with the cookie of a rater who came by the session's link."""
    client.cookies.clear()
    answer = client.get(session.path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/rate")
    return client


def vote(task: str, choice: str = "left", *, seq: int = 0, action: str = "vote", ms: int = 4000) -> dict[str, Any]:
    """One vote as the page sends it."""
    given = choice if action == "vote" else None
    return {"seq": seq, "task": task, "choice": given, "reasons": [], "comment": "", "ms": ms, "action": action}


def rate_everything(client: TestClient, choose: Any) -> list[str]:
    """Rate until nothing is left; ``choose(task)`` gives the choice. Returns the task ids in order."""
    done: list[str] = []
    tasks = client.get("/api/v1/rate/state").json()["tasks"]
    while tasks:
        votes = [vote(task["id"], choose(task), seq=len(done) + n) for n, task in enumerate(tasks)]
        answer = client.post("/api/v1/rate/votes", json={"votes": votes, "have": []}).json()
        assert answer["refused"] == []
        done += [task["id"] for task in tasks]
        tasks = answer["tasks"]
    return done
