"""Graded outcomes of live users, counted by the database."""

from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from experiments.actions.results.open_results import open_results
from experiments.live.assignment import drawn
from experiments.loading.live import live_evidence
from tests.live_builders import ADA, live_spec, met, outcome, record, started

NAME = "refund reply"
GRADED = [{"metric": "helpful", "kind": "ordinal"}]


def plan(**more):
    return {"primary": {"metric": "helpful", "smallest_effect": 0.03}, "stopping": "fixed", **more}


def graded_traffic(live, now, *, users, gain=0.8, seed=4):
    """Users who give one to three grades each, and the mean grade of every user by variant."""
    rng = np.random.default_rng(seed)
    events, held = [], defaultdict(list)
    for number in range(users):
        unit = f"user-{number}"
        variant = drawn(live, unit)
        level = rng.normal(3 + (gain if variant == "B" else 0), 1)
        grades = np.clip(np.round(rng.normal(level, 0.7, rng.integers(1, 4))), 1, 5)
        events.append(met(live, unit, now, plan="pro" if number % 2 else "free"))
        events += [outcome(unit, float(grade), now, metric="helpful") for grade in grades]
        held[variant].append(grades.sum() / len(grades))
    return events, held


def _primary(result, label=None):
    return next(c for c in result["comparisons"] if c["role"] == "primary" and c["slice"] == label)


def test_a_graded_outcome_read_once_is_what_scipy_says_of_the_users(store, clock):
    live = started(store, live_spec(plan=plan(planned_units=240), outcomes=GRADED))
    events, held = graded_traffic(live, clock(), users=240)
    record(store, events)

    found = _primary(open_results(store, NAME, actor=ADA))

    reference = stats.brunnermunzel(held["A"], held["B"])
    greater = np.subtract.outer(held["B"], held["A"])
    win = float(((greater > 0) + 0.5 * (greater == 0)).mean())
    assert (found["status"], found["method"], found["unit"]) == ("ok", "brunner_munzel", "points")
    assert found["p_value"] == pytest.approx(float(reference.pvalue), rel=1e-6)
    assert found["estimate"] == pytest.approx(win - 0.5)
    assert found["lower"] < found["estimate"] < found["upper"]
    assert found["details"]["mean_difference"] == pytest.approx(np.mean(held["B"]) - np.mean(held["A"]))


def test_a_watched_graded_outcome_has_a_wider_interval_and_ships(store, clock):
    live = started(store, live_spec(plan=plan(stopping="sequential"), outcomes=GRADED))
    record(store, graded_traffic(live, clock(), users=400)[0])
    clock.advance(days=8)

    result = open_results(store, NAME, actor=ADA)

    found = _primary(result)
    assert (found["status"], found["sequential"]) == ("ok", True)
    half = (found["upper"] - found["lower"]) / 2
    assert half > 1.5 * 1.96 * found["standard_error"]
    assert result["verdict"]["outcome"] == "ship", result["verdict"]
    assert "of 100 pairs of users" in result["verdict"]["sentence"]
    assert {_primary(result, label)["status"] for label in ("plan=pro", "plan=free")} == {"ok"}


def test_a_graded_outcome_on_which_all_agree_has_the_range_that_so_many_users_leave(store, clock):
    live = started(store, live_spec(plan=plan(stopping="sequential"), outcomes=GRADED))
    now = clock()
    units = [f"user-{i}" for i in range(120)]
    record(store, [e for u in units for e in (met(live, u, now), outcome(u, 5, now, metric="helpful"))])

    found = _primary(open_results(store, NAME, actor=ADA))

    assert (found["status"], found["estimate"], found["p_value"]) == ("ok", 0.0, 1.0)
    # 60 users per variant or nearly so, watched: 1 − (0.025/61)^(1/60) of each may grade otherwise
    share = 1 - (0.025 / 61) ** (1 / 60)
    assert found["upper"] == pytest.approx((1 - (1 - share) ** 2) / 2, rel=0.15)


def test_too_many_different_values_are_no_grades(sqlite_store, clock, monkeypatch):
    monkeypatch.setattr(live_evidence, "MOST_GRADES", 4)
    live = started(sqlite_store, live_spec(plan=plan(stopping="sequential"), outcomes=GRADED))
    record(sqlite_store, graded_traffic(live, clock(), users=120)[0])

    found = _primary(open_results(sqlite_store, NAME, actor=ADA))

    assert found["status"] == "needs_rows"
    assert "call it a score" in found["warnings"][0]


def test_users_who_graded_nothing_count_as_zero_where_the_file_says_so(store, clock):
    outcomes = [{**GRADED[0], "missing": "zero"}]
    live = started(store, live_spec(plan=plan(planned_units=240), outcomes=outcomes))
    now = clock()
    events, held = graded_traffic(live, now, users=200)
    silent = [f"quiet-{i}" for i in range(40)]
    record(store, [*events, *(met(live, unit, now) for unit in silent)])

    found = _primary(open_results(store, NAME, actor=ADA))

    arms = {v: held[v] + [0.0] * sum(drawn(live, unit) == v for unit in silent) for v in "AB"}
    assert found["n_units"] == 240
    assert found["p_value"] == pytest.approx(float(stats.brunnermunzel(arms["A"], arms["B"]).pvalue), rel=1e-6)
