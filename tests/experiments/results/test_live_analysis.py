"""Live traffic as sums: the same numbers as from rows, and names for what sums cannot carry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.errors import BakeoffError
from experiments.plans.plan import Guardrail, Plan
from experiments.results.analysis import Analysis, analyse
from experiments.results.decision import decide
from experiments.results.live_analysis import LiveSums, analyse_sums
from experiments.stats.estimates import State
from experiments.stats.ordinal import grades_of
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import Design, HealthStatus, VerdictOutcome
from tests.experiments.analysis_tables import METRICS, plan


def traffic(
    n: int, *, gain: float = 0.0, requests: int = 4, seed: int = 0, variants: str = "AB"
) -> tuple[pd.DataFrame, LiveSums]:
    """Requests of n users as rows, and the same as sums."""
    rng = np.random.default_rng(seed)
    code = np.arange(n) % len(variants)
    chance = np.clip(rng.normal(0.5, 0.15, n) + gain * (code > 0), 0.02, 0.98)
    user = np.repeat(np.arange(n), requests)
    value = (rng.random(n * requests) < chance[user]).astype(float)
    rows = pd.DataFrame(
        {
            "variant": np.array(list(variants))[code[user]],
            "unit_id": [f"u{u}" for u in user],
            "metric": "correct",
            "value": value,
            "at": np.where(user < n / 2, "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"),
        }
    )
    totals = np.bincount(user, weights=value)
    sums = {
        v: UnitSums.of(totals[code == c], np.full(int((code == c).sum()), float(requests)))
        for c, v in enumerate(variants)
    }
    return rows, LiveSums({"correct": sums}, {v: s.units for v, s in sums.items()}, days=8.0)


def from_sums(sums: LiveSums, given: Plan | None = None, **more: Any) -> Analysis:
    return analyse_sums(sums, plan=given or plan(), metrics=METRICS, control="A", **more)


@pytest.mark.parametrize("requests", [1, 4])
@pytest.mark.parametrize("variants", ["AB", "ABC"])
@pytest.mark.parametrize("stopping", ["fixed", "sequential"])
def test_sums_and_rows_give_the_same_comparisons(requests: int, variants: str, stopping: str) -> None:
    rows, sums = traffic(900, gain=0.06, requests=requests, variants=variants)
    given = plan(stopping=stopping, planned_units=900)

    by_rows = analyse(rows, plan=given, metrics=METRICS, control="A", design=Design.INDEPENDENT, live=True)
    by_sums = from_sums(sums, given)

    for one, other in zip(by_rows.comparisons, by_sums.comparisons, strict=True):
        assert (one.method, one.status, one.n_units) == (other.method, other.status, other.n_units)
        assert (one.estimate, one.lower, one.upper, one.adjusted_p_value) == pytest.approx(
            (other.estimate, other.lower, other.upper, other.adjusted_p_value)
        )
    assert decide(given, by_rows).outcome is decide(given, by_sums).outcome


def test_a_clear_live_win_ships() -> None:
    _, sums = traffic(4000, gain=0.1)

    found = decide(plan(), from_sums(sums))

    assert found.outcome is VerdictOutcome.SHIP


def test_a_first_week_cannot_decide() -> None:
    _, sums = traffic(4000, gain=0.1)
    early = LiveSums(sums.metrics, sums.exposed, days=3.5)

    found = decide(plan(), from_sums(early))

    assert found.deciding_rule == "health:duration"
    assert "3 of 7 days" in found.detail


def test_percentiles_need_rows() -> None:
    _, sums = traffic(2000, gain=0.1)
    latency = {v: UnitSums.of(np.random.default_rng(0).lognormal(6, 1, 1000)) for v in "AB"}
    both = LiveSums({**sums.metrics, "latency_ms": latency}, sums.exposed, days=8)
    given = plan(guardrails=[Guardrail(metric="latency_ms", aggregate="p95", margin=100)])

    found = from_sums(both, given)

    assert found.comparisons[-1].status is State.NEEDS_ROWS
    assert decide(given, found).deciding_rule == "limit_unclear:latency_ms"


def test_users_without_an_outcome_are_counted_and_may_block() -> None:
    a, b = UnitSums.of(np.tile([0.0, 1.0], 200)), UnitSums.of(np.tile([0.0, 1.0], 160), missing=80)

    found = from_sums(LiveSums({"correct": {"A": a, "B": b}}, {"A": 400, "B": 400}, days=8))

    assert found.comparisons[0].n_missing == {"A": 0, "B": 80}
    assert next(c.status for c in found.health if c.check == "error_rates") is HealthStatus.FAIL


def test_no_users_of_the_control_are_named() -> None:
    b = UnitSums.of(np.tile([0.0, 1.0], 200))

    found = from_sums(LiveSums({"correct": {"B": b}}, {"B": 400}), variants=["A", "B"])

    assert found.comparisons[0].status is State.NO_CONTROL
    assert decide(plan(), found).deciding_rule == "health:control"


def test_slices_are_compared_from_their_own_sums() -> None:
    _, sums = traffic(1200, gain=0.2)
    small = {"correct": {v: UnitSums.of(np.array([0.0, 1.0, 1.0])) for v in "AB"}}
    sliced = LiveSums(sums.metrics, sums.exposed, days=8, slices={"plan=pro": sums.metrics, "plan=free": small})

    found = {c.slice: c.status for c in from_sums(sliced).comparisons}

    assert found == {None: State.OK, "plan=pro": State.OK, "plan=free": State.TOO_FEW_UNITS}


def test_a_metric_nobody_described_is_refused() -> None:
    _, sums = traffic(100)

    with pytest.raises(BakeoffError, match="nobody has described"):
        from_sums(sums, plan("helpful"))


def test_before_the_planned_size_there_is_only_progress() -> None:
    _, sums = traffic(600)

    found = from_sums(sums, plan(planned_units=1000))

    assert not found.shows_effects
    assert found.arms == ()
    assert decide(plan(planned_units=1000), found).more_units_needed == 400


def graded(n: int, *, seed: int = 0, variants: str = "AB") -> tuple[pd.DataFrame, LiveSums]:
    """One grade of each of n users as rows, and the same as counts."""
    rng = np.random.default_rng(seed)
    code = np.arange(n) % len(variants)
    grade = np.clip(np.round(rng.normal(3 + 0.4 * (code > 0), 1)), 1, 5)
    rows = pd.DataFrame(
        {
            "variant": np.array(list(variants))[code],
            "unit_id": [f"u{u}" for u in range(n)],
            "metric": "grade",
            "value": grade,
            "at": np.where(np.arange(n) < n / 2, "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"),
        }
    )
    sums = {
        v: replace(UnitSums.of(grade[code == c]), grades=grades_of(grade[code == c])) for c, v in enumerate(variants)
    }
    return rows, LiveSums({"grade": sums}, {v: s.units for v, s in sums.items()}, days=8.0)


@pytest.mark.parametrize("variants", ["AB", "ABC"])
@pytest.mark.parametrize("stopping", ["fixed", "sequential"])
def test_counts_of_grades_and_rows_give_the_same_comparisons(variants: str, stopping: str) -> None:
    rows, sums = graded(600, variants=variants)
    given = plan("grade", stopping=stopping, planned_units=600)

    by_rows = analyse(rows, plan=given, metrics=METRICS, control="A", design=Design.INDEPENDENT, live=True)
    by_sums = from_sums(sums, given)

    assert decide(given, by_sums).outcome is VerdictOutcome.SHIP
    assert decide(given, by_sums).sentence == decide(given, by_rows).sentence
    assert "pairs of users" in decide(given, by_sums).sentence
    for one, other in zip(by_rows.comparisons, by_sums.comparisons, strict=True):
        assert (one.method, one.unit, one.n_units) == (other.method, other.unit, other.n_units)
        assert one.method == "brunner_munzel"
        assert (one.estimate, one.lower, one.upper, one.adjusted_p_value) == pytest.approx(
            (other.estimate, other.lower, other.upper, other.adjusted_p_value)
        )


def test_a_graded_metric_whose_grades_nobody_counted_says_what_to_do() -> None:
    _, sums = graded(600)
    bare = {v: replace(s, grades=()) for v, s in sums.metrics["grade"].items()}

    found = from_sums(replace(sums, metrics={"grade": bare}), plan("grade"))

    assert found.comparisons[0].status is State.NEEDS_ROWS
    assert "call it a score" in found.comparisons[0].warnings[0]
