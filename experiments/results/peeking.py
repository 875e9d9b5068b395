"""How a result may be read: once, at any time, or not yet; decided from the plan and from who has looked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from experiments.plans.plan import Plan
from experiments.stats.estimates import Comparison
from experiments.stats.sequential import Reading

HORIZON_OFFLINE = 500
HORIZON_LIVE = 5_000
WATCHED_SHARE = 0.2
"""Part of alpha that a hybrid plan spends on looking before the end; the rest is for the reading at the end."""
REPAIRS = 1.05
"""Values may grow this much on the same units without a new reading: retrying a few failed rows is no second look.

Two readings whose data overlap by 95 % raise a nominal 5 % to about 6 %.
"""

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """One time when effects were seen: units (and values, repeats counted) that were in, and what stood there.

    ``intervals`` maps (metric, aggregate, treatment) to (lower, upper, p-value, adjusted p-value) of the overall
    comparisons, ``estimates`` to the estimate that stood in them; both may be empty. Log a look only when
    ``Analysis.shows_effects``.
    """

    n_units: int
    n_values: int = 0
    sequential: bool = False
    intervals: Mapping[Key, tuple[float, float, float, float]] = field(default_factory=dict)
    estimates: Mapping[Key, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``from_json`` reads them back."""
        return {
            "n_units": self.n_units,
            "n_values": self.n_values,
            "sequential": self.sequential,
            "intervals": [[*key, *limits] for key, limits in sorted(self.intervals.items())],
            "estimates": [[*key, estimate] for key, estimate in sorted(self.estimates.items())],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Look:
        """The look that ``to_json`` wrote."""
        intervals = {(row[0], row[1], row[2]): (row[3], row[4], row[5], row[6]) for row in data.get("intervals", ())}
        estimates = {(row[0], row[1], row[2]): row[3] for row in data.get("estimates", ())}
        return cls(data["n_units"], data.get("n_values", 0), data.get("sequential", False), intervals, estimates)


@dataclass(frozen=True, slots=True)
class HowToRead:
    """``reading`` is None while the plan shows progress only. ``target`` is the planned number of units, if any."""

    reading: Reading | None
    target: int | None
    complete: bool
    reason: str


def as_looks(looks: Sequence[Look | int]) -> tuple[Look, ...]:
    """Looks, where a plain number stands for the units that were in."""
    return tuple(look if isinstance(look, Look) else Look(look) for look in looks)


def how_to_read(
    plan: Plan,
    *,
    n_units: int,
    n_values: int = 0,
    planned_units: int | None,
    live: bool,
    looks: Sequence[Look],
) -> HowToRead:
    """The way this result may be read.

    ``planned_units`` is how many units there will be (rows of the frozen dataset, users to enrol); the plan's
    own number counts when it is smaller. A live test without a planned size, and any run that grew after its
    effects were seen, is read sequentially whatever the plan says.
    """
    sizes = [size for size in (plan.planned_units, planned_units) if size is not None]
    target = min(sizes) if sizes else None
    complete = n_units >= target if target is not None else not live
    horizon = target or (looks[0].n_units if looks else HORIZON_LIVE if live else HORIZON_OFFLINE)
    watched = Reading(plan.alpha, max(2, horizon))
    grown = [look for look in looks if look.n_units < n_units or 0 < look.n_values * REPAIRS < n_values]
    if plan.stopping == "hybrid" and target is not None:
        return _hybrid(plan, grown, target=target, complete=complete, watched=watched)
    if plan.stopping in {"sequential", "hybrid"}:
        return HowToRead(watched, target, complete, "the plan lets the result be watched")
    if live and target is None:
        return HowToRead(watched, target, complete, "a live test without a planned size is watched")
    if grown:
        return HowToRead(watched, target, complete, "units were added after the effects had been seen")
    if not complete:
        return HowToRead(None, target, False, "the plan reads the result once, when all units are in")
    return HowToRead(Reading(plan.alpha), target, True, "the result is read once")


def narrowed(comparison: Comparison, looks: Sequence[Look]) -> Comparison:
    """The comparison with the interval that all looks have left over, and the smallest p-value of them.

    Always-valid intervals hold together, so what one look has ruled out stays ruled out. Where nothing is left over
    (the effect has changed over time) the present interval stands and says so.
    """
    key = (comparison.metric, comparison.aggregate, comparison.treatment)
    seen = [look.intervals[key] for look in looks if look.sequential and key in look.intervals]
    if not comparison.sequential or not seen or comparison.lower is None or comparison.upper is None:
        return comparison
    lower = max(comparison.lower, *(limits[0] for limits in seen))
    upper = min(comparison.upper, *(limits[1] for limits in seen))
    if lower > upper:
        warning = "the effect has changed over time: the present range does not meet an earlier one"
        return replace(comparison, warnings=(*comparison.warnings, warning))
    smallest = [
        None if value is None else min(value, *(limits[place] for limits in seen))
        for place, value in ((2, comparison.p_value), (3, comparison.adjusted_p_value))
    ]
    return replace(comparison, lower=lower, upper=upper, p_value=smallest[0], adjusted_p_value=smallest[1])


def _hybrid(plan: Plan, grown: Sequence[Look], *, target: int, complete: bool, watched: Reading) -> HowToRead:
    if not complete:
        early = watched.at(plan.alpha * WATCHED_SHARE)
        return HowToRead(early, target, False, "watched until the planned size, with part of the allowed error")
    if any(look.n_units >= target for look in grown):
        return HowToRead(watched, target, True, "units were added after the planned end had been read")
    alpha = plan.alpha * (1 - WATCHED_SHARE) if grown else plan.alpha
    return HowToRead(Reading(alpha), target, True, "the planned size is reached: read once")
