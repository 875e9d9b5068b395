"""Quality checks as a person uses the page: write, try, save, apply, read where people differ, accept a suggestion."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from experiments.actions.trying.answer_preview import answer_preview
from experiments.completions import CompletionSettings, open_completions
from experiments.views.results.exports import export_rows
from experiments.vocabulary import RunState, new_id
from pages.components import session
from storage import imports
from storage.store import Store
from tests.builders import made, run_to_end, work

SHELL = str(Path(__file__).resolve().parents[2] / "pages" / "navigation.py")
RUBRIC = "Passes when the answer is JSON."


def rate(store: Store, run_id: str, experiment_id: str) -> None:
    """People like B's answers (JSON) and dislike A's, and say why."""
    with store.begin() as tx:
        names = {v.id: v.name for v in tx.experiments.variants(experiment_id)}
        rows = []
        for output, _, _ in imports.outputs_to_score(tx, run_id):
            liked = names[output["variant_id"]] == "B"
            rows.append(
                {
                    "id": new_id(),
                    "experiment_id": experiment_id,
                    "output_id": output["id"],
                    "metric": "tidy",
                    "rater_id": "eve",
                    "value": float(liked),
                    "comment": "" if liked else "This is prose, not JSON",
                    "created_at": tx.clock(),
                }
            )
        imports.insert_outputs(tx, [], [], rows)


@pytest.fixture
def store(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An installation with a finished, rated experiment, as the pages see it."""
    made(sqlite_store, rows=30)
    run = run_to_end(sqlite_store)
    rate(sqlite_store, run.id, run.experiment_id)
    monkeypatch.setenv("BAKEOFF_DATABASE_URL", sqlite_store.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("BAKEOFF_SAMPLE", "0")
    st.cache_resource.clear()
    st.cache_data.clear()
    yield sqlite_store
    session.store().close()
    st.cache_resource.clear()
    st.cache_data.clear()


def answer_tries(store: Store) -> None:
    """What the worker does with queued tries."""

    async def go() -> None:
        completions = open_completions(CompletionSettings.from_env({"BAKEOFF_DEMO_TIME_SCALE": "0"}), environ={})
        with store.read() as tx:
            queued = tx.previews.queued(limit=100)
        for preview in queued:
            await answer_preview(store, completions, preview, worker="w")
        await completions.aclose()

    asyncio.run(go())


def ran(at: AppTest) -> AppTest:
    """The page run again; it may not end in an exception or an error."""
    at.run()
    assert [problem.value for problem in at.exception] == []
    assert [problem.value for problem in at.error] == []
    return at


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return ran(at)


def words(at: AppTest) -> str:
    drawn = [e.value for e in at.html] + [str(e.value) for kind in (at.markdown, at.caption, at.header) for e in kind]
    return " ".join(" ".join(drawn).replace("\\", "").split())


def written(at: AppTest) -> AppTest:
    at.text_input(key="check_name").set_value("tidy")
    at.text_area(key="check_rubric").set_value(RUBRIC)
    return ran(at)


def page() -> AppTest:
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.run()
    at.switch_page("check_quality.py")
    return ran(at)


def test_a_check_is_tried_saved_and_applied_and_disagreements_are_read(store: Store) -> None:
    at = written(page())
    before = len(_generated(store))

    press(at, "try_check")
    answer_tries(store)
    ran(at)
    assert "Agrees with people on" in words(at)
    assert "is JSON" in words(at)

    at.text_input(key="check_note").set_value("the first one")
    press(at, "save_check")
    with store.read() as tx:
        [check] = tx.checks.all()
        [version] = tx.checks.versions(check.id)
    assert (check.name, version.number, version.note) == ("tidy", 1, "the first one")

    press(at, "apply_check")
    with store.read() as tx:
        [run] = tx.runs.of_experiment(tx.experiments.by_name("sums").id)
    assert run.state == RunState.QUEUED
    work(store, run)
    ran(at)
    assert "tidy by tidy@1" in words(at)
    assert "Agrees with people on" in words(at)
    assert "on which they differ" in words(at) or "say the same of all" in words(at)
    assert len(_generated(store)) == before


def test_suggestions_wait_for_a_person(store: Store) -> None:
    at = written(page())
    with store.read() as tx:
        scorers = [u.metric for u in tx.experiments.scorers(tx.experiments.by_name("sums").id)]
    found = words(at)
    assert "The answer is valid JSON." in found
    assert "Fails when people would say: This is prose, not JSON." in found
    assert scorers == ["has_key", "numeric_answer"]
    assert at.text_area(key="check_rubric").value == RUBRIC

    line = next(b.key for b in at.button if b.label == "Add to the rubric")
    press(at, line)
    assert "prose, not JSON" in at.text_area(key="check_rubric").value
    rule = next(b.key for b in at.button if b.label == "Score by it")
    press(at, rule)
    with store.read() as tx:
        added = {u.metric for u in tx.experiments.scorers(tx.experiments.by_name("sums").id)} - set(scorers)
    assert len(added) == 1


def _generated(store: Store) -> list[str]:
    return [row["attempt_id"] for row in export_rows(store, "sums", "attempts")[1] if row["purpose"] == "generate"]
