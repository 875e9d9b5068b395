"""Which rule settles a challenger at the edges: no number on the deciding metric, a goal of exactly zero, a limit."""

from __future__ import annotations

import math

import pytest

from experiments.plans.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric, SwapGoal
from experiments.results.comparisons.targets import targets_of
from experiments.results.decision import Verdict, decide
from experiments.results.verdicts.cases import build_cases
from experiments.stats.estimates import Estimate, Interval, NotEstimable, State
from experiments.vocabulary import Direction, MetricKind, VerdictOutcome
from tests.experiments.made_results import analysis_of, comparison_of

QUALITY = MetricDefinition("quality", MetricKind.BINARY, Direction.HIGHER)
PRICE = MetricDefinition("price", MetricKind.SCORE, Direction.HIGHER, "score")
MORE_ROWS_HELP = {State.TOO_FEW_UNITS, State.TOO_FEW_CLUSTERS, State.NO_VARIATION, State.ALL_TIES}
N = 400


def estimate(gain: Interval) -> Estimate:
    return Estimate(
        estimate=gain.estimate,
        lower=gain.lower,
        upper=gain.upper,
        p_value=0.5,
        standard_error=(gain.upper - gain.lower) / 3.92,
        control=0.5,
        treatment=0.5 + gain.estimate,
        method="paired_t",
        alpha=0.05,
        n_units=N,
        n_clusters=N,
    )


def found(plan: Plan, quality: Estimate | NotEstimable, beside: Estimate | NotEstimable | None = None) -> Verdict:
    outcomes = [(QUALITY, quality), *([] if beside is None else [(PRICE, beside)])]
    comparisons = [
        comparison_of(outcome, target, definition, "B")
        for target, (definition, outcome) in zip(targets_of(plan), outcomes, strict=True)
    ]
    return decide(plan, analysis_of(plan, ["B"], comparisons, complete=True))


# --- no number on the deciding metric: more rows may bring one, or nothing can ------------------------------------------


@pytest.mark.parametrize("state", [s for s in State if s not in {State.OK, State.ALL_TIES}])
def test_a_challenger_without_a_number_is_open_only_where_more_rows_could_bring_one(state: State) -> None:
    """A test that says "collect more" of a metric that was never measured would be paid for in vain, for ever."""
    verdict = found(Plan(primary=PrimaryMetric(metric="quality", smallest_effect=0.03)), NotEstimable(state, "why"))

    expected = VerdictOutcome.KEEP_COLLECTING if state in MORE_ROWS_HELP else VerdictOutcome.CANNOT_DECIDE
    assert (verdict.outcome, verdict.deciding_rule) == (expected, f"primary:{state.value}")


def test_one_that_nothing_can_judge_does_not_speak_for_one_that_lost() -> None:
    """B has the larger gain but a limit without values; C lost. What keeps the control is C's loss."""
    plan = Plan(
        primary=PrimaryMetric(metric="quality", smallest_effect=0.03), guardrails=(Guardrail(metric="price", margin=1),)
    )
    primary, rail = targets_of(plan)
    better, worse = estimate(Interval(0.2, 0.1, 0.3)), estimate(Interval(-0.2, -0.3, -0.1))
    comparisons = [
        comparison_of(better, primary, QUALITY, "B"),
        comparison_of(worse, primary, QUALITY, "C"),
        comparison_of(NotEstimable(State.NO_DATA, "it has no values"), rail, PRICE, "B"),
        comparison_of(estimate(Interval(0.0, -0.1, 0.1)), rail, PRICE, "C"),
    ]

    verdict = decide(plan, analysis_of(plan, ["B", "C"], comparisons, complete=True))

    assert (verdict.outcome, verdict.deciding_rule) == (VerdictOutcome.KEEP_CONTROL, "primary_worse")
    assert verdict.detail.startswith("C scored −20.0 points")


# --- the goal of a swap: out only when it is missed for sure -------------------------------------------------------------

SWAP = Plan(
    intent="swap", primary=PrimaryMetric(metric="quality", smallest_effect=0.05), swap_goal=SwapGoal(metric="price")
)
AS_GOOD = estimate(Interval(0.0, -0.01, 0.01))


@pytest.mark.parametrize(
    ("goal", "rule"),
    [
        (Interval(-0.2, -0.3, -1e-9), "goal_not_met"),
        (Interval(-0.2, -0.4, 0.0), "goal_not_shown"),
        (Interval(-0.2, -0.5, 0.1), "goal_not_shown"),
        (Interval(0.0, -0.1, 0.1), "goal_not_shown"),
        (Interval(0.2, 0.0, 0.4), "goal_not_shown"),
        (Interval(0.2, 1e-9, 0.4), "as_good_and_goal_met"),
    ],
)
def test_a_goal_in_doubt_keeps_a_swap_open(goal: Interval, rule: str) -> None:
    """An upper limit of 0 still allows "no change", an estimate below 0 still allows a gain: both are open questions."""
    assert found(SWAP, AS_GOOD, estimate(goal)).deciding_rule == rule


@pytest.mark.parametrize(
    ("treatment", "rule"), [(3.0, "goal_not_met"), (2.0, "goal_not_met"), (4.0, "as_good_and_goal_met")]
)
def test_a_goal_that_changes_equally_on_every_row_is_known(treatment: float, rule: str) -> None:
    """No doubt is left of a difference that each row has: none, or one for the worse, ends the swap."""
    from dataclasses import replace

    from experiments.results.comparisons.arms import ArmValue

    same = NotEstimable(State.NO_VARIATION, "the difference is the same on every row")
    comparisons = [
        comparison_of(outcome, target, definition, "B")
        for target, (definition, outcome) in zip(targets_of(SWAP), [(QUALITY, AS_GOOD), (PRICE, same)], strict=True)
    ]
    analysis = analysis_of(SWAP, ["B"], comparisons, complete=True)
    arms = tuple(ArmValue("price", "mean", name, "score", N, value) for name, value in (("A", 3.0), ("B", treatment)))

    assert decide(SWAP, replace(analysis, arms=arms)).deciding_rule == rule


# --- a limit that is not shown to hold: how many more rows would ---------------------------------------------------------


@pytest.mark.parametrize(("margin", "change"), [(0.0, 0.02), (0.05, 0.02), (0.05, -0.02), (0.02, -0.05)])
def test_rows_that_would_settle_a_limit_follow_from_its_distance_to_the_margin(margin: float, change: float) -> None:
    """n (z SE / distance)² − n, the distance taken to −margin; none where the estimate itself lies beyond it."""
    plan = Plan(
        primary=PrimaryMetric(metric="quality", smallest_effect=0.03),
        guardrails=(Guardrail(metric="price", margin=margin),),
    )
    half = 0.1
    comparisons = [
        comparison_of(outcome, target, definition, "B")
        for target, definition, outcome in zip(
            targets_of(plan),
            (QUALITY, PRICE),
            (estimate(Interval(0.2, 0.1, 0.3)), estimate(Interval(change, change - half, change + half))),
            strict=True,
        )
    ]

    [case] = build_cases(plan, analysis_of(plan, ["B"], comparisons, complete=True))

    assert case.rule == "limit_unclear:price"
    distance = change + margin
    expected = None
    if distance > 0:
        expected = math.ceil(N * (half * (1.959964 + 0.841621) / 1.959964 / distance) ** 2 - N)
    assert case.more_units == (expected if expected is None else pytest.approx(expected, abs=1))


def test_a_limit_without_a_number_names_no_rows() -> None:
    plan = Plan(
        primary=PrimaryMetric(metric="quality", smallest_effect=0.03), guardrails=(Guardrail(metric="price", margin=1),)
    )
    few = NotEstimable(State.NEEDS_ROWS, "200 are needed")

    verdict = found(plan, estimate(Interval(0.2, 0.1, 0.3)), few)

    assert (verdict.deciding_rule, verdict.more_units_needed) == ("limit_unclear:price", None)
