"""A second line for people beside the deciding comparisons: chance to be better, cost of being wrong, shrinkage."""

from __future__ import annotations

from dataclasses import replace

from experiments.plans.plan import Plan
from experiments.stats.bayes import Belief, independent_belief, normal_belief, paired_belief
from experiments.stats.equivalence import tost
from experiments.stats.estimates import Comparison
from experiments.stats.paired import PairTable
from experiments.vocabulary import Direction, MetricRole

PAIRED_YES_NO = frozenset({"mcnemar_newcombe"})
INDEPENDENT_YES_NO = frozenset({"score_newcombe", "boschloo_newcombe"})


def with_second_line(comparison: Comparison, plan: Plan, *, challengers: int) -> Comparison:
    """The comparison with its belief, and with the winner's effect shrunk where several challengers compete.

    est · max(0, 1 − SE²/est²) is what the best of several effects is likely to be on fresh data.

    Source: James & Stein (1961), positive part, for one coordinate; Lee & Shen (2018), KDD, on winner's curse.
    """
    if comparison.role is not MetricRole.PRIMARY or comparison.estimate is None or not comparison.standard_error:
        return comparison
    belief = _belief(comparison, plan)
    error, estimate = comparison.standard_error, comparison.estimate
    shrunk = estimate * max(0.0, 1 - error**2 / estimate**2) if challengers > 1 and estimate else None
    effect = smallest_effect(comparison, plan)
    details = dict(comparison.details)
    if not comparison.sequential:
        df = max(1, comparison.n_clusters - 1)
        details["equivalence_p"] = tost(estimate, error, df, low=-effect, high=effect).p_value
    return replace(
        comparison,
        details=details,
        chance_better=belief.chance_better,
        expected_loss=belief.expected_loss,
        shrunk_estimate=shrunk,
    )


def _belief(comparison: Comparison, plan: Plan) -> Belief:
    details = comparison.details
    higher = comparison.direction is Direction.HIGHER
    if comparison.method in PAIRED_YES_NO:
        fixed, broken = int(details["fixed"]), int(details["broken"])
        rest = comparison.n_units - fixed - broken
        return paired_belief(PairTable(0, fixed, broken, rest))
    if comparison.method in INDEPENDENT_YES_NO:
        arms = [
            (float(details[f"successes_{arm}"]), float(details[f"units_{arm}"])) for arm in ("control", "treatment")
        ]
        return independent_belief(*(arms if higher else [(n - x, n) for x, n in arms]))
    estimate, error = comparison.estimate or 0.0, comparison.standard_error or 0.0
    effect = smallest_effect(comparison, plan)
    return normal_belief(estimate if higher else -estimate, error, smallest_effect=effect)


def smallest_effect(comparison: Comparison, plan: Plan) -> float:
    """The smallest effect worth having, in the metric's unit also where the plan gives a share of the control."""
    share = plan.primary.relative and comparison.control_mean
    return plan.primary.smallest_effect * (abs(comparison.control_mean or 1.0) if share else 1.0)
