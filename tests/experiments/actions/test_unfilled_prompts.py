"""Prompts that hold less than their author means are refused before anything is paid, unless that is meant so."""

import pytest

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.runs.start_run import PILOT, start_run
from experiments.errors import BakeoffError
from experiments.views.registry.prompt_notices import experiment_notices
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of


def _spec(a: str, b: str, **changes):
    prompts = zip("AB", (a, b), strict=True)
    return spec_of(variants=[{"name": n, "prompt": p, "model": "demo/small"} for n, p in prompts], **changes)


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("Please: {question}", "not_a_variable"),
        ("{{question | upper}} {{question}}", "not_a_variable"),
        ("@@@langfusePrompt:name=x@@@ {{question}}", "not_a_variable"),
        ("Say hello", "same_request"),
    ],
)
@pytest.mark.parametrize("kind", ["full", PILOT])
def test_a_prompt_that_fills_in_nothing_is_refused_before_a_call(store: Store, prompt: str, code: str, kind: str):
    made(store, _spec("{{question}}", prompt), rows=4)
    assert experiment_notices(store, "sums")
    with pytest.raises(BakeoffError) as caught:
        start_run(store, "sums", actor=ADA, kind=kind)
    assert caught.value.code == code
    assert "as_written" in caught.value.hint
    assert "B" in caught.value.message


def test_equal_cells_make_equal_requests_too(store: Store):
    rows = b"id,question,answer,topic\n" + b"".join(b"%d,q,a,sums\n" % n for n in range(4))
    done = import_dataset(store, rows, filename="q.csv", name="questions", actor=ADA)
    create_experiment(store, _spec("{{question}}", "{{topic}}"), dataset_version_id=done.version.id, actor=ADA)
    with pytest.raises(BakeoffError, match="every row has the same value"):
        start_run(store, "sums", actor=ADA)


def test_one_row_is_one_request(store: Store):
    made(store, _spec("Say hello", "Say hi"), rows=3)
    assert start_run(store, "sums", actor=ADA, rows=1).planned_trials == 2


def test_the_file_or_the_caller_accepts_prompts_as_written(store: Store):
    made(store, _spec("Say {question}", "Say hi", as_written=True), rows=3)
    assert experiment_notices(store, "sums") == ()
    assert run_to_end(store).state == "finished"


def test_a_run_that_was_accepted_goes_on(store: Store):
    made(store, _spec("Say hello", "Say hi"), rows=3)
    start_run(store, "sums", actor=ADA, as_written=True)
    assert start_run(store, "sums", actor=ADA).planned_trials == 6
