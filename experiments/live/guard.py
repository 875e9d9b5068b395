"""When a live test must not go on by itself: a limit that is surely broken, one in doubt, a split that is off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.results.comparisons.health import HealthCheck
from experiments.stats.estimates import Comparison
from experiments.vocabulary import HealthStatus, MetricRole
from experiments.wording import amount, metric_name

HOLDS = frozenset({"srm", "replay", "crossover"})
"""Health checks whose failure makes every further user useless."""


@dataclass(frozen=True, slots=True)
class GuardAction:
    """What to do, why in a sentence, and the word for its cause: one pause per cause is enough."""

    action: Literal["roll_back", "pause"]
    cause: str
    reason: str


def guard_action(comparisons: Iterable[Comparison], health: Sequence[HealthCheck]) -> GuardAction | None:
    """The gravest thing to do, or None.

    Only always-valid intervals are asked, because this is asked again and again: a limit whose interval lies wholly
    beyond its margin is broken for sure. One that is surely worse, and as estimated beyond the margin, is in doubt.
    """
    limits = [c for c in comparisons if c.role is MetricRole.GUARDRAIL and c.slice is None and c.ok and c.sequential]
    for limit in limits:
        if limit.margin_state == "broken":
            return GuardAction("roll_back", f"broken:{limit.metric}", f"{_told(limit)}, surely more than allowed.")
    for limit in limits:
        gain = limit.gain(relative=limit.margin_relative)
        if gain is None or gain.upper is None or gain.upper >= 0 or limit.margin is None:
            continue
        if gain.estimate is not None and gain.estimate < -limit.margin:
            return GuardAction("pause", f"doubtful:{limit.metric}", f"{_told(limit)}, perhaps more than allowed.")
    for check in health:
        if check.check in HOLDS and check.status is HealthStatus.FAIL:
            return GuardAction("pause", check.check, check.message)
    return None


def _told(limit: Comparison) -> str:
    name = metric_name(limit.metric, limit.aggregate)
    return f"The {name} of {limit.treatment} is worse by {amount(abs(limit.estimate or 0.0), limit.unit)}"
