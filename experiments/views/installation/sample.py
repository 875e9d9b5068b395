"""What in this database belongs to the sample project."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.sample.project import SETTING, LoadedSample
from storage.store import Store


@dataclass(frozen=True, slots=True)
class SampleNames:
    """The names of the sample's prompts, test sets and experiments, for a badge beside each."""

    prompts: tuple[str, ...]
    datasets: tuple[str, ...]
    experiments: tuple[str, ...]


def sample_names(store: Store) -> SampleNames | None:
    """The names, or None when the sample was never loaded here or has been removed."""
    with store.read() as tx:
        sample = LoadedSample.from_setting(tx.installation.setting(SETTING))
        if sample is None:
            return None
        return SampleNames(
            prompts=tuple(tx.prompts.get(i).name for i in sample.prompts),
            datasets=tuple(tx.datasets.get(i).name for i in sample.datasets),
            experiments=tuple(tx.experiments.get(i).name for i in sample.experiments),
        )
