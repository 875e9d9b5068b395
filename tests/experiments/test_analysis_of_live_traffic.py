"""Live rows in the analysis: the user is the unit, the split and the week are checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.vocabulary import Design, HealthStatus
from tests.experiments.analysis_tables import check, plan, primary, run


def live_rows(n: int, *, gain: float = 0.0, requests: int = 1, seed: int = 0, ratio: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    variant = np.where(rng.random(n) < ratio, "A", "B")
    chance = np.clip(rng.normal(0.5, 0.15, n) + gain * (variant == "B"), 0.02, 0.98)
    units = np.repeat(np.arange(n), requests)
    days = pd.Timestamp("2026-03-02T00:00:00Z") + pd.to_timedelta(np.linspace(0, 9, n * requests), unit="D")
    return pd.DataFrame(
        {
            "variant": variant[units],
            "unit_id": [f"user{u}" for u in units],
            "metric": "correct",
            "value": (rng.random(n * requests) < chance[units]).astype(float),
            "at": [d.isoformat() for d in days],
        }
    )


def run_live(table: pd.DataFrame, given_plan: Plan | None = None, **more: Any) -> Analysis:
    return run(table, given_plan, design=Design.INDEPENDENT, live=True, **more)


def test_many_requests_of_one_user_are_one_unit() -> None:
    found = primary(run_live(live_rows(400, requests=6)))

    assert (found.method, found.n_units, found.sequential) == ("delta_ratio", 400, True)


def test_a_live_test_is_watched_unless_its_size_is_planned() -> None:
    planned = run_live(live_rows(400), plan(planned_units=400))

    assert not planned.sequential
    assert primary(planned).method == "score_newcombe"


def test_an_uneven_split_blocks_the_verdict_unless_it_was_planned() -> None:
    table = live_rows(1000, ratio=0.6)

    assert check(run_live(table), "srm") is HealthStatus.FAIL
    assert check(run_live(table, split={"A": 60, "B": 40}), "srm") is HealthStatus.OK


def test_users_who_met_both_variants_are_left_out() -> None:
    table = live_rows(600)
    crossed = table.head(4).assign(variant=["B" if v == "A" else "A" for v in table["variant"].head(4)])

    analysis = run_live(pd.concat([table, crossed], ignore_index=True))

    assert check(analysis, "crossover") is HealthStatus.WARN
    assert primary(analysis).n_units == 596


def test_a_live_test_covers_a_week() -> None:
    table = live_rows(400)

    assert check(run_live(table), "duration") is HealthStatus.OK
    assert check(run_live(table.assign(at="2026-03-02T00:00:00Z")), "duration") is HealthStatus.FAIL
    assert check(run_live(table.drop(columns="at")), "duration") is HealthStatus.WARN


def test_a_value_from_before_sharpens_the_comparison() -> None:
    rng = np.random.default_rng(1)  # its values from before are alike in both arms, as most are
    before = rng.normal(5, 2, 500)
    table = pd.DataFrame(
        {
            "variant": np.where(np.arange(500) % 2, "A", "B"),
            "unit_id": [f"u{i}" for i in range(500)],
            "metric": "score",
            "value": before + rng.normal(0, 1, 500),
            "covariate": before,
        }
    )
    given_plan = plan("score")

    plain = primary(run(table.drop(columns="covariate"), given_plan, design=Design.INDEPENDENT))
    sharper = primary(run(table, given_plan, design=Design.INDEPENDENT))

    assert sharper.method == "cuped_welch_t"
    assert float(sharper.details["variance_saved"]) > 0.7
    assert sharper.upper - sharper.lower < 0.6 * (plain.upper - plain.lower)  # type: ignore[operator]


def test_a_heavy_bill_tells_how_much_one_user_carries() -> None:
    rng = np.random.default_rng(0)
    cost = rng.lognormal(-8, 1, 300)
    cost[0] = cost.sum()
    table = pd.DataFrame(
        {
            "variant": np.where(np.arange(300) % 2, "A", "B"),
            "unit_id": [f"u{i}" for i in range(300)],
            "metric": "cost_usd",
            "value": cost,
        }
    )

    found = primary(run(table, plan("cost_usd"), design=Design.INDEPENDENT))

    assert float(found.details["top_unit_share"]) > 0.6
    assert "heavy tails" in found.warnings[0]


def test_a_grade_of_different_users_is_a_win_probability() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "variant": ["A"] * 100 + ["B"] * 100,
            "unit_id": [f"u{i}" for i in range(200)],
            "metric": "grade",
            "value": np.concatenate((rng.integers(1, 5, 100), rng.integers(2, 6, 100))).astype(float),
        }
    )

    found = primary(run(table, plan("grade"), design=Design.INDEPENDENT))

    assert (found.method, found.unit) == ("brunner_munzel", "points")
    assert found.estimate == pytest.approx(float(found.details["win_probability"]) - 0.5)
