"""How the values that a unit reports become the one value it counts with, and what from before goes with it."""

from __future__ import annotations

from experiments.experiment_file import ACTIVITY, OutcomeSpec
from storage.live_sums import EarlierValue, Fold


def fold_of(outcome: OutcomeSpec) -> Fold:
    """How the reports of one unit are put together; see ``Fold``."""
    if outcome.missing == "zero":
        folds: dict[str, Fold] = {"binary": "ever", "ordinal": "mean_or_zero"}
        return folds.get(outcome.kind, "total")
    return "mean" if outcome.kind in ("score", "ordinal") else "requests"


def earlier_values(outcome: OutcomeSpec) -> list[EarlierValue]:
    """What of a unit's reports from before an outcome is adjusted for, its own first; none without ``before_days``."""
    if outcome.before_days is None:
        return []
    if outcome.kind == "score":
        own = [EarlierValue(outcome.metric, "total" if fold_of(outcome) == "total" else "mean")]
    else:
        own = [EarlierValue(outcome.metric, "total"), EarlierValue(outcome.metric, "weight")]
    return [
        *own,
        *(
            EarlierValue(outcome.metric, "count") if name == ACTIVITY else EarlierValue(name, "mean")
            for name in outcome.before_with
        ),
    ]
