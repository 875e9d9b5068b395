"""Signals of a run in the terminal and of a worker: the first lets calls that are out end, the second does not wait for them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.actions.runs.start_run import start_run
from experiments.views.results.exports import export_rows
from storage import schema
from storage.store import open_store
from tests.builders import ADA, made, questions_csv, spec_of
from tests.fake_provider import FakeProvider

ROOT = Path(__file__).resolve().parent.parent.parent
EXPERIMENT = """
name: sums
dataset: questions.csv
unit: id
variants:
  - {name: A, prompt: "A {{question}}", model: openai/fake-small}
  - {name: B, prompt: "B {{question}}", model: openai/fake-small}
scorers: [{contains: {text: a}}]
plan: {primary: {metric: contains, smallest_effect: 0.05}}
limits: {concurrency: 4}
"""


@pytest.fixture
def provider(request):
    with FakeProvider(latency_ms=getattr(request, "param", 1500)) as running:
        yield running


@pytest.fixture
def started(tmp_path, provider):
    (tmp_path / "questions.csv").write_bytes(questions_csv(20))
    (tmp_path / "sums.yaml").write_text(EXPERIMENT)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BAKEOFF_")},
        "BAKEOFF_HOME": str(tmp_path / "home"),
        "OPENAI_API_BASE": provider.base_url,
        "OPENAI_API_KEY": "sk-test",
        "PYTHONPATH": str(ROOT),
    }
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            cwd=tmp_path,
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def _heed_ctrl_c():
    """A shell that starts the tests in the background makes them, and all their processes, ignore Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _until_calls_are_out(provider, count=4):
    until = time.monotonic() + 60
    while provider.books.received < count:
        assert time.monotonic() < until
        time.sleep(0.02)


def _attempts(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'home' / 'bakeoff.db'}")
    found = [dict(row) for row in export_rows(store, "sums", "attempts")[1]]
    store.close()
    return found


@pytest.mark.faults
@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_calls_that_are_out_are_finished_and_kept(tmp_path, provider, started, name):
    process = started("run", "sums.yaml", "--yes")
    _until_calls_are_out(provider)

    process.send_signal(name)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "Interrupted; everything finished is kept." in said
    assert {a["state"] for a in _attempts(tmp_path)} == {"done"}


@pytest.mark.faults
def test_a_second_signal_does_not_wait(tmp_path, provider, started):
    process = started("run", "sums.yaml", "--yes")
    _until_calls_are_out(provider)

    process.send_signal(signal.SIGINT)
    line = process.stderr.readline()
    while "Stopping" not in line:
        line = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "sending" in {a["state"] for a in _attempts(tmp_path)}


@pytest.mark.faults
@pytest.mark.parametrize("provider", [15_000], indirect=True)  # less than a worker waits for after one signal
def test_a_second_signal_ends_a_worker_without_waiting_for_its_calls(tmp_path, provider, started):
    (tmp_path / "home").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'home' / 'bakeoff.db'}")
    schema.upgrade(store.engine)
    models = [{"name": name, "prompt": name + " {{question}}", "model": "openai/fake-small"} for name in "AB"]
    made(store, spec_of(variants=models), rows=20)
    start_run(store, "sums", actor=ADA)
    store.close()
    process = started("worker")
    _until_calls_are_out(provider)

    process.send_signal(signal.SIGTERM)
    line = process.stderr.readline()
    while "once more to end at once" not in line:
        assert line
        line = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert "sending" in {a["state"] for a in _attempts(tmp_path)}


@pytest.mark.faults
def test_one_who_watches_an_interrupted_run_does_not_end_as_if_it_were_done(provider, started):
    first = started("run", "sums.yaml", "--yes")
    _until_calls_are_out(provider)
    second = started("run", "sums.yaml", "--yes")
    line = second.stderr.readline()
    while "Another worker is on it" not in line:
        assert line
        line = second.stderr.readline()

    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    _, said = second.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (130, 2), said
    assert "Paused: interrupted in the terminal" in said
