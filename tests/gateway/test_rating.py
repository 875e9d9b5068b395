"""Rating over HTTP: the link, the cookie, blind tasks, votes, undo, and what is refused."""

import json

import pytest
from starlette.testclient import TestClient

from experiments.actions.rating.open_rating import close_session, new_link, revoke_links
from storage.store import Store
from tests.builders import ADA
from tests.rating_builders import VARIANTS, arrived, imported, opened, rate_everything, vote


@pytest.fixture
def session(store: Store):
    """An open pairwise session over 12 rows, two raters an item."""
    imported(store)
    return opened(store, overlap=2)


def test_the_link_becomes_a_cookie_and_leaves_the_address_bar(client: TestClient, session):
    answer = client.get(session.path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/rate")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("bakeoff_rater=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert session.link.token not in cookie
    assert answer.headers["cache-control"] == "no-store"


def test_what_the_browser_receives_names_nobody(client: TestClient, session):
    arrived(client, session)
    text = client.get("/api/v1/rate/state").text
    body = json.loads(text)
    assert len(body["tasks"]) >= 2
    assert set(body["tasks"][0]) == {"id", "prompt_text", "left", "right"}
    for name in (
        *VARIANTS,
        "replies",
        session.session_id,
        "variant",
        "model",
        "swapped",
        "gold",
        "repeat",
        "output_id",
    ):
        assert name not in text


def test_a_session_is_rated_to_its_end(store: Store, client: TestClient, session):
    arrived(client, session)
    rated = rate_everything(client, lambda task: "left")
    assert len(set(rated)) == 12
    state = client.get("/api/v1/rate/state").json()
    assert (state["rater"]["done"], state["rater"]["left"], state["tasks"]) == (12, 0, [])
    assert state["last"]["id"] == rated[-1]
    arrived(client, session)
    assert len(rate_everything(client, lambda task: "right")) == 12
    arrived(client, session)
    assert client.get("/api/v1/rate/state").json()["rater"]["left"] == 0
    with store.read() as tx:
        assert tx.rating_tasks.counts([session.session_id]) == {session.session_id: (24, 24, 12)}


def test_a_vote_sent_twice_is_one_and_the_first_stands(store: Store, client: TestClient, session):
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    for choice in ("left", "right"):
        body = {"votes": [vote(task, choice, seq=4)], "have": []}
        answer = client.post("/api/v1/rate/votes", json=body).json()
        assert (answer["acknowledged"], answer["refused"], answer["done"]) == ([4], [], 1)
    with store.read() as tx:
        assert [row["choice"] for row in tx.rating_tasks.decided(session.session_id)] == ["left"]


def test_a_reload_shows_the_same_item_on_the_same_side(client: TestClient, session):
    arrived(client, session)
    first = client.get("/api/v1/rate/state").json()["tasks"]
    assert client.get("/api/v1/rate/state").json()["tasks"] == first


def test_undo_gives_the_same_task_back_and_a_retry_takes_nothing_more(client: TestClient, session):
    arrived(client, session)
    first, second = client.get("/api/v1/rate/state").json()["tasks"][:2]
    votes = [vote(first["id"], seq=1), vote(second["id"], seq=2)]
    client.post("/api/v1/rate/votes", json={"votes": votes, "have": []})
    for _ in range(2):
        back = client.post("/api/v1/rate/undo", json={"task": second["id"]}).json()
        assert (back["task"], back["last"], back["done"]) == (second, first, 1)
    assert client.post("/api/v1/rate/undo", json={"task": "nobody's"}).json()["task"] is None


@pytest.mark.parametrize("action", ["skip", "report"])
def test_skipped_and_reported_items_go_to_others(store: Store, client: TestClient, session, action: str):
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]
    answer = client.post("/api/v1/rate/votes", json={"votes": [vote(task["id"], action=action)], "have": []}).json()
    assert (answer["acknowledged"], answer["done"]) == ([0], 0)
    assert len(rate_everything(client, lambda task: "left")) == 11
    arrived(client, session)
    assert len(rate_everything(client, lambda task: "left")) == 12
    with store.read() as tx:
        assert tx.rating_tasks.counts([session.session_id])[session.session_id] == (23, 24, 11)


def test_refusals_are_final_and_named(store: Store, client: TestClient, session):
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    votes = [vote("nothing", seq=1), vote(task, "worst", seq=2)]
    answer = client.post("/api/v1/rate/votes", json={"votes": votes, "have": []}).json()
    assert [(r["seq"], r["code"]) for r in answer["refused"]] == [(1, "unknown_task"), (2, "bad_choice")]
    close_session(store, session.session_id, actor=ADA)
    answer = client.post("/api/v1/rate/votes", json={"votes": [vote(task, seq=3)], "have": [task]}).json()
    assert [r["code"] for r in answer["refused"]] == ["session_closed"]
    assert client.post("/api/v1/rate/undo", json={"task": task}).status_code == 410
    state = client.get("/api/v1/rate/state").json()
    assert (state["session"]["closed"], state["tasks"]) == (True, [])


def test_a_lease_that_ran_out_is_no_reason_to_lose_a_vote(store: Store, client: TestClient, clock):
    imported(store)
    session = opened(store, overlap=1)
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    clock.advance(minutes=11)
    answer = client.post("/api/v1/rate/votes", json={"votes": [vote(task)], "have": []}).json()
    assert answer["acknowledged"] == [0]


def _places(store: Store, clock) -> int:
    with store.read() as tx:
        [session] = tx.ratings.all()
        return sum(item.wanted - item.taken for item in tx.rating_tasks.open_items(session.id, "nobody", clock()))


def test_visitors_who_only_look_hold_little_and_not_for_long(store: Store, client: TestClient, session, clock):
    for _ in range(3):
        arrived(client, session)
        assert len(client.get("/api/v1/rate/state").json()["tasks"]) == 4
    assert _places(store, clock) == 24 - 3 * 4
    clock.advance(minutes=2)
    assert _places(store, clock) == 24
    arrived(client, session)
    assert len(rate_everything(client, lambda _task: "left")) == 12


def test_a_rater_who_stops_answering_gives_back_all_but_four(store: Store, client: TestClient, session, clock):
    arrived(client, session)
    first = client.get("/api/v1/rate/state").json()["tasks"][0]
    answer = client.post("/api/v1/rate/votes", json={"votes": [vote(first["id"])], "have": []}).json()
    assert len(answer["tasks"]) == 11
    assert _places(store, clock) == 24 - 12
    clock.advance(minutes=9)
    client.post("/api/v1/rate/votes", json={"votes": [], "have": []})
    clock.advance(minutes=9)
    client.post("/api/v1/rate/votes", json={"votes": [], "have": []})
    clock.advance(minutes=1, seconds=30)
    assert _places(store, clock) == 24 - 1 - 4


def test_a_lease_that_others_filled_is_lost(store: Store, client: TestClient, clock):
    imported(store, rows=2)
    session = opened(store, overlap=1)
    slow = dict(arrived(client, session).cookies)
    held = [task["id"] for task in client.get("/api/v1/rate/state").json()["tasks"]]
    clock.advance(minutes=11)
    arrived(client, session)
    assert len(rate_everything(client, lambda task: "left")) == 2
    client.cookies.clear()
    client.cookies.update(slow)
    answer = client.post("/api/v1/rate/votes", json={"votes": [vote(held[0], seq=9)], "have": [held[1]]}).json()
    assert [(r["seq"], r["code"]) for r in answer["refused"]] == [(9, "lease_lost")]
    assert answer["gone"] == [held[1]]


def test_two_tabs_make_one_rating(client: TestClient, session):
    arrived(client, session)
    tasks = client.get("/api/v1/rate/state").json()["tasks"]
    ids = [task["id"] for task in tasks]
    client.post("/api/v1/rate/votes", json={"votes": [vote(ids[0], seq=1)], "have": ids[1:]})
    other = client.post("/api/v1/rate/votes", json={"votes": [], "have": ids}).json()
    assert ids[0] in other["gone"]
    assert other["done"] == 1


def test_a_link_holds_no_more_raters_than_it_may_and_previews_take_no_place(store: Store, client: TestClient):
    imported(store)
    session = opened(store, raters=1)
    for _ in range(3):
        arrived(client, session)  # a chat follows the link to show a preview, and never looks at the page
    assert client.get("/api/v1/rate/state").status_code == 200
    client.cookies.clear()
    answer = client.get(session.path, follow_redirects=False)
    assert answer.status_code == 410
    assert "places" in answer.text
    more = new_link(store, session.session_id, actor=ADA)
    assert client.get(more.path, follow_redirects=False).status_code == 303


def test_a_revoked_and_an_expired_link_open_nothing_for_anybody(store: Store, client: TestClient, session, clock):
    arrived(client, session)
    assert client.get("/api/v1/rate/state").status_code == 200
    assert revoke_links(store, session.session_id, actor=ADA) == 1
    answer = client.get("/api/v1/rate/state")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "link_needed")
    assert client.get(session.path, follow_redirects=False).status_code == 410
    again = new_link(store, session.session_id, actor=ADA, days=1)
    clock.advance(days=2)
    assert client.get(again.path, follow_redirects=False).status_code == 410


def test_the_token_and_the_secret_are_not_in_the_database(sqlite_store: Store):
    from tests.rating_builders import served

    imported(sqlite_store)
    session = opened(sqlite_store)
    with TestClient(served(sqlite_store)) as client:
        arrived(client, session)
        secret = client.cookies["bakeoff_rater"]
        client.get("/api/v1/rate/state")
    with sqlite_store.engine.connect() as connection:
        dump = "\n".join(connection.connection.iterdump())
    assert session.session_id in dump
    assert session.link.token not in dump
    assert secret not in dump


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example", "Content-Type": "application/json"},
        {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_votes_from_other_sites_are_refused(client: TestClient, session, headers: dict[str, str]):
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    body = json.dumps({"votes": [vote(task)], "have": []})
    answer = client.post("/api/v1/rate/votes", content=body, headers=headers)
    assert answer.status_code in {403, 422}
    assert client.get("/api/v1/rate/state").json()["rater"]["done"] == 0


def test_votes_from_our_own_page_are_taken(client: TestClient, session):
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    headers = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/v1/rate/votes", json={"votes": [vote(task)]}, headers=headers).status_code == 200


@pytest.mark.parametrize("comment", ["\x00 nul", "half \ud800 a character", "x" * 9000])
def test_any_comment_is_kept_as_far_as_a_database_takes_it(store: Store, client: TestClient, session, comment: str):
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    body = json.dumps({"votes": [{**vote(task), "comment": comment}]})
    answer = client.post("/api/v1/rate/votes", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["acknowledged"] == [0]
    with store.read() as tx:
        [row] = tx.rating_tasks.decided(session.session_id)
    assert 0 < len(row["comment"]) <= 4000


def test_a_name_is_kept_only_where_it_is_asked_for(store: Store, client: TestClient):
    imported(store)
    arrived(client, opened(store, ask_name=True))
    assert client.post("/api/v1/rate/name", json={"name": "  Ada \n L. "}).json() == {"name": "Ada L."}
    assert client.get("/api/v1/rate/state").json()["rater"]["name"] == "Ada L."
    arrived(client, opened(store))
    assert client.post("/api/v1/rate/name", json={"name": "Ada"}).json() == {"name": ""}


def test_who_rates_in_two_sessions_is_one_rater_in_each(store: Store, client: TestClient):
    imported(store)
    first, second = opened(store, overlap=2), opened(store, overlap=2, metric="again")
    arrived(client, first)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]["id"]
    client.post("/api/v1/rate/votes", json={"votes": [vote(task)]})
    client.get(second.path, follow_redirects=False)
    assert client.get("/api/v1/rate/state").json()["rater"]["done"] == 0
    client.get(first.path, follow_redirects=False)
    assert client.get("/api/v1/rate/state").json()["rater"]["done"] == 1
    with store.read() as tx:
        assert [len(tx.ratings.raters(s.session_id)) for s in (first, second)] == [1, 1]


def test_who_comes_back_by_a_new_link_is_the_same_rater(store: Store, client: TestClient, session):
    arrived(client, session)
    rate_everything(client, lambda task: "left")
    revoke_links(store, session.session_id, actor=ADA)
    client.get(new_link(store, session.session_id, actor=ADA).path, follow_redirects=False)
    assert client.get("/api/v1/rate/state").json()["rater"]["done"] == 12
    with store.read() as tx:
        assert len(tx.ratings.raters(session.session_id)) == 1
