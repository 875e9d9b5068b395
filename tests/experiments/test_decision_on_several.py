"""Swaps, several challengers, and what every verdict promises."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.plans.plan import AnalysisPlan, Guardrail, Plan, PrimaryMetric, SwapGoal
from experiments.results.decision import analyse_table, decide
from experiments.vocabulary import canonical_json
from tests.experiments.analysis_tables import normal_scores, plan, rows, yes_no
from tests.experiments.verdict_tables import (
    CANNOT,
    COLLECT,
    GSM8K,
    KEEP,
    SHIP,
    analysis,
    verdict,
    with_cost,
    with_latency,
)

# --- swap ------------------------------------------------------------------------------------------------------------


def swap(margin: float, **more: Any) -> Plan:
    return Plan(
        intent="swap",
        primary=PrimaryMetric(metric="correct", smallest_effect=0.03, margin=margin),
        swap_goal=SwapGoal(metric="cost_usd"),
        **more,
    )


def test_as_good_and_cheaper_ships_the_swap() -> None:
    table = with_cost(yes_no(both=700, fixed=40, broken=45, neither=215), ratio=0.69)

    found = verdict(table, swap(0.03))

    assert (found.outcome, found.deciding_rule) == (SHIP, "as_good_and_goal_met")
    assert found.headline == "B is as good and 31 % cheaper. You can promote it."
    assert "at most 2.3 points worse; your limit was 3.0 points" in found.detail


def test_a_swap_that_loses_quality_is_off() -> None:
    table = with_cost(yes_no(both=600, fixed=20, broken=120, neither=260), ratio=0.5)

    found = verdict(table, swap(0.02))

    assert (found.outcome, found.deciding_rule) == (KEEP, "quality_worse")


def test_a_swap_without_its_gain_is_off() -> None:
    table = with_cost(yes_no(both=700, fixed=40, broken=40, neither=220), ratio=1.2)

    found = verdict(table, swap(0.05))

    assert (found.outcome, found.deciding_rule) == (KEEP, "goal_not_met")


def test_a_swap_whose_quality_is_not_shown_keeps_collecting() -> None:
    table = with_cost(yes_no(both=100, fixed=12, broken=12, neither=76), ratio=0.5)

    found = verdict(table, swap(0.02))

    assert (found.outcome, found.deciding_rule) == (COLLECT, "quality_not_shown")
    assert found.more_units_needed is not None
    assert found.more_units_needed > 500


def test_a_swap_whose_gain_is_not_shown_keeps_collecting() -> None:
    table = with_cost(yes_no(both=700, fixed=40, broken=40, neither=220), ratio=0.6, noise=1.0)

    found = verdict(table, swap(0.05))

    assert (found.outcome, found.deciding_rule) == (COLLECT, "goal_not_shown")
    assert "is not shown to be better on cost, which the swap is for" in found.detail


def test_a_swap_keeps_its_limits_too() -> None:
    table = with_latency(with_cost(yes_no(both=700, fixed=40, broken=45, neither=215), ratio=0.69), extra=400)
    guarded = swap(0.03, guardrails=(Guardrail(metric="latency_ms", aggregate="p95", margin=100),))

    found = verdict(table, guarded)

    assert (found.outcome, found.deciding_rule) == (KEEP, "limit_broken:latency_ms")


def test_a_swap_whose_goal_was_never_measured_cannot_decide() -> None:
    found = verdict(GSM8K, swap(0.03))

    assert (found.outcome, found.deciding_rule) == (CANNOT, "no_values:swap_goal")


def test_a_measure_that_was_never_taken_cannot_decide() -> None:
    found = verdict(GSM8K, plan("score"))

    assert (found.outcome, found.deciding_rule.split(":")[0]) == (CANNOT, "health")
    assert found.sentence


# --- several challengers ---------------------------------------------------------------------------------------------


def test_the_best_of_several_ships_and_its_gain_is_likely_smaller() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=150)
    held = {"A": base, "B": base + rng.normal(0.25, 1, 150), "C": base + rng.normal(1.2, 1, 150)}

    found = verdict(rows("score", held), plan("score", effect=0.2))

    assert (found.outcome, found.winner) == (SHIP, "C")


def test_challengers_too_close_to_tell_are_chosen_by_cost() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=200)
    held = {v: base + gain + rng.normal(0, 0.5, 200) for v, gain in (("A", 0), ("B", 1.02), ("C", 1.0))}
    cost = {v: rng.gamma(4, c / 4, 200) for v, c in (("A", 1e-4), ("B", 3e-4), ("C", 1e-4))}
    table = pd.concat([rows("score", held), rows("cost_usd", cost)], ignore_index=True)

    found = verdict(table, plan("score", effect=0.2))

    assert found.winner == "C"
    assert "B and C are too close to tell apart; C is the cheapest of them." in found.reasons


def close_challengers(**held: dict[str, list[float]]) -> pd.DataFrame:
    """B and C alike and better than A, with further metrics that are the same on every row."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=200)
    score = {v: base + gain + rng.normal(0, 0.5, 200) for v, gain in (("A", 0), ("B", 1.02), ("C", 1.0))}
    return pd.concat([rows("score", score), *(rows(metric, values) for metric, values in held.items())])


@pytest.mark.parametrize(
    ("metric", "told"),
    [("latency_ms", "C is the fastest of them"), ("prompt_tokens", "C is the simplest of them")],
)
def test_equally_dear_challengers_are_chosen_by_speed_and_then_by_length(metric: str, told: str) -> None:
    table = close_challengers(
        cost_usd={v: [1e-4] * 200 for v in "ABC"},
        **{metric: {"A": [100.0] * 200, "B": [300.0] * 200, "C": [200.0] * 200}},
    )

    found = verdict(table, plan("score", effect=0.2))

    assert (found.winner, found.deciding_rule) == ("C", "better")
    assert any(told in reason for reason in found.reasons)


def test_challengers_alike_in_everything_are_chosen_by_the_little_that_one_is_ahead() -> None:
    found = verdict(close_challengers(), plan("score", effect=0.2))

    assert found.winner == "B"
    assert "B and C are too close to tell apart; B is ahead by a little." in found.reasons


def test_the_sentence_says_that_the_best_of_several_looks_better_than_it_is() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=80)
    held = {v: base + gain + rng.normal(0, 1, 80) for v, gain in zip("ABCD", (0.0, 0.4, 0.0, 0.0), strict=True)}

    found = verdict(rows("score", held), plan("score", effect=0.2))

    assert (found.outcome, found.winner) == (SHIP, "B")
    assert "The best of several usually looks better than it is: likely nearer " in found.detail


def test_one_that_is_out_does_not_end_the_search_while_another_is_open() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=60)
    held = {v: base + gain + rng.normal(0, 1, 60) for v, gain in (("A", 0), ("B", -1.5), ("C", 0.15))}

    found = verdict(rows("score", held), plan("score", effect=0.3))

    assert (found.outcome, found.deciding_rule) == (COLLECT, "not_enough_evidence")
    assert found.detail.startswith("C looks")


def test_futility_waits_for_the_planned_size() -> None:
    table = yes_no(both=300, fixed=8, broken=8, neither=84)
    watched = plan(effect=0.1, stopping="sequential", planned_units=900)
    done = plan(effect=0.1, stopping="sequential", planned_units=400)

    assert [verdict(table, p).outcome for p in (watched, done)] == [COLLECT, KEEP]


def test_one_challenger_may_win_while_another_breaks_a_limit() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=200)
    held = {v: base + gain + rng.normal(0, 0.5, 200) for v, gain in (("A", 0), ("B", 2.0), ("C", 0.5))}
    cost = {"A": [1e-4] * 200, "B": [3e-4] * 200, "C": [1e-4] * 200}
    table = pd.concat([rows("score", held), rows("cost_usd", cost)], ignore_index=True)

    found = verdict(table, plan("score", guardrails=[Guardrail(metric="cost_usd", margin=0.1, relative=True)]))

    assert (found.outcome, found.winner) == (SHIP, "C")


# --- promises --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1000), st.sampled_from(["fixed", "sequential"]))
def test_the_same_plan_and_data_give_the_same_bytes(seed: int, stopping: str) -> None:
    table = with_latency(normal_scores(220, gain=0.1, seed=seed), extra=10)
    given_plan = plan(
        "score", stopping=stopping, guardrails=[Guardrail(metric="latency_ms", aggregate="p95", margin=100)]
    )

    one, other = (
        (a := analysis(t, given_plan), decide(given_plan, a)) for t in (table, table.sample(frac=1, random_state=seed))
    )

    assert canonical_json(one[0].to_json()) == canonical_json(other[0].to_json())
    assert canonical_json(one[1].to_json()) == canonical_json(other[1].to_json())


FORBIDDEN = ("significan", "p-value", " p =", "null hypothesis", "no difference between", "nan", "None", "-")


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 80),
    st.integers(0, 80),
    st.integers(0, 200),
    st.floats(0.01, 0.3),
    st.sampled_from(["improve", "swap"]),
    st.floats(0.5, 1.6),
)
def test_no_verdict_speaks_jargon(fixed: int, broken: int, rest: int, effect: float, intent: str, ratio: float) -> None:
    table = with_cost(yes_no(both=rest, fixed=fixed, broken=broken, neither=40), ratio=ratio, noise=0.3)
    given_plan = Plan(
        intent=intent,  # type: ignore[arg-type]
        primary=PrimaryMetric(metric="correct", smallest_effect=round(effect, 3)),
        guardrails=(Guardrail(metric="cost_usd", margin=0.2, relative=True),),
    )

    found = verdict(table, given_plan)

    for line in (found.headline, found.detail, found.sentence, *found.reasons):
        assert not [word for word in FORBIDDEN if word in line], line
        assert "  " not in line
        assert line == line.strip()
    json.dumps(found.to_json(), allow_nan=False)


def test_false_ships_stay_below_alpha_without_a_difference() -> None:
    rng = np.random.default_rng(0)
    given_plan = plan("score", effect=0.2)
    shipped = 0
    for _ in range(150):
        base = rng.normal(size=60)
        held = {v: base + rng.normal(size=60) for v in "ABC"}
        shipped += verdict(rows("score", held), given_plan).outcome is SHIP
    # Two challengers, one side: at most 2.5 %; 150 runs stay below 6 % with 99 % certainty.
    assert shipped <= 8


# --- any table with a plan file --------------------------------------------------------------------------------------


def test_a_table_and_a_plan_file_are_enough() -> None:
    given_file = AnalysisPlan(control="A", plan=plan(), metrics={"correct": {"kind": "binary"}})  # type: ignore[dict-item]

    found, told = analyse_table(GSM8K, given_file)

    assert (told.outcome, found.comparisons[0].estimate) == (SHIP, 0.1425)


def test_costs_and_latencies_are_better_when_lower_unless_told() -> None:
    given_file = AnalysisPlan(
        control="A",
        plan=plan("price", effect=0.01),
        metrics={"price": {"kind": "cost"}},  # type: ignore[dict-item]
    )
    table = rows("price", {"A": np.linspace(1, 2, 60), "B": np.linspace(0.5, 1.6, 60)})

    _, told = analyse_table(table, given_file)

    assert told.outcome is SHIP
    assert "cheaper" in told.sentence
