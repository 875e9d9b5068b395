"""Corrected effects hold the truth where raw ones do not; the long run is ``benchmarks/judge_calibration.py``."""

from __future__ import annotations

import pytest

from benchmarks.judge_calibration import JUDGES, coverage, simulate

RUNS = 80
BY_NAME = {judge.name: judge for judge in JUDGES}


@pytest.mark.parametrize("name", ["mediocre", "likes the challenger"])
def test_the_corrected_interval_holds_the_true_effect_at_its_nominal_rate(name: str):
    outcomes = list(simulate(BY_NAME[name], effect=0.15, runs=RUNS, seed=5))
    assert all(outcome.corrected is not None for outcome in outcomes)
    # 0.95 ± 2.6 standard errors of 80 runs
    assert coverage(outcomes, "corrected", 0.15) >= 0.887


def test_a_judge_that_likes_the_challenger_claims_what_is_not_there_and_ships_nothing():
    outcomes = list(simulate(BY_NAME["likes the challenger"], effect=0.0, runs=RUNS, seed=6))
    assert coverage(outcomes, "raw", 0.0) < 0.3
    assert coverage(outcomes, "corrected", 0.0) >= 0.887
    assert sum(outcome.shipped for outcome in outcomes) <= 0.05 * RUNS


def test_the_correction_is_worth_its_judge():
    outcomes = list(simulate(BY_NAME["good"], effect=0.15, runs=20, seed=7))
    widths = [(o.corrected[1] - o.corrected[0]) / (o.people[1] - o.people[0]) for o in outcomes if o.corrected]
    assert sum(widths) / len(widths) < 0.8
