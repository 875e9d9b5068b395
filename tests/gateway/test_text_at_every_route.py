"""Text over HTTP: every script passes, what no database keeps is refused, and no answer is a 500."""

import json
from pathlib import Path

import httpx
import pytest

from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.prompts.content import text_prompt
from storage.store import Store
from tests.builders import ADA
from tests.gateway.conftest import Served, environ_of, go_live, served

ROOT = Path(__file__).resolve().parents[2]

SCRIPTS = ["Ünï cödé", "e\u0301", "שלום עולם", "مرحبا", "日本語", "👩‍👩‍👧", "a\u202eb"]
UNSTORABLE = ["a\x00b", "a\ud800b", "\udfff"]


@pytest.fixture
def running(store: Store, tmp_path: Path, provider) -> Served:
    """A server over either database, with a live test."""
    save_prompt(store, "reply", text_prompt("Answer: {{ticket}}", model="openai/fake-small"), actor=ADA)
    for label in ("production", "staging"):
        set_label(store, "reply", label=label, at="1", actor=ADA)
    go_live(store, slices=["plan"])
    with served(store, tmp_path, environ_of(provider)) as opened:
        yield opened


def _post(running: Served, path: str, body: object) -> httpx.Response:
    """The answer to a body whose odd characters are escaped, as JSON writers do."""
    headers = {**running.headers, "content-type": "application/json"}
    return httpx.post(f"{running.address}{path}", content=json.dumps(body), headers=headers, timeout=20)


def _chat(running: Served, model: str, **body: object) -> httpx.Response:
    return _post(running, "/v1/chat/completions", {"model": model, **body})


def _outcome(**changes: object) -> dict[str, object]:
    return {"experiment": "refund-reply", "unit": "u", "metric": "resolved", "value": 1, **changes}


ROUTES = {
    "variable of a render": lambda r, t: _post(r, "/api/v1/prompts/reply/render", {"variables": {"ticket": t}}),
    "name of a variable": lambda r, t: _chat(r, "prompt:reply", variables={"ticket": "x", t: "y"}),
    "label of a render": lambda r, t: _post(r, "/api/v1/prompts/reply/render", {"variables": {}, "label": t}),
    "variable of a chat": lambda r, t: _chat(r, "prompt:reply", variables={"ticket": t}),
    "variable of a live test": lambda r, t: _chat(r, "experiment:refund-reply", variables={"ticket": t}, user="u1"),
    "unit of a chat": lambda r, t: _chat(r, "experiment:refund-reply", variables={"ticket": "x"}, user=t),
    "prompt of a chat": lambda r, t: _chat(r, f"prompt:{t}", variables={"ticket": "x"}),
    "unit of an assignment": lambda r, t: _post(r, "/api/v1/assignments", {"experiment": "refund-reply", "unit": t}),
    "experiment of an assignment": lambda r, t: _post(r, "/api/v1/assignments", {"experiment": t, "unit": "u"}),
    "variable of an assignment": lambda r, t: _post(
        r, "/api/v1/assignments", {"experiment": "refund-reply", "unit": "u", "variables": {"ticket": t}}
    ),
    "unit of an outcome": lambda r, t: _post(r, "/api/v1/outcomes", _outcome(unit=t)),
    "metric of an outcome": lambda r, t: _post(r, "/api/v1/outcomes", _outcome(metric=t)),
    "experiment of an outcome": lambda r, t: _post(r, "/api/v1/outcomes", _outcome(experiment=t)),
    "key of an outcome": lambda r, t: _post(r, "/api/v1/outcomes", _outcome(idempotency_key=t)),
    "time of an outcome": lambda r, t: _post(r, "/api/v1/outcomes", _outcome(at=t)),
}


def _is_plain(answer: httpx.Response) -> bool:
    telling = ("Traceback", "SELECT", "INSERT", "sqlalchemy", "psycopg", str(ROOT))
    return not any(word in answer.text for word in telling)


def test_text_at_every_route(running: Served):
    """One server for all of them: a start takes longer than all requests together."""
    for place, ask in ROUTES.items():
        for text in UNSTORABLE:
            answer = ask(running, text)
            assert answer.status_code in (400, 404, 422), (place, text, answer.status_code, answer.text)
            assert _is_plain(answer), (place, answer.text)
        for text in SCRIPTS:
            answer = ask(running, text)
            assert answer.status_code < 500, (place, text, answer.text)
            assert _is_plain(answer), (place, answer.text)
    batch = [_outcome(unit="good"), _outcome(unit="a\x00b"), _outcome(experiment="a\x00b"), _outcome(unit="日本語")]
    results = _post(running, "/api/v1/outcomes", batch).json()
    assert [result["status"] for result in results["results"]] == [200, 400, 400, 200]
    met = _post(
        running,
        "/api/v1/assignments",
        {"experiment": "refund-reply", "unit": "u9", "context": {"plan": "a\x00b\ud800"}},
    )
    assert met.status_code == 200
    flag = _post(
        running,
        "/ofrep/v1/evaluate/flags/refund-reply",
        {"context": {"targetingKey": "u10", "plan": "a\x00b", "x\ud800": "y"}},
    )
    assert flag.status_code == 200
    for path in ("/api/v1/prompts/a%00b", "/api/v1/experiments/a%00b/results", "/api/v1/prompts/%ED%A0%80"):
        answer = httpx.get(f"{running.address}{path}", headers=running.headers)
        assert (answer.status_code in (400, 404), _is_plain(answer)) == (True, True), (path, answer.text)
    assert _chat(running, "prompt:reply", variables={"ticket": "x" * 10_000_000}).status_code in (400, 413)
    assert _post(running, "/api/v1/outcomes", _outcome(unit="x" * 10_000_000)).status_code == 413
    running.delivered()
