"""A provider that is down: the run waits for it, and no row is lost to it. A row's own fault is stored as before."""

import itertools
import logging

import pytest

from experiments.completions import Completions
from experiments.experiment_file import Limits
from experiments.views.results.exports import export_rows
from experiments.views.runs.progress import run_progress
from experiments.vocabulary import Failure, FailureKind, RunState
from tests.builders import made, run_to_end, spec_of
from tests.fake_provider import FakeProvider

DOWN = "[[fault:503]]"


@pytest.fixture(autouse=True)
def _quick_probes(monkeypatch):
    monkeypatch.setattr("experiments.actions.runs.brake.FIRST_PROBE_S", 0.01)
    monkeypatch.setattr("experiments.actions.runs.brake.LONGEST_PROBE_S", 0.05)


def _spec(mark: str):
    variants = [
        {"name": name, "prompt": f"{name} {{{{question}}}} {mark}", "model": "openai/fake-small"} for name in "AB"
    ]
    return spec_of(variants=variants)


def _run(store, provider, **limits):
    environ = {"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": "sk-test"}
    return run_to_end(store, environ=environ, limits=Limits(**limits))


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("begins_at", [0, 17])
def test_no_row_is_lost_to_an_outage(sqlite_store, caplog, monkeypatch, concurrency, begins_at):
    caplog.set_level(logging.WARNING, "experiments.actions.runs.run_stages")
    calls, answer = itertools.count(), Completions.attempt

    async def attempt(self, request, **more):
        if begins_at <= next(calls) < begins_at + 60:
            return Failure(FailureKind.CONNECTION, "The connection could not be opened.", retryable=True)
        return await answer(self, request, **more)

    monkeypatch.setattr(Completions, "attempt", attempt)
    made(sqlite_store, _spec(""), rows=20)
    with FakeProvider() as provider:
        run = _run(sqlite_store, provider, concurrency=concurrency, attempts=1)
    outputs = [dict(row) for row in export_rows(sqlite_store, "sums", "outputs")[1]]
    assert run.state == RunState.FINISHED
    assert [o["status"] for o in outputs] == ["ok"] * 40
    told = [record.getMessage() for record in caplog.records]
    assert any("outage: openai does not answer" in message for message in told)
    assert "the provider answers again" in told


def test_an_outage_without_end_stops_the_run_and_takes_no_row(sqlite_store, monkeypatch):
    monkeypatch.setattr("experiments.actions.runs.brake.PATIENCE_S", 0.3)
    experiment = made(sqlite_store, _spec(DOWN), rows=20)
    with FakeProvider() as provider:
        _run(sqlite_store, provider, concurrency=8, attempts=1)
        calls = provider.books.received
    progress = run_progress(sqlite_store, experiment.id)
    assert (progress.state, progress.failed, progress.done) == (RunState.STOPPED, 0, 0)
    assert progress.reason.startswith("outage: ")
    assert calls < 100


def test_a_few_rows_that_fail_by_themselves_have_failed(sqlite_store):
    experiment = made(sqlite_store, _spec(DOWN), rows=4)
    with FakeProvider() as provider:
        run = _run(sqlite_store, provider, concurrency=8, attempts=1)
    progress = run_progress(sqlite_store, experiment.id)
    assert (run.state, progress.failed) == (RunState.FINISHED, 8)
