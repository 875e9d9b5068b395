"""Votes that are unfit to decide on block the verdict, and the reason is named."""

import pytest
from starlette.testclient import TestClient

from experiments.actions.rating.open_rating import close_session
from experiments.actions.results.analyse import fresh_analysis
from storage.store import Store
from tests.builders import ADA
from tests.rating_builders import arrived, imported, opened, rate_everything, served, vote

DECIDES = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
GOLD = [{"unit": f"t{i}", "answer": "red-fox"} for i in range(0, 12, 2)]


@pytest.fixture
def client(store: Store):
    """A browser in front of the server."""
    with TestClient(served(store)) as opened_client:
        yield opened_client


def kind_side(task):
    return "left" if "kind" in task["left"] else "right"


def plain_side(task):
    return "right" if "kind" in task["left"] else "left"


def health_of(result):
    return {check["check"]: check for check in result["health"] if check["status"] != "ok"}


def rate_or_skip(client: TestClient, choose) -> None:
    """Rate until nothing is left; where ``choose(task)`` gives nothing the task is skipped."""
    done, tasks = 0, client.get("/api/v1/rate/state").json()["tasks"]
    while tasks:
        votes = []
        for task in tasks:
            choice = choose(task)
            votes.append(vote(task["id"], choice or "", seq=done, action="vote" if choice else "skip"))
            done += 1
        answer = client.post("/api/v1/rate/votes", json={"votes": votes, "have": []}).json()
        assert answer["refused"] == []
        tasks = answer["tasks"]


def test_raters_who_miss_known_answers_together_block_the_verdict(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=60, plan=DECIDES), gold=GOLD, overlap=3)
    for choose in (kind_side, plain_side, plain_side):
        rate_everything(arrived(client, session), choose)
    close_session(store, session.session_id, actor=ADA)
    verdict = fresh_analysis(store, "replies").result["verdict"]
    assert (verdict["outcome"], verdict["deciding_rule"]) == ("cannot_decide", "health:known_answers")
    assert "leaves out 2 of 3 raters" in verdict["detail"]


def test_a_rule_that_leaves_out_most_raters_blocks_the_verdict(store: Store, client: TestClient):
    rule = {"gold_below": None, "same_answer_above": 0.95}
    session = opened(store, imported(store, rows=60, plan=DECIDES), overlap=3, exclusion=rule)
    for choose in (kind_side, lambda _task: "both_good", lambda _task: "both_bad"):
        rate_everything(arrived(client, session), choose)
    close_session(store, session.session_id, actor=ADA)
    verdict = fresh_analysis(store, "replies").result["verdict"]
    assert (verdict["outcome"], verdict["deciding_rule"]) == ("cannot_decide", "health:known_answers")
    assert "leaves out 2 of 3 raters" in verdict["detail"]


def test_votes_that_follow_one_side_block_the_verdict(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=60, plan=DECIDES), overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), lambda _task: "left")
    verdict = fresh_analysis(store, "replies").result["verdict"]
    assert (verdict["outcome"], verdict["deciding_rule"]) == ("cannot_decide", "health:sides")
    assert "chose the left side 120 of 120 times" in verdict["detail"]


def test_a_lean_to_the_side_of_one_variant_blocks_the_verdict(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=80, plan=DECIDES), overlap=2)

    def mostly_left_beside_plain(task):
        if "kind" not in task["left"]:
            return None
        return "right" if int(task["prompt_text"].split("number ")[1].split(":")[0]) % 4 == 0 else "left"

    for _ in range(2):
        rate_or_skip(arrived(client, session), mostly_left_beside_plain)
    close_session(store, session.session_id, actor=ADA)
    verdict = fresh_analysis(store, "replies").result["verdict"]
    assert (verdict["outcome"], verdict["deciding_rule"]) == ("cannot_decide", "health:sides")
    assert "side and answer cannot be told apart" in verdict["detail"]


def test_a_clear_preference_with_shuffled_sides_still_ships(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=60, plan=DECIDES), gold=GOLD, overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), kind_side)
    result = fresh_analysis(store, "replies").result
    assert result["verdict"]["outcome"] == "ship"
    assert not {"known_answers", "sides"} & set(health_of(result))


def test_votes_that_do_not_decide_are_warned_about(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=60), overlap=1)
    rate_everything(arrived(client, session), lambda _task: "left")
    result = fresh_analysis(store, "replies").result
    assert health_of(result)["sides"]["status"] == "warn"
    assert result["verdict"]["outcome"] != "cannot_decide"
