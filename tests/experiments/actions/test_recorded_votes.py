"""Recorded votes become a closed rating session: a verdict, raters, sides and exports as for votes of our own."""

import json

import pytest

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.results.open_results import open_results
from experiments.datasets.output_columns import OutputOptions
from experiments.errors import BakeoffError, Conflict
from experiments.views.rating.report import session_report
from experiments.views.rating.sessions import newest_session_id
from experiments.views.results.exports import export_rows
from experiments.views.runs.experiments import experiment_names
from storage.store import Store
from tests.builders import ADA


def _votes(rows: int = 60, raters: int = 6) -> list[dict]:
    """Two of three votes are for 'new', as often on the left as on the right."""
    made = []
    for row in range(rows):
        for vote in range(2):
            new_is_left = (row + vote) % 2 == 0
            for_new = (row * 2 + vote) % 3 > 0
            left, right = ("new", "old") if new_is_left else ("old", "new")
            made.append(
                {
                    "question_id": f"q{row}",
                    "model_a": left,
                    "model_b": right,
                    "winner": "model_a" if for_new == new_is_left else "model_b",
                    "judge": f"person {(row * 2 + vote) % raters}",
                    "answer_a": f"{left} {row}",
                    "answer_b": f"{right} {row}",
                }
            )
    return made


def _imported(store: Store, votes: list[dict], name: str = "arena"):
    content = "".join(json.dumps(vote) + "\n" for vote in votes).encode()
    options = OutputOptions(control="old")
    return import_outputs(store, content, filename="votes.jsonl", experiment=name, actor=ADA, options=options)


def test_votes_lead_to_a_verdict_on_what_was_preferred(store: Store):
    done = _imported(store, _votes())
    result = open_results(store, "arena", actor=ADA)

    assert done.outputs == 120
    assert "120 votes of 6 raters" in " ".join(done.told)
    [preferred] = [c for c in result["comparisons"] if c["metric"] == "preferred" and c["slice"] is None]
    assert preferred["estimate"] == pytest.approx(2 / 3 - 0.5)
    assert not [h for h in result["health"] if h["check"] in {"sides", "known_answers"} and h["status"] == "fail"]


def test_the_session_is_closed_and_keeps_who_said_what_on_which_side(store: Store):
    _imported(store, _votes(rows=3, raters=2))
    report = session_report(store, newest_session_id(store, "arena"))
    rows = list(export_rows(store, "arena", "ratings")[1])

    assert [rater.label for rater in report.raters] == ["Rater 1 (person 0)", "Rater 2 (person 1)"]
    assert len(rows) == 6
    assert {row["value"] for row in rows} == {0.0, 1.0}
    assert {(row["variant"], row["opponent"]) for row in rows} == {("old", "new")}
    assert all((row["choice"] == row["side"]) == (row["value"] == 1.0) for row in rows)


def test_a_second_import_is_refused_and_a_bad_file_keeps_nothing(store: Store):
    with pytest.raises(BakeoffError, match="line 2"):
        _imported(store, [_votes()[0], {**_votes()[1], "winner": "neither"}])
    assert experiment_names(store, archived=True) == []
    _imported(store, _votes())
    with pytest.raises(Conflict, match="already"):
        _imported(store, _votes())
