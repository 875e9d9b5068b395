"""One case per challenger: what speaks against it, what carries it, what is still open. First match wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.results.verdicts.effects import Effect, Limit, effect_of, limit_of
from experiments.results.verdicts.futility import is_futile
from experiments.results.verdicts.more_units import more_for_margin, more_units
from experiments.stats.estimates import Comparison, Interval, State
from experiments.vocabulary import MetricRole


class Standing(StrEnum):
    """Where a challenger stands: may ship, is out, is open, or cannot be judged at all."""

    SHIP = "ship"
    OUT = "out"
    OPEN = "open"
    BLIND = "blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerCase:
    """One challenger with the rule that settles it. ``limit`` is the guardrail that the rule speaks of, if any."""

    treatment: str
    standing: Standing
    rule: str
    primary: Comparison
    effect: Effect | None
    limits: tuple[Limit, ...]
    goal: Comparison | None = None
    goal_effect: Effect | None = None
    limit: Limit | None = None
    more_units: int | None = None
    smaller_than_asked: bool = False


def build_cases(plan: Plan, analysis: Analysis) -> list[ChallengerCase]:
    """The cases of all challengers, best gain on the primary metric first, those without a gain last."""
    cases = [_case(plan, analysis, name) for name in analysis.challengers]
    return sorted(cases, key=lambda case: (case.effect is None, -(case.effect.gain.estimate if case.effect else 0.0)))


def _case(plan: Plan, analysis: Analysis, treatment: str) -> ChallengerCase:
    mine = [c for c in analysis.comparisons if c.slice is None and c.treatment == treatment]
    primary = next(c for c in mine if c.role is MetricRole.PRIMARY)
    goal = next((c for c in mine if c.swap_goal), None)
    limits = tuple(limit_of(analysis, c) for c in mine if c.role is MetricRole.GUARDRAIL)
    case = ChallengerCase(
        treatment=treatment,
        standing=Standing.OPEN,
        rule="not_enough_evidence",
        primary=primary,
        effect=effect_of(analysis, primary, relative=plan.primary.relative),
        limits=limits,
        goal=goal,
        goal_effect=None if goal is None else effect_of(analysis, goal, relative=False),
    )
    return _judged(plan, analysis, case)


def _judged(plan: Plan, analysis: Analysis, case: ChallengerCase) -> ChallengerCase:
    if case.effect is None:
        return _without_effect(case)
    blind = next((limit for limit in case.limits if limit.state == "blind"), None)
    if blind is not None:
        return replace(case, standing=Standing.BLIND, rule=f"no_values:{blind.comparison.metric}", limit=blind)
    if plan.intent == "swap":
        return _swap(plan, case, case.effect)
    return _improve(plan, analysis, case, case.effect)


def _without_effect(case: ChallengerCase) -> ChallengerCase:
    few = {State.TOO_FEW_UNITS, State.TOO_FEW_CLUSTERS, State.NO_VARIATION, State.ALL_TIES}
    standing = Standing.OPEN if case.primary.status in few else Standing.BLIND
    return replace(case, standing=standing, rule=f"primary:{case.primary.status.value}")


def _improve(plan: Plan, analysis: Analysis, case: ChallengerCase, effect: Effect) -> ChallengerCase:
    gain, asked = effect.gain, plan.primary.smallest_effect
    if gain.upper < 0:
        return replace(case, standing=Standing.OUT, rule="primary_worse")
    broken = _first(case.limits, "broken")
    if broken is not None:
        return replace(case, standing=Standing.OUT, rule=f"limit_broken:{broken.comparison.metric}", limit=broken)
    if analysis.complete and gain.lower <= 0 and gain.upper < asked:
        # Equivalence (two one-sided tests) needs both ends inside; else a loss worth minding still fits.
        rule = "too_small_to_matter" if gain.lower > -asked else "not_better_by_enough"
        return replace(case, standing=Standing.OUT, rule=rule)
    unclear = _first(case.limits, "unclear")
    if gain.lower > 0:
        if unclear is not None:
            return _unclear_limit(plan, case, unclear)
        small = gain.estimate < asked
        # A gain that is there but may be smaller than asked for: rows until the range lies above what was asked.
        more = more_for_margin(plan, case.primary, gain, margin=-asked) if gain.lower < asked else None
        rule = "better_but_small" if small else "better"
        return replace(case, standing=Standing.SHIP, rule=rule, smaller_than_asked=small, more_units=more)
    return _open(plan, analysis, case, gain)


def _open(plan: Plan, analysis: Analysis, case: ChallengerCase, gain: Interval) -> ChallengerCase:
    if is_futile(plan, analysis, case.primary, gain):
        return replace(case, standing=Standing.OUT, rule="futile")
    return replace(case, more_units=more_units(plan, case.primary, gain, effect=plan.primary.smallest_effect))


def _swap(plan: Plan, case: ChallengerCase, effect: Effect) -> ChallengerCase:
    """As good (within the margin), and better on the goal of the swap."""
    if case.goal is None or case.goal_effect is None:
        return replace(case, standing=Standing.BLIND, rule="no_values:swap_goal")
    margin = plan.primary.margin or plan.primary.smallest_effect
    against = _against_swap(case, effect.gain, case.goal_effect, margin=margin)
    if against is not None:
        return against
    goal = case.goal_effect.gain
    if effect.gain.lower <= -margin:
        more = more_for_margin(plan, case.primary, effect.gain, margin=margin)
        return replace(case, rule="quality_not_shown", more_units=more)
    if goal.lower <= 0:
        return replace(case, rule="goal_not_shown", more_units=more_for_margin(plan, case.goal, goal, margin=0.0))
    unclear = _first(case.limits, "unclear")
    if unclear is not None:
        return _unclear_limit(plan, case, unclear)
    return replace(case, standing=Standing.SHIP, rule="as_good_and_goal_met")


def _against_swap(case: ChallengerCase, quality: Interval, goal: Effect, *, margin: float) -> ChallengerCase | None:
    """The case when it is out: quality beyond the margin, goal missed for sure, or a limit broken."""
    broken = _first(case.limits, "broken")
    if quality.upper < -margin:
        return replace(case, standing=Standing.OUT, rule="quality_worse")
    if goal.gain.upper < 0 or (goal.constant and goal.gain.estimate <= 0):
        return replace(case, standing=Standing.OUT, rule="goal_not_met")
    if broken is not None:
        return replace(case, standing=Standing.OUT, rule=f"limit_broken:{broken.comparison.metric}", limit=broken)
    return None


def _unclear_limit(plan: Plan, case: ChallengerCase, limit: Limit) -> ChallengerCase:
    more = None
    if limit.effect is not None:
        more = more_for_margin(plan, limit.comparison, limit.effect.gain, margin=limit.comparison.margin or 0.0)
    return replace(
        case, standing=Standing.OPEN, rule=f"limit_unclear:{limit.comparison.metric}", limit=limit, more_units=more
    )


def _first(limits: Sequence[Limit], state: str) -> Limit | None:
    return next((limit for limit in limits if limit.state == state), None)
