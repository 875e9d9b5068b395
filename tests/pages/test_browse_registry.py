"""In production: what is live and why, its history, and the way back with a reason."""

from streamlit.testing.v1 import AppTest

from experiments.actions.registry.promote import promote
from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.views.registry.prompts import get_prompt, label_history
from tests.builders import ADA
from tests.pages.conftest import Opened

REASON = "Sales asked for plain text, twice."


def _back_dialog(prompt):
    """The dialog alone: under test a dialog closes with the next run, here each run opens it."""
    from experiments.views.registry.served import live_card
    from pages.components.live.card import roll_back_dialog
    from pages.components.session import store

    roll_back_dialog(live_card(store(), prompt))


def _promoted_twice(store):
    set_label(store, "sums", label="production", at="1", actor=ADA, reason="the first one")
    promote(store, "sums", label="production", actor=ADA)


def test_nothing_live_offers_the_first_version(app, finished):
    page = app(finished).go("browse_registry.py")
    assert "Nothing is live. Applications get an error until a version is." in page.words

    page.at.selectbox(key="first_sums_production").set_value(1)
    page.run().press("Put it into production")

    assert get_prompt(finished, "sums").labels["production"] == 1
    assert "version 1 live since just now" in page.words


def test_without_prompts_the_page_says_what_to_do(app, empty):
    page = app(empty).go("browse_registry.py")

    assert "Nothing promoted yet" in page.words
    assert page.at.page_link[-1].label == "Write a prompt"


def test_a_card_tells_version_person_reason_and_evidence(app, finished):
    _promoted_twice(finished)
    page = app(finished).go("browse_registry.py")

    assert "version 2 live since just now promoted by ada demo/small" in page.words
    assert "Promote B. It scored +100.0 points" in page.words
    assert "What version 2 changed against version 1, live before it:" in page.words
    assert "has key 0 100 +100.0 points" in page.words
    assert "+100.0 points" in page.words
    assert "Roll back" in page.buttons


def test_the_history_holds_every_move_with_its_reason(app, finished):
    _promoted_twice(finished)
    roll_back(finished, "sums", actor=ADA, reason="the help desk reads another form")

    page = app(finished).go("browse_registry.py")

    table = next(element.value for element in page.at.html if "rolled back to version 1" in element.value)
    assert "set to version 1" in table
    assert "promoted to version 2 (was 1)" in table
    assert "the help desk reads another form" in table


def test_a_roll_back_without_a_reason_changes_nothing(app, finished):
    _promoted_twice(finished)
    app(finished)
    dialog = Opened(AppTest.from_function(_back_dialog, args=("sums",), default_timeout=60)).run()
    dialog.press("Roll back to version 1")
    assert dialog.errors == ["A rollback needs a reason. Say in a few words why."]
    assert get_prompt(finished, "sums").labels["production"] == 2

    dialog.at.text_input(key="back_reason").set_value("wrong language")
    dialog.press("Roll back to version 1")

    move = label_history(finished, "sums", label="production")[0]
    assert (move.version, move.previous_version, move.kind, move.reason) == (1, 2, "rollback", "wrong language")


def test_staging_has_its_own_cards(app, finished):
    _promoted_twice(finished)
    promote(finished, "swapped", label="staging", actor=ADA, variant="B", reason=REASON)

    page = app(finished).go("browse_registry.py", label="staging")

    assert "version 1 live since just now promoted by ada" in page.words
    assert REASON in page.words
    assert "?label=staging" in page.at.code[0].value
