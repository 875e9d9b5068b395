"""The price of certainty before a run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.plans.plan import Guardrail, Plan, PrimaryMetric
from experiments.plans.sizing import Assumptions, CallPrice, from_pilot, plan_size
from experiments.vocabulary import Design, MetricKind
from tests.experiments.analysis_tables import plan

PRICE = CallPrice({"A": 0.001, "B": 0.002}, seconds_per_call=3, concurrency=10)


def test_rows_power_and_price_are_told_together() -> None:
    found = plan_size(plan(effect=0.05), kind=MetricKind.BINARY, available=300, price=PRICE)

    # [1.960 sqrt(0.2) + 0.842 sqrt(0.1975)]² / 0.05²
    assert found.units_needed == 626
    assert (found.enough, found.counted) == (False, "rows")
    assert found.power_available == pytest.approx(0.49, abs=0.02)
    assert found.cost_usd == pytest.approx(626 * 0.003)
    assert [row.units for row in found.table] == [50, 100, 200, 300, 500, 626, 1000]
    json.dumps(found.to_json(), allow_nan=False)


def test_more_repeats_need_fewer_rows_but_not_fewer_calls() -> None:
    noisy = Assumptions(sd=0.3, noise=0.2)

    once, often = (
        plan_size(plan("score"), kind=MetricKind.SCORE, assumptions=noisy, repeats=k, price=PRICE) for k in (1, 5)
    )

    assert often.units_needed < once.units_needed  # type: ignore[operator]
    assert often.cost_usd > 0.9 * once.cost_usd  # type: ignore[operator]


def test_watching_challengers_clusters_and_guardrails_cost_units() -> None:
    plain = plan_size(plan("score"), kind=MetricKind.SCORE)
    rails = [Guardrail(metric=name, margin=1) for name in ("cost_usd", "latency_ms")]

    dearer = [
        plan_size(plan("score", stopping="sequential"), kind=MetricKind.SCORE),
        plan_size(plan("score"), kind=MetricKind.SCORE, challengers=3),
        plan_size(plan("score"), kind=MetricKind.SCORE, assumptions=Assumptions(cluster_size=5, correlation=0.2)),
        plan_size(plan("score", guardrails=rails), kind=MetricKind.SCORE),
    ]

    assert all(found.units_needed > plain.units_needed for found in dearer)  # type: ignore[operator]
    assert dearer[0].watched
    assert dearer[0].units_needed == pytest.approx(2.4 * plain.units_needed, rel=1e-2)


def test_a_swap_is_planned_for_its_margin() -> None:
    swap = Plan(intent="swap", primary=PrimaryMetric(metric="score", smallest_effect=0.1, margin=0.05))

    assert plan_size(swap, kind=MetricKind.SCORE).effect == 0.05


def test_an_effect_beyond_the_disagreement_cannot_be_planned() -> None:
    found = plan_size(plan(effect=0.3), kind=MetricKind.BINARY, assumptions=Assumptions(disagreement=0.1))

    assert (found.units_needed, found.cost_usd) == (None, None)


def test_who_asks_for_a_large_gain_expects_more_rows_to_differ_than_usual() -> None:
    found = plan_size(plan(effect=0.4), kind=MetricKind.BINARY, available=60)

    assert found.units_needed is not None
    assert found.enough


def test_an_unknown_price_stays_unknown() -> None:
    found = plan_size(plan(), kind=MetricKind.BINARY, price=CallPrice({"A": 0.001, "B": None}))

    assert found.cost_usd is None
    assert found.minutes is not None
    assert found.minutes > 0


def test_live_tests_are_planned_as_watched_users_per_variant() -> None:
    found = plan_size(plan(effect=0.05), kind=MetricKind.BINARY, design=Design.INDEPENDENT, live=True)

    assert (found.counted, found.watched) == ("users per variant", True)


def test_preferences_are_planned_in_items() -> None:
    # Net preference 0.2 is a win rate 10 points above one half: n = 7.849 (1 − 0.3)/0.2² = 137.4.
    found = plan_size(plan("liked", effect=0.1), kind=MetricKind.PREFERENCE, assumptions=Assumptions(tie_share=0.3))

    assert (found.counted, found.units_needed) == ("items", 138)


def test_a_pilot_tells_what_to_assume() -> None:
    rng = np.random.default_rng(0)
    control = rng.integers(0, 2, 400).astype(float)
    treatment = np.where(rng.random(400) < 0.25, 1 - control, control)

    found = from_pilot(control, treatment, np.arange(400) // 2)

    assert found.disagreement == pytest.approx(0.25, abs=0.05)
    assert (found.cluster_size, found.from_pilot) == (2.0, 400)
    with pytest.raises(ValueError, match="two rows"):
        from_pilot(control[:1], treatment[:1])


def test_a_percentile_is_planned_from_its_error_in_a_pilot() -> None:
    # 20 ms on 400 rows: n = 400 · 7.849 · (20/40)² = 785.
    pilot = Assumptions(standard_error=20.0, from_pilot=400)

    found = plan_size(plan("latency_ms", effect=40), kind=MetricKind.LATENCY, assumptions=pilot)

    assert found.units_needed == 785


def test_a_ratio_of_users_is_planned_per_request() -> None:
    # s = 0.6/3 = 0.2: 2 · 7.849 · 0.2²/0.05² = 251.2.
    users = Assumptions(sd=0.6, mean_requests=3.0)

    found = plan_size(
        plan("per_call", effect=0.05, planned_units=1000),
        kind=MetricKind.RATIO,
        design=Design.INDEPENDENT,
        assumptions=users,
        live=True,
    )

    assert (found.units_needed, found.watched) == (252, False)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_whatever_a_pilot_finds_there_is_a_plan_with_finite_numbers(data: st.DataObject) -> None:
    """Nothing varies, everything disagrees, a value from before says all: what small pilots do come up with."""

    def pick(*values: Any) -> Any:
        return data.draw(st.sampled_from(values))

    given_plan = Plan(
        intent=pick("improve", "swap"),
        primary=PrimaryMetric(metric="m", smallest_effect=pick(1e-9, 0.03, 1, 1e9), relative=pick(True, False)),
        stopping=pick("fixed", "sequential"),
    )
    found = plan_size(
        given_plan,
        kind=pick(*MetricKind),
        design=pick(*Design),
        assumptions=Assumptions(
            disagreement=pick(0.0, 0.2, 1.0),
            rate=pick(0.0, 0.5, 1.0),
            sd=pick(0.0, 0.35, 1e6),
            noise=pick(0.0, 0.1),
            tie_share=pick(0.0, 0.3, 1.0),
            cluster_size=pick(1.0, 20.0),
            correlation=pick(-0.1, 0.0, 1.0),
            covariate=pick(0.0, 0.9, 1.0, -1.0),
            standard_error=pick(None, 0.0, 0.1),
            from_pilot=pick(0, 50),
        ),
        available=pick(None, 0, 1, 50),
    )

    json.dumps(found.to_json(), allow_nan=False)


def test_rows_that_did_not_differ_at_all_in_the_pilot_break_no_plan() -> None:
    pilot = from_pilot(np.zeros(12), np.ones(12))

    found = plan_size(plan(effect=0.05), kind=MetricKind.BINARY, assumptions=pilot, available=12, repeats=2)

    json.dumps(found.to_json(), allow_nan=False)
    assert found.enough
