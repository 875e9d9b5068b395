"""Scorers of one's own: a file in a folder is a metric like any other, and an edited one is noticed."""

import pytest

from experiments.actions.results.open_results import open_results
from experiments.actions.results.rescore import rescore
from experiments.actions.runs.start_run import start_run
from experiments.errors import BakeoffError
from experiments.views.results.exports import export_rows
from experiments.vocabulary import RunState
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of, work

SHOUTING = '''
from experiments.scoring import MetricKind, Score, ScoringContext, scorer

@scorer(kind=MetricKind.BINARY, version="1")
def shouting(ctx: ScoringContext) -> Score:
    """1 when the output has a brace."""
    return Score(float("{" in ctx.output))
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one scorer."""
    path = tmp_path / "scorers"
    path.mkdir()
    (path / "shouting.py").write_text(SHOUTING)
    monkeypatch.setenv("BAKEOFF_SCORERS", str(path))
    return path


def _spec():
    plan = {"primary": {"metric": "shouting", "smallest_effect": 0.05}}
    return spec_of(scorers=["shouting"], plan=plan)


@pytest.mark.usefixtures("folder")
def test_a_scorer_of_ones_own_decides_an_experiment(sqlite_store: Store):
    made(sqlite_store, _spec(), rows=40)
    run_to_end(sqlite_store)
    assert open_results(sqlite_store, "sums", actor=ADA)["verdict"]["outcome"] == "ship"


def test_an_edited_scorer_is_noticed_before_anything_is_spent(sqlite_store: Store, folder):
    made(sqlite_store, _spec(), rows=3)
    (folder / "shouting.py").write_text(SHOUTING.replace('"{"', '"["'))
    with pytest.raises(BakeoffError) as error:
        start_run(sqlite_store, "sums", actor=ADA)
    assert error.value.code == "scorer_changed"


def test_a_scorer_edited_while_its_run_waits_stops_the_run_before_a_call(sqlite_store: Store, folder):
    made(sqlite_store, _spec(), rows=3)
    run = start_run(sqlite_store, "sums", actor=ADA)
    (folder / "shouting.py").write_text(SHOUTING.replace('"{"', '"["'))

    work(sqlite_store, run)

    with sqlite_store.read() as tx:
        stopped = tx.runs.get(run.id)
    assert stopped.state == RunState.STOPPED
    assert stopped.state_reason.startswith("scorer_changed: The scorer 'shouting' changed")
    assert "bakeoff score 'sums'" in stopped.state_reason
    assert list(export_rows(sqlite_store, "sums", "attempts")[1]) == []


def test_an_edited_scorer_scores_all_anew(sqlite_store: Store, folder):
    made(
        sqlite_store,
        spec_of(
            scorers=["shouting", "numeric_answer"],
            plan={"primary": {"metric": "numeric_answer", "smallest_effect": 0.1}},
        ),
        rows=3,
    )
    run_to_end(sqlite_store)
    (folder / "shouting.py").write_text(SHOUTING.replace('"{"', '"["'))
    assert rescore(sqlite_store, "sums", actor=ADA) == {"shouting": 6, "numeric_answer": 0}


def test_a_folder_that_does_not_exist_is_named(sqlite_store: Store, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_SCORERS", str(tmp_path / "nothing"))
    with pytest.raises(BakeoffError) as error:
        made(sqlite_store, _spec(), rows=3)
    assert error.value.code == "no_scorer_folder"
