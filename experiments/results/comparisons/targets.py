"""What a plan asks to compare: the primary metric, the limits, the goal of a swap, and what is only of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.plans.plan import Plan, SwapGoal
from experiments.vocabulary import MetricRole


@dataclass(frozen=True, slots=True)
class Target:
    """One metric with its role; ``margin`` is None where nothing must be kept."""

    metric: str
    aggregate: str
    role: MetricRole
    margin: float | None = None
    margin_relative: bool = False
    swap_goal: bool = False

    @property
    def deciding(self) -> bool:
        """Whether a success on it is needed to ship: its error is shared among the challengers."""
        return self.role is MetricRole.PRIMARY or self.swap_goal


def targets_of(plan: Plan, *, beside: Sequence[str] = ()) -> tuple[Target, ...]:
    """The targets of a plan, primary first, then the goal of a swap, guardrails, secondary metrics.

    ``beside`` are metrics that came after the plan; those that it does not name are shown last and decide nothing.
    """
    primary = plan.primary
    margin = (primary.margin or primary.smallest_effect) if plan.intent == "swap" else None
    found = [
        Target(
            primary.metric,
            primary.aggregate,
            MetricRole.PRIMARY,
            margin,
            margin is not None and primary.relative,
        )
    ]
    if plan.intent == "swap":
        goal = plan.swap_goal or SwapGoal()
        found.append(Target(goal.metric, goal.aggregate, MetricRole.SECONDARY, swap_goal=True))
    found += [
        Target(rail.metric, rail.aggregate, MetricRole.GUARDRAIL, rail.margin, rail.relative)
        for rail in plan.guardrails
    ]
    taken = {(target.metric, target.aggregate) for target in found}
    found += [Target(name, "mean", MetricRole.SECONDARY) for name in plan.secondary if (name, "mean") not in taken]
    named = plan.metric_names()
    found += [Target(name, "mean", MetricRole.SECONDARY) for name in dict.fromkeys(beside) if name not in named]
    return tuple(found)
