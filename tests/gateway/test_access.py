"""Default-deny: no route answers without a key that has its scope."""

import asyncio

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from experiments.actions.installation.manage_keys import create_key, revoke_key
from gateway import asgi, routes
from gateway.auth import refuse_open_routes
from gateway.limits import BoundedBody
from storage.store import Store
from tests.builders import ADA


def _calls(store: Store) -> list[tuple[str, str]]:
    found = []
    for route in routes.api(store).routes:
        if isinstance(route, APIRoute):
            found += [(method, "/api" + route.path.replace("{name}", "x")) for method in route.methods]
    return found


def test_every_route_refuses_a_caller_without_a_key(store: Store, client: TestClient):
    answers = {(m, p): client.request(m, p, json={"reason": "x"}).status_code for m, p in _calls(store)}
    assert len(answers) >= 8
    assert set(answers.values()) == {401}


@pytest.mark.parametrize(
    "key", ["", "bk_", "bk_0_x", "Bearer", "bk_000000000000_" + "x" * 43, "x" * 5000, "bk_a' OR 1=1--_x"]
)
def test_malformed_and_unknown_keys_are_refused(client: TestClient, key: str):
    answer = client.get("/api/v1/prompts", headers={"X-API-Key": key})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"


def test_a_key_in_the_query_string_is_not_accepted(store: Store, client: TestClient):
    made = create_key(store, "t", ["read"], actor=ADA)
    assert client.get(f"/api/v1/prompts?key={made.key}&api_key={made.key}").status_code == 401


def test_both_headers_are_accepted(store: Store, client: TestClient):
    made = create_key(store, "t", ["read"], actor=ADA)
    for headers in (
        {"X-API-Key": made.key},
        {"Authorization": f"Bearer {made.key}"},
        {"Authorization": f"bearer {made.key}"},
    ):
        assert client.get("/api/v1/prompts", headers=headers).status_code == 200


def test_a_scope_is_not_enough_for_another(client: TestClient, key):
    answer = client.post("/api/v1/experiments/x/promote", json={}, headers=key("read", "assign", "ingest"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_a_revoked_key_stops_at_once(store: Store, client: TestClient):
    made = create_key(store, "t", ["read"], actor=ADA)
    headers = {"X-API-Key": made.key}
    assert client.get("/api/v1/prompts", headers=headers).status_code == 200
    revoke_key(store, made.record.id, actor=ADA)
    assert client.get("/api/v1/prompts", headers=headers).status_code == 401


def test_an_expired_key_is_refused(store: Store, client: TestClient, clock):
    made = create_key(store, "t", ["read"], actor=ADA, days_valid=1)
    clock.advance(days=2)
    assert client.get("/api/v1/prompts", headers={"X-API-Key": made.key}).status_code == 401


def test_the_secret_of_a_key_is_not_in_the_database(sqlite_store: Store):
    made = create_key(sqlite_store, "t", ["read"], actor=ADA)
    with sqlite_store.engine.connect() as connection:
        dump = "\n".join(connection.connection.iterdump())
    assert made.record.id in dump
    assert made.key.split("_", 2)[2] not in dump


def test_a_route_without_scope_stops_the_start():
    app = FastAPI()

    @app.get("/open")
    def opened() -> dict[str, str]:
        return {}

    with pytest.raises(RuntimeError, match="declares no scope"):
        refuse_open_routes(app)


def test_only_health_answers_to_anybody(client: TestClient):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    assert client.get("/metrics").status_code == 401


def test_metrics_are_for_keys_that_read(client: TestClient, key):
    text = client.get("/metrics", headers=key("read")).text
    assert "bakeoff_workers_alive 0" in text
    assert client.get("/metrics", headers=key("ingest")).status_code == 401


def test_every_answer_carries_the_security_headers(client: TestClient):
    headers = client.get("/healthz").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


def test_a_body_that_trickles_in_is_refused_after_a_while(monkeypatch):
    monkeypatch.setattr(asgi, "BODY_WITHIN_S", 0.05)
    sent = []

    async def go():
        async def receive():
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message):
            sent.append(message)

        async def app(*_):
            raise AssertionError("the body never came to its end")

        scope = {"type": "http", "headers": [], "method": "POST", "path": "/v1/prompts"}
        await BoundedBody(app)(scope, receive, send)

    asyncio.run(go())

    assert sent[0]["status"] == 408
    assert b"too_slow" in sent[1]["body"]
