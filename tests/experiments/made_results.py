"""Analyses made of given numbers, without rows behind them: what rules and sentences do with any result."""

from __future__ import annotations

from experiments.plans.plan import MetricDefinition, Plan
from experiments.results.analysis import Analysis
from experiments.results.comparisons.arms import ArmValue
from experiments.results.comparisons.compare import as_comparison
from experiments.results.comparisons.targets import Target
from experiments.stats.estimates import Comparison, Estimate, NotEstimable
from experiments.stats.sequential import Reading
from experiments.vocabulary import Design

CONTROL = "A"


def comparison_of(
    outcome: Estimate | NotEstimable, target: Target, definition: MetricDefinition, treatment: str
) -> Comparison:
    """An outcome as a comparison of a result that is read once at 5 %."""
    return as_comparison(
        outcome,
        target=target,
        definition=definition,
        control=CONTROL,
        treatment=treatment,
        reading=Reading(0.05),
    )


def analysis_of(plan: Plan, challengers: list[str], comparisons: list[Comparison], *, complete: bool) -> Analysis:
    """An analysis of 400 rows with these comparisons, nothing wrong with the evidence, and known costs."""
    costs = {"A": 2e-4, **dict.fromkeys(challengers, 3e-4)}
    return Analysis(
        plan_hash=plan.hash(),
        design=Design.PAIRED,
        live=False,
        control=CONTROL,
        challengers=tuple(challengers),
        comparisons=tuple(comparisons),
        between=(),
        health=(),
        agreement=(),
        judges=(),
        arms=tuple(ArmValue("cost_usd", "mean", name, "usd", 400, cost) for name, cost in costs.items()),
        standings=(),
        omnibus=None,
        chances_best={},
        n_units=400,
        minimum_units=30,
        n_seen=400,
        n_values=800,
        target=400,
        complete=complete,
        sequential=False,
        shows_effects=True,
        how_read="the result is read once",
        seed=0,
    )
