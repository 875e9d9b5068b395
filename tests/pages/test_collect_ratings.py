"""Rate answers, for the owner: open a session, see the link once, follow it, read it, end it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from experiments.actions.rating.open_rating import OpenedSession, close_session
from experiments.ratings.session_file import SessionSpec
from experiments.views.rating.sessions import rating_sessions
from storage.store import Store
from tests.builders import ADA
from tests.pages.conftest import Opened
from tests.rating_builders import arrived, imported, opened, rate_everything, served

PAGE = "collect_ratings.py"
Open = Callable[[Store], Opened]


def everybody_rates(store: Store, session: OpenedSession, *, choices: tuple[str, ...] = ("kind", "kind")) -> None:
    """One rater after the other prefers a tone (the plain one on every sixth row), or always takes a side."""

    def choose(wanted: str, task: dict[str, str]) -> str:
        if wanted in ("left", "right"):
            return wanted
        number = int(re.search(r"number (\d+)", task["prompt_text"])[1])
        return "left" if (wanted if number % 6 else "plain") in task["left"] else "right"

    for wanted in choices:
        with TestClient(served(store), base_url="http://localhost") as client:
            rate_everything(arrived(client, session), lambda task, wanted=wanted: choose(wanted, task))


def test_without_answers_the_page_says_what_comes_first(app: Open, empty: Store) -> None:
    page = app(empty).go(PAGE)

    assert "First, some answers" in page.words
    assert page.at.page_link[-1].label == "Experiments"


def test_a_session_is_opened_with_its_minutes_shown_before(app: Open, finished: Store) -> None:
    page = app(finished).go(PAGE, exp="swapped")
    assert "Items 40" in page.words
    assert "Ratings 80, and 4 checks" in page.words
    assert "Each rater about" in page.words

    page.at.selectbox(key="rate_pick").set_value("random")
    page.at.text_input(key="rate_question_pairwise").set_value("Which one would you send?")
    page.run()
    page.at.number_input(key="rate_count").set_value(12)
    page.run()
    assert "Items 12" in page.words
    page.press("Open the session")

    (session,) = rating_sessions(finished)
    assert (session.experiment, session.items, session.question) == ("swapped", 12, "Which one would you send?")
    link = page.at.code[0].value
    assert "/r/" in link
    assert "shown once" in page.words
    page.press("I have copied it")
    assert [code.value for code in page.at.code if "/r/" in code.value] == []


@pytest.mark.parametrize("kind", ["scale", "categories"])
def test_every_kind_of_question_can_be_opened(app: Open, finished: Store, kind: str) -> None:
    page = app(finished).go(PAGE, exp="sums")
    page.at.segmented_control(key="rate_kind").set_value(kind)
    page.run().press("Open the session")

    (session,) = rating_sessions(finished)
    with finished.read() as tx:
        record = tx.ratings.get(session.id)
    assert record is not None
    spec = SessionSpec.model_validate(record.spec)
    assert spec.kind == kind
    assert len(spec.choices()) == {"scale": 5, "categories": 3}[kind]


def test_what_does_not_fit_is_said_and_opens_nothing(app: Open, finished: Store) -> None:
    page = app(finished).go(PAGE, exp="sums")
    page.at.text_input(key="rate_measure").set_value("numeric_answer")
    page.run()

    assert any("'numeric_answer' is measured by something else" in error for error in page.errors)
    assert next(button for button in page.at.button if button.label == "Open the session").disabled
    assert rating_sessions(finished) == ()


def test_the_report_tells_result_agreement_sides_and_raters(app: Open, empty: Store) -> None:
    session = opened(empty, imported(empty, rows=24))
    everybody_rates(empty, session)

    page = app(empty).go(PAGE, session=session.session_id)

    assert "48 of 48 ratings" in page.at.get("progress")[0].proto.text
    assert "red-fox is rated better than blue-owl" in page.words
    assert "red-fox won 20 items, tied 0 and lost 4." in page.words
    assert "Raters agree well" in page.words
    assert "Left was chosen" in page.words
    assert "Rater 1" in page.words
    assert "Rater 2" in page.words
    page.at.toggle(key="rate_items").set_value(True)
    page.run()
    titles = [expander.label for expander in page.at.expander]
    assert sum(title.endswith("2 of 2 ratings · red\\-fox") for title in titles) == 20


def test_a_rater_left_out_by_the_rule_is_named_and_the_result_shown_both_ways(app: Open, empty: Store) -> None:
    rule = {"gold_below": None, "same_answer_above": 0.9}
    session = opened(empty, imported(empty, rows=24), overlap=3, exclusion=rule)
    everybody_rates(empty, session, choices=("kind", "kind", "left"))

    page = app(empty).go(PAGE, session=session.session_id)

    assert "With everybody**, those left out by the rule too" in page.words
    assert page.words.count("is rated better than blue-owl") == 2
    assert "Left out: the same answer 24 of 24 times." in page.words


def test_links_are_renewed_and_revoked_and_closing_is_asked_first(app: Open, empty: Store) -> None:
    session = opened(empty, imported(empty))
    page = app(empty).go(PAGE, session=session.session_id)

    page.press("New link")
    assert "/r/" in page.at.code[0].value
    page.press("Revoke links")
    (found,) = rating_sessions(empty)
    assert found.link.state == "revoked"
    assert "link revoked" in page.words
    page.press("Close")
    (found,) = rating_sessions(empty)
    assert found.state == "open"
    assert "it cannot be opened again" in page.words
    assert "Close it" in page.buttons  # under test a dialog closes with the next run

    close_session(empty, found.id, actor=ADA)
    assert "Close" not in page.run().buttons


def test_home_says_what_waits_for_raters(app: Open, empty: Store) -> None:
    opened(empty, imported(empty), question="Which one helps?")

    page = app(empty)

    assert "12 items waiting for raters" in page.words
    assert "Which one helps?" in page.words
    assert "See the raters" in [link.label for link in page.at.page_link]


def test_a_session_opened_from_the_list_stays_open_when_a_link_is_made(app: Open, finished: Store) -> None:
    opened(finished, imported(finished))
    page = app(finished).go(PAGE)
    page.press("**replies** · session 1").press("New link")

    assert "The raters' link." in page.words
    assert re.search(r"/r/\S+", page.at.code[0].value)
    page.press("All sessions")
    assert [title.value for title in page.at.title] == ["Rate answers"]


def test_the_result_says_for_whom_it_speaks_where_ratings_decide(app: Open, empty: Store) -> None:
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    session = opened(empty, imported(empty, rows=24, plan=plan), overlap=6, raters=6)
    everybody_rates(empty, session, choices=("kind",) * 5 + ("plain",))

    words = app(empty).go("read_results.py", exp="replies").words

    assert "For these 6 raters: +" in words
    assert "For raters in general, with strict and mild ones evened out: +" in words
    assert "Gwet's AC1 is" in words
    assert "Krippendorff's alpha is" in words
