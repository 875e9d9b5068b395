"""An experiment file on disk → the stored experiment; a test set beside it is imported on the way."""

from __future__ import annotations

from pathlib import Path

from commands import terminal
from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.runs.create_experiment import create_experiment
from experiments.errors import BakeoffError, NotFound
from experiments.experiment_file import ExperimentSpec, parse_experiment
from experiments.views.datasets.datasets import get_dataset
from experiments.views.registry.prompt_notices import experiment_notices
from experiments.vocabulary import Actor
from storage.records import ExperimentRecord
from storage.store import Store

FILE_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx", ".parquet", ".pq")


def load_experiment(store: Store, file: Path, *, actor: Actor) -> tuple[ExperimentSpec, ExperimentRecord]:
    """The experiment of a file: created, or the one there is with the same name and content.

    Raises:
        BakeoffError: whatever is wrong with the file or its test set.
    """
    spec, experiment, _ = load_or_create(store, file, actor=actor)
    return spec, experiment


def load_or_create(store: Store, file: Path, *, actor: Actor) -> tuple[ExperimentSpec, ExperimentRecord, bool]:
    """As ``load_experiment``, and whether it was created now."""
    spec = parse_experiment(terminal.read_text(file), source=file.name)
    version_id = dataset_version(store, spec, folder=file.parent, actor=actor) if spec.dataset else None
    experiment, created = create_experiment(store, spec, dataset_version_id=version_id, actor=actor)
    terminal.say(f"{'Created' if created else 'Found'} experiment {experiment.name!r}")
    if not spec.as_written:
        for notice in experiment_notices(store, experiment.name):
            terminal.say(f"  {notice}")
    return spec, experiment, created


def dataset_version(store: Store, spec: ExperimentSpec, *, folder: Path, actor: Actor) -> str:
    """Id of the dataset version that the spec names: a file beside the experiment file, or a stored one."""
    assert spec.dataset is not None
    path = folder / spec.dataset
    if path.is_file():
        roles = {"reference": spec.reference, "unit": spec.unit, "cluster": spec.cluster, "slices": list(spec.slices)}
        content = terminal.read_file(path)
        done = import_dataset(store, content, filename=path.name, name=path.stem, actor=actor, roles=roles)
        for notice in done.notices:
            terminal.say(f"  {notice}")
        return done.version.id
    try:
        return get_dataset(store, spec.dataset).version_id
    except NotFound as missing:
        if spec.dataset.lower().endswith(FILE_ENDINGS):
            raise BakeoffError(
                "no_such_file", f"There is no file '{spec.dataset}' beside the experiment file.", "Check the name."
            ) from None
        raise missing from None
