"""How the values that a unit reports become the one value it counts with."""

from __future__ import annotations

from experiments.experiment_file import OutcomeSpec
from storage.live_sums import Fold


def fold_of(outcome: OutcomeSpec) -> Fold:
    """How the reports of one unit are put together; see ``Fold``."""
    if outcome.missing == "zero":
        folds: dict[str, Fold] = {"binary": "ever", "ordinal": "mean_or_zero"}
        return folds.get(outcome.kind, "total")
    return "mean" if outcome.kind in ("score", "ordinal") else "requests"
