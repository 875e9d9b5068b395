"""Looks, as the result page draws them over time."""

import pytest

from experiments.actions.results.open_results import open_results
from experiments.views.results.looks import SeenRange, ranges_over_time
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of

PLAN = {"primary": {"metric": "numeric_answer", "smallest_effect": 0.05}, "stopping": "sequential", "planned_units": 90}


def _ranges(store: Store, experiment_id: str) -> tuple[SeenRange, ...]:
    return ranges_over_time(store, experiment_id, metric="numeric_answer", aggregate="mean", treatment="B")


def test_a_watched_result_narrows_look_by_look(store: Store):
    experiment = made(store, spec_of(plan=PLAN), rows=90)
    assert _ranges(store, experiment.id) == ()

    run_to_end(store, rows=45)
    open_results(store, "sums", actor=ADA)
    run_to_end(store)
    primary = open_results(store, "sums", actor=ADA)["comparisons"][0]

    first, last = _ranges(store, experiment.id)
    assert (first.units, last.units) == (45, 90)
    assert first.lower <= last.lower <= last.upper <= first.upper
    shown = [primary["estimate"], primary["lower"], primary["upper"]]
    assert [last.estimate, last.lower, last.upper] == pytest.approx(shown, rel=1e-9)


def test_a_result_that_is_read_once_has_no_band(store: Store):
    experiment = made(store, rows=40)
    run_to_end(store)
    open_results(store, "sums", actor=ADA)

    assert _ranges(store, experiment.id) == ()
