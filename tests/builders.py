"""Small experiments for tests: the words of a test say what matters, this fills in the rest."""

from __future__ import annotations

import asyncio
from typing import Any

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.runs.start_run import start_run
from experiments.actions.runs.work import Worker
from experiments.completions import CompletionSettings, open_completions
from experiments.experiment_file import ExperimentSpec
from experiments.vocabulary import Actor, Role
from storage.records import ExperimentRecord, RunRecord
from storage.store import Store

ADA = Actor("ada", Role.ADMIN)
JSON_PROMPT = "Answer as JSON with the keys answer and unit. {{question}}"
AS_JSON = {"response_format": {"type": "json_object"}}


def questions_csv(rows: int = 40) -> bytes:
    """A test set of sums: id, question, answer, kind (even or odd)."""
    lines = ["id,question,answer,kind"]
    lines += [f"q{i},How much is {i} plus {i + 3}?,{2 * i + 3},{'odd' if i % 2 else 'even'}" for i in range(rows)]
    return "\n".join(lines).encode()


def spec_of(name: str = "sums", **changes: Any) -> ExperimentSpec:
    """An experiment of two demo variants over ``questions``; B is asked for JSON and wins on having its key."""
    given: dict[str, Any] = {
        "name": name,
        "dataset": "questions",
        "reference": "answer",
        "unit": "id",
        "variants": [
            {"name": "A", "prompt": "{{question}}", "model": "demo/small"},
            {"name": "B", "prompt": JSON_PROMPT, "model": "demo/small", "parameters": AS_JSON},
        ],
        "scorers": [{"contains": {"text": '"answer"', "name": "has_key"}}, "numeric_answer"],
        "plan": {"primary": {"metric": "has_key", "smallest_effect": 0.05}},
        "limits": {"concurrency": 8},
        **changes,
    }
    return ExperimentSpec.model_validate(given)


def made(store: Store, spec: ExperimentSpec | None = None, *, rows: int = 40) -> ExperimentRecord:
    """The experiment of a spec, with its test set imported."""
    spec = spec or spec_of()
    done = import_dataset(store, questions_csv(rows), filename="questions.csv", name="questions", actor=ADA)
    experiment, _ = create_experiment(store, spec, dataset_version_id=done.version.id, actor=ADA)
    return experiment


def run_to_end(store: Store, name: str = "sums", environ: dict[str, str] | None = None, **start: Any) -> RunRecord:
    """The run of an experiment, worked through in this process with demo models that do not wait."""
    run = start_run(store, name, actor=ADA, **start)
    work(store, run, environ)
    with store.read() as tx:
        return tx.runs.get(run.id)


def work(store: Store, run: RunRecord, environ: dict[str, str] | None = None) -> None:
    """Work through a queued run."""

    async def go() -> None:
        completions = open_completions(
            CompletionSettings.from_env({"BAKEOFF_DEMO_TIME_SCALE": "0", **(environ or {})}), environ=environ or {}
        )
        worker = Worker(store, completions)
        claimed = worker.claim(run.id)
        assert claimed is not None
        await worker.work_on(claimed)
        await completions.aclose()

    asyncio.run(go())
