"""What quality checks there are, and what an experiment is scored by."""

from __future__ import annotations

from experiments.experiment_file import ScorerEntry
from experiments.judges import JUDGE
from experiments.lookup.find import find_experiment
from storage.store import Store

IMPORTED = "imported"


def uses_of(store: Store, experiment_name: str) -> tuple[list[ScorerEntry], list[ScorerEntry]]:
    """(entries of rules, entries of judges) that an experiment is scored by, each once. Raises NotFound."""
    with store.read() as tx:
        uses = tx.experiments.scorers(find_experiment(tx, experiment_name).id)
    rules = [use.entry for use in uses if use.scorer not in (IMPORTED, JUDGE)]
    judges = {use.fingerprint: use.entry for use in uses if use.scorer == JUDGE}
    return rules, list(judges.values())
