"""The registry and experiments over HTTP."""

import pytest
from starlette.testclient import TestClient

from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.prompts.content import text_prompt
from storage.store import Store
from tests.builders import ADA, made, run_to_end


@pytest.fixture
def reply(store: Store) -> None:
    """A prompt with two versions, the first in production."""
    for text in ("Answer: {{ticket}}", "Answer kindly: {{ticket}}"):
        save_prompt(store, "reply", text_prompt(text, model="demo/small", parameters={"temperature": 0.2}), actor=ADA)
    set_label(store, "reply", label="production", at="1", actor=ADA)


@pytest.mark.usefixtures("reply")
def test_production_is_fetched_by_default(client: TestClient, key):
    body = client.get("/api/v1/prompts/reply", headers=key("read")).json()
    assert body["version"] == 1
    assert body["messages"] == [{"role": "user", "content": "Answer: {{ticket}}"}]
    assert (body["model"], body["parameters"], body["variables"]) == ("demo/small", {"temperature": 0.2}, ["ticket"])


@pytest.mark.usefixtures("reply")
def test_a_version_is_fetched_by_number(client: TestClient, key):
    assert client.get("/api/v1/prompts/reply?version=2", headers=key("read")).json()["version"] == 2


@pytest.mark.usefixtures("reply")
def test_an_unchanged_prompt_answers_304(store: Store, client: TestClient, key):
    headers = key("read")
    etag = client.get("/api/v1/prompts/reply", headers=headers).headers["etag"]
    again = client.get("/api/v1/prompts/reply", headers={**headers, "If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.usefixtures("reply")
def test_a_prompt_is_rendered_with_variables(client: TestClient, key):
    answer = client.post(
        "/api/v1/prompts/reply/render", json={"variables": {"ticket": "Hi {{x}}"}}, headers=key("read")
    )
    assert answer.json()["messages"] == [{"role": "user", "content": "Answer: Hi {{x}}"}]


@pytest.mark.usefixtures("reply")
def test_a_missing_variable_is_named(client: TestClient, key):
    answer = client.post("/api/v1/prompts/reply/render", json={}, headers=key("read"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "missing_variable")
    assert "ticket" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/prompts/nothing", "no_such_prompt"),
        ("/api/v1/prompts/reply?label=staging", "no_such_label"),
        ("/api/v1/prompts/reply?version=9", "no_such_version"),
        ("/api/v1/experiments/nothing/results", "no_such_experiment"),
        ("/api/v1/nothing", "not_found"),
    ],
)
@pytest.mark.usefixtures("reply")
def test_what_is_not_there_is_404_in_the_one_shape(client: TestClient, key, path: str, code: str):
    answer = client.get(path, headers=key("read"))
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    "body", [b"{", b'{"to": 5}', b'{"unknown": 1}', b"[]", b'{"variant": {"a": 1}}', b'"x"', b'{"reason": null}']
)
def test_a_malformed_body_is_422_in_the_one_shape(client: TestClient, key, body: bytes):
    headers = {**key("promote"), "Content-Type": "application/json"}
    answer = client.post("/api/v1/experiments/x/promote", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_body"


def test_a_body_above_a_megabyte_is_refused(client: TestClient, key):
    headers = {**key("promote"), "Content-Type": "application/json"}
    big = b'{"reason": "' + b"x" * 1_100_000 + b'"}'
    announced = client.post("/api/v1/experiments/x/promote", content=big, headers=headers)
    streamed = client.post(
        "/api/v1/experiments/x/promote", content=iter([big[:600_000], big[600_000:]]), headers=headers
    )
    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert announced.json()["error"]["code"] == "too_large"


def test_results_and_promotion_and_rollback_go_through_the_api(store: Store, client: TestClient, key):
    made(store, rows=60)
    run_to_end(store)
    set_label(store, "sums", label="production", at="1", actor=ADA)
    reads, promotes = key("read"), key("promote")
    results = client.get("/api/v1/experiments/sums/results", headers=reads).json()
    promoted = client.post("/api/v1/experiments/sums/promote", json={"to": "production"}, headers=promotes).json()
    served = client.get("/api/v1/prompts/sums", headers=reads).json()
    back = client.post("/api/v1/prompts/sums/rollback", json={"reason": "wrong tone"}, headers=promotes).json()
    assert results["verdict"]["outcome"] == "ship"
    assert (promoted["variant"], promoted["version"], served["version"]) == ("B", 2, 2)
    assert (back["version"], back["previous_version"]) == (1, 2)


def test_a_refused_promotion_is_409_with_the_reason(store: Store, client: TestClient, key):
    made(store, rows=5)
    run_to_end(store)
    answer = client.post(
        "/api/v1/experiments/sums/promote", json={"variant": "B", "reason": "x" * 40}, headers=key("promote")
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "verdict_refuses")


def test_experiments_are_listed(store: Store, client: TestClient, key):
    made(store, rows=3)
    [listed] = client.get("/api/v1/experiments", headers=key("read")).json()["experiments"]
    assert (listed["name"], listed["state"], listed["variants"]) == ("sums", "draft", ["A", "B"])


def test_the_description_names_every_route(client: TestClient, key):
    paths = client.get("/api/v1/openapi.json", headers=key("read")).json()["paths"]
    assert {
        "/api/v1/prompts/{name}",
        "/api/v1/experiments/{name}/promote",
        "/api/v1/assignments",
        "/api/v1/outcomes",
        "/v1/chat/completions",
    } <= set(paths)


def test_an_unexpected_error_tells_nothing_of_the_inside(client: TestClient, key, monkeypatch):
    headers = key("read")

    def broken(*_a: object, **_k: object) -> None:
        raise RuntimeError("secret /srv/path SELECT")

    monkeypatch.setattr("gateway.prompts.list_prompts", broken)
    answer = client.get("/api/v1/prompts", headers=headers)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text
