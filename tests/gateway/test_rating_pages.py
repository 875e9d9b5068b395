"""A browser with links of two sessions: each page gets its own items, whichever link was opened last."""

from __future__ import annotations

from starlette.testclient import TestClient

from storage.store import Store
from tests.rating_builders import imported, opened, served, vote

RATE = "/api/v1/rate"


def _come(client: TestClient, path: str) -> dict[str, object]:
    assert client.get(path, follow_redirects=False).status_code == 303
    return client.get(f"{RATE}/state").json()


def test_a_page_that_says_whose_it_is_keeps_its_session(store: Store):
    imported(store)
    with TestClient(served(store), base_url="http://localhost") as client:
        first = _come(client, opened(store).path)
        second = _come(client, opened(store).path)
        mine = {"x-rater": first["rater"]["key"]}
        body = {"votes": [vote(first["tasks"][0]["id"])], "have": []}

        kept = client.post(f"{RATE}/votes", json=body, headers=mine).json()
        refused = client.post(f"{RATE}/votes", json=body).json()

    assert kept["acknowledged"] == [0]
    assert {t["id"] for t in kept["tasks"]}.isdisjoint(t["id"] for t in second["tasks"])
    assert refused["refused"][0]["code"] == "unknown_task"


def test_a_page_of_a_rater_this_browser_is_no_more_is_told_so(store: Store):
    imported(store)
    with TestClient(served(store), base_url="http://localhost") as client:
        _come(client, opened(store).path)
        answer = client.post(f"{RATE}/votes", json={"votes": [], "have": []}, headers={"x-rater": "somebody-else"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "link_needed")
