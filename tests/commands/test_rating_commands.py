"""``bakeoff rate`` as its users meet it."""

import json

import pytest
from starlette.testclient import TestClient

from commands import terminal
from tests.rating_builders import answers, arrived, imported, opened, rate_everything, served

SESSION = """
question: Which reply would you send?
overlap: 1
repeats: 0
quota: 20
"""


@pytest.fixture
def replies(bakeoff, tmp_path):
    """An experiment of imported answers."""
    (tmp_path / "answers.jsonl").write_bytes(answers(40))
    (tmp_path / "session.yaml").write_text(SESSION)
    assert bakeoff("import", "outputs", "answers.jsonl", "--experiment", "replies").code == 0


def _rated(link: str, choose) -> int:
    with TestClient(served(terminal.store())) as client:
        assert client.get("/r/" + link.rsplit("/", 1)[1], follow_redirects=False).status_code == 303
        return len(rate_everything(client, choose))


@pytest.mark.usefixtures("replies")
def test_from_the_link_to_the_result(bakeoff):
    opened = bakeoff("rate", "open", "replies", "--file", "session.yaml", "--json")
    told = json.loads(opened.out)
    assert (told["items"], told["ratings"], told["raters_needed"], told["metric"]) == (40, 40, 2, "preferred")
    assert told["link"].startswith("http://127.0.0.1:8501/r/")
    assert "minutes of work" in opened.err
    for expected in (20, 20):
        assert _rated(told["link"], lambda task: "left" if "kind" in task["left"] else "right") == expected
    status = json.loads(bakeoff("rate", "status", "replies", "--json").out)
    assert (status["summary"]["ratings"], status["summary"]["items_full"]) == (40, 40)
    assert status["result"]["pairs"][0]["wins"] == 40
    assert [rater["done"] for rater in status["raters"]] == [20, 20]
    shown = bakeoff("rate", "status", "replies").out
    assert "40 of 40 ratings" in shown
    assert "Whether raters agree cannot be told yet" in shown
    assert bakeoff("rate", "close", "replies").out.strip() == "Closed."
    assert json.loads(bakeoff("rate", "close", "replies", "--json").out)["closed_now"] is False
    rows = bakeoff("export", "replies", "--what", "ratings").out.splitlines()
    assert len(rows) == 40
    results = json.loads(bakeoff("results", "replies", "--json").out)
    assert "preferred" in {c["metric"] for c in results["comparisons"]}


@pytest.mark.usefixtures("replies")
def test_the_price_is_told_without_opening(bakeoff):
    dry = bakeoff("rate", "open", "replies", "--dry-run", "--json")
    told = json.loads(dry.out)
    assert (told["items"], told["ratings"]) == (40, 80)
    assert told["minutes_total"] > 5
    assert "link" not in told
    missing = bakeoff("rate", "status", "replies")
    assert (missing.code, "no rating session" in missing.err) == (2, True)


@pytest.mark.usefixtures("replies")
def test_a_new_link_takes_the_place_of_the_old_one(bakeoff):
    first = bakeoff("rate", "open", "replies").out.strip()
    made = json.loads(bakeoff("rate", "link", "replies", "--revoke", "--raters", "3", "--json").out)
    assert (made["revoked"], made["most_raters"]) == (1, 3)
    with TestClient(served(terminal.store())) as client:
        assert client.get("/r/" + first.rsplit("/", 1)[1], follow_redirects=False).status_code == 410
        assert client.get("/r/" + made["link"].rsplit("/", 1)[1], follow_redirects=False).status_code == 303
    assert bakeoff("rate", "link", "replies").out.startswith("http://127.0.0.1:8501/r/")


@pytest.mark.usefixtures("replies")
def test_mistakes_are_one_line(bakeoff, tmp_path):
    (tmp_path / "bad.yaml").write_text("overlap: 2\nquestoin: x\n")
    bad = bakeoff("rate", "open", "replies", "--file", "bad.yaml")
    assert bad.code == 2
    assert bad.err.strip().splitlines() == [
        "bakeoff: bad.yaml, line 2: unknown key 'questoin'. Did you mean 'question'?"
    ]
    assert "replies" in bakeoff("rate", "open", "replie").err


@pytest.mark.usefixtures("replies")
def test_the_result_says_for_whom_it_speaks_where_ratings_decide(bakeoff):
    store = terminal.store()
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    session = opened(store, imported(store, "decided", rows=24, plan=plan), overlap=2)
    with TestClient(served(store)) as client:
        for _ in range(2):
            rate_everything(arrived(client, session), lambda task: "left" if "kind" in task["left"] else "right")
    shown = bakeoff("results", "decided").out
    assert "The result speaks for its 2 raters, not for raters in general." in shown
    assert "Gwet's AC1 is 1.00 of 1" in shown
    assert "there is no Krippendorff's alpha" in shown
