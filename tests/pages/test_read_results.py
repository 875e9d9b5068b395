"""One result: the sentence above everything, what stands behind it, the rows, and the guarded step into production."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from experiments.actions.runs.control_run import pause_run
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.runs.start_run import start_run
from experiments.views.datasets.datasets import get_dataset
from experiments.views.registry.prompts import get_prompt
from experiments.views.runs.experiments import experiment_names, get_experiment
from experiments.views.runs.progress import run_progress
from experiments.vocabulary import ExperimentState, RunState
from tests.builders import ADA, spec_of
from tests.pages.conftest import Opened


def _promote_dialog(name):
    """The dialog alone: under test a dialog closes with the next run, here each run opens it."""
    from experiments.actions.results.open_results import open_results
    from experiments.views.runs.experiments import get_experiment
    from pages.components.result.promotion import promote_dialog
    from pages.components.session import actor, store

    result = open_results(store(), name, actor=actor())
    promote_dialog(name, get_experiment(store(), name).arms[1], result)


def _dialog(app, store, name):
    app(store)
    return Opened(AppTest.from_function(_promote_dialog, args=(name,), default_timeout=60)).run()


def _draft(store, name="planned"):
    version = get_dataset(store, "questions").version_id
    return create_experiment(store, spec_of(name), dataset_version_id=version, actor=ADA)


def test_the_verdict_stands_above_everything_with_its_interval(app, finished):
    page = app(finished).go("read_results.py", exp="sums")

    assert "▲ B is better. You can promote it." in page.words
    assert re.search(r"B scored \+100\.0 points .*\+87\.6 and \+100\.0", page.words)
    assert page.words.index("You can promote it.") < page.words.index("has key")
    assert "Simulated model" in page.words
    assert [h.value for h in page.at.header] == ["How sure are we?", "Where it won and lost", "Read the answers"]


def test_every_measure_has_its_difference_limits_and_a_word(app, finished):
    page = app(finished).go("read_results.py", exp="swapped")

    table = next(element.value for element in page.at.html if "bk-table" in element.value)
    assert "has key" in table
    assert "−100.0" in table
    assert "▼ Worse" in table
    assert page.at.button(key="promote").label == "Promote B"
    assert "A is better. Keep A." in page.words


def test_slices_say_how_many_were_looked_at(app, finished):
    page = app(finished).go("read_results.py", exp="sums")

    assert "2 slices of 1 column looked at, corrected for that." in page.words


def test_filters_and_the_open_row_come_from_the_address(app, finished):
    page = app(finished).go("read_results.py", exp="sums", who="treatment", row="7")
    assert page.at.pills[0].value == "treatment"
    assert "**Row 7**" in page.words
    assert page.at.query_params["row"] == "7"

    page.at.pills[0].set_value("control")
    page.run()
    assert page.at.query_params["who"] == "control"
    assert "No row of this kind." in page.words


def test_an_address_that_means_nothing_shows_the_default(app, finished):
    page = app(finished).go("read_results.py", exp="sums", who="<b>", row="99999", measure="nothing", by="x")

    assert page.errors == []
    assert page.at.pills[0].value == "all"


def test_an_experiment_that_does_not_exist_is_an_error_with_its_name(app, finished):
    page = app(finished).go("read_results.py", exp="summs")

    assert len(page.errors) == 1
    assert "summs" in page.errors[0]
    assert "Which experiment?" in page.go("read_results.py").words


def test_a_draft_shows_its_plan_and_can_be_started_or_taken_back(app, finished):
    _draft(finished)
    page = app(finished).go("read_results.py", exp="planned")
    assert "Smallest gain worth having 5.0 points" in page.words
    assert {"Start the test", "Take the plan back"} <= set(page.buttons)

    page.press("Take the plan back")

    assert "planned" not in experiment_names(finished, archived=True)


def test_a_started_test_shows_progress_and_can_be_paused(app, finished):
    view = _draft(finished)[0]
    page = app(finished).go("read_results.py", exp="planned").press("Start the test")
    assert page.at.get("progress")[0].text.startswith("**0 of 80 answers**")
    assert "You can close this tab; the run goes on." in page.words

    page.press("Pause")

    assert run_progress(finished, view.id).state is RunState.PAUSED
    assert "Go on with the run" in page.buttons


def test_a_paused_run_goes_on_or_ends_for_good(app, finished):
    view = _draft(finished)[0]
    start_run(finished, "planned", actor=ADA)
    pause_run(finished, "planned", actor=ADA, reason="lunch")
    page = app(finished).go("read_results.py", exp="planned")
    page.press("Go on with the run")
    assert run_progress(finished, view.id).state is RunState.QUEUED

    page.press("Stop the run")

    assert run_progress(finished, view.id).state is RunState.CANCELLED


def test_the_dialog_promotes_a_winner_without_asking_why(app, finished):
    dialog = _dialog(app, finished, "sums")
    assert "**sums**: nothing yet → version 2 (B)" in dialog.words
    assert "Promote B. It scored +100.0 points" in dialog.words
    assert [area.label for area in dialog.at.text_area] == ["Note for the history (optional)"]
    dialog.press("Promote B to production")

    assert get_prompt(finished, "sums").labels["production"] == 2
    assert get_experiment(finished, "sums").state is ExperimentState.PROMOTED


@pytest.mark.parametrize(
    ("reason", "live"), [("", None), ("too short", None), ("Sales asked for plain text, twice.", 1)]
)
def test_the_dialog_needs_a_written_reason_against_the_verdict(app, finished, reason, live):
    dialog = _dialog(app, finished, "swapped")
    assert "Why is it right all the same? (at least 20 characters)" in [area.label for area in dialog.at.text_area]
    dialog.at.text_area(key="promote_reason").set_value(reason)
    dialog.press("Promote B to production")

    assert get_prompt(finished, "sums").labels["production"] == live
    assert any("needs a written reason" in error for error in dialog.errors) == (live is None)


def test_looking_at_a_result_is_noted(app, finished):
    app(finished).go("read_results.py", exp="sums")

    with finished.read() as tx:
        seen_by = tx.session.connection().exec_driver_sql("SELECT actor FROM look ORDER BY at").scalars().all()
    assert seen_by[0] == "ada"
    assert seen_by[-1].endswith("(browser)")
