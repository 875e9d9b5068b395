"""``bakeoff resume --retry-failed``: failed rows are tried again, whatever state their run was left in."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from commands import terminal
from experiments.vocabulary import RunState
from tests.builders import questions_csv
from tests.fake_provider import FakeProvider

EXPERIMENT = """
name: sums
dataset: questions.csv
unit: id
variants:
  - {name: A, prompt: "A {{question}}", model: openai/fake-small}
  - {name: B, prompt: "[[fault:500*1]] B {{question}}", model: openai/fake-small}
scorers: [{contains: {text: a}}]
plan: {primary: {metric: contains, smallest_effect: 0.05}}
limits: {attempts: 1}
"""


@pytest.fixture
def half_failed(bakeoff, tmp_path, monkeypatch) -> Iterator:
    """An experiment that ran to its end, all of whose B failed once; they succeed when they are asked again."""
    (tmp_path / "questions.csv").write_bytes(questions_csv(6))
    (tmp_path / "sums.yaml").write_text(EXPERIMENT)
    with FakeProvider() as provider:
        monkeypatch.setenv("OPENAI_API_BASE", provider.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        bakeoff("run", "sums.yaml", "--yes")
        assert _statuses(bakeoff) == {"ok": 6, "failed": 6}
        yield bakeoff


def _statuses(bakeoff) -> dict[str, int]:
    rows = [json.loads(line) for line in bakeoff("export", "sums", "--what", "outputs").out.splitlines()]
    return dict(Counter(row["status"] for row in rows))


def _left(state: RunState) -> None:
    with terminal.store().begin() as tx:
        [run] = tx.runs.newest_by_experiment().values()
        tx.runs.change(run.id, state=state)


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.PAUSED, RunState.STOPPED, RunState.RUNNING])
def test_failed_rows_are_tried_again_and_the_rest_is_kept(half_failed, state):
    before = len(half_failed("export", "sums", "--what", "attempts").out.splitlines())
    _left(state)

    done = half_failed("resume", "sums", "--retry-failed")

    assert (done.code, "6 failed rows will be tried again." in done.err) == (0, True), done.err
    assert _statuses(half_failed) == {"ok": 12}
    assert len(half_failed("export", "sums", "--what", "attempts").out.splitlines()) == before + 6


def test_without_a_name_every_run_with_failed_rows_is_taken_up(half_failed):
    assert "Nothing is unfinished." in half_failed("resume").err

    done = half_failed("resume", "--retry-failed")

    assert (done.code, _statuses(half_failed)) == (0, {"ok": 12}), done.err
    again = half_failed("resume", "--retry-failed")
    assert (again.code, "Nothing is unfinished." in again.err) == (0, True)


def test_nothing_failed_is_said_in_one_line(half_failed):
    half_failed("resume", "sums", "--retry-failed")

    done = half_failed("resume", "sums", "--retry-failed")

    assert (done.code, done.err.count("No row failed")) == (2, 1)
