"""What was seen at each look: how the range of one difference narrowed while the evidence grew."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.results.peeking import Look
from storage.store import Store


@dataclass(frozen=True, slots=True)
class SeenRange:
    """One look at one difference (treatment minus control). ``estimate`` is None in looks kept before it was noted."""

    units: int
    estimate: float | None
    lower: float
    upper: float


def ranges_over_time(
    store: Store, experiment_id: str, *, metric: str, aggregate: str, treatment: str
) -> tuple[SeenRange, ...]:
    """The always-valid ranges that people saw, fewest units first, one per number of units.

    Empty when nobody has looked; looks that were read once, at the end, are not among them.
    """
    with store.read() as tx:
        looks = [Look.from_json(detail) for detail in tx.evidence.looks(experiment_id)]
    key = (metric, aggregate, treatment)
    seen = {
        look.n_units: SeenRange(look.n_units, look.estimates.get(key), look.intervals[key][0], look.intervals[key][1])
        for look in looks
        if look.sequential and key in look.intervals
    }
    return tuple(seen[units] for units in sorted(seen))
