"""Live answers scored by a judge and corrected by people: small tables by hand, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.results.comparisons.independent import outcome_from_sums
from experiments.stats.estimates import Estimate
from experiments.stats.live_correction import JudgedArm, corrected_arm
from experiments.stats.sequential import Reading
from experiments.vocabulary import MetricKind


def arm_of(judge, people, users=None):
    """An arm from all answers: the judge's scores, people's values (None: not rated), and whose answer each is."""
    judge = np.array(judge, dtype=float)
    users = np.arange(len(judge)) if users is None else np.array(users)
    counts = np.bincount(users)
    means = np.bincount(users, weights=judge)[counts > 0] / counts[counts > 0]
    rated = np.array([value is not None for value in people])
    share = 1 / counts[users]
    code = np.unique(users, return_inverse=True)[1]
    return JudgedArm(
        units=len(means),
        total=float(means.sum()),
        squares=float(means @ means),
        user=code[rated].astype(np.intp),
        share=share[rated],
        user_score=means[code][rated],
        judge=judge[rated],
        people=np.array([value for value in people if value is not None], dtype=float),
    )


def test_a_small_table_by_hand():
    # f = 1 1 0 0 1 1, people of the first four: 1 0 0 0. f̄ = 4/6, of the rated 1/2, ȳ = 1/4.
    # slope = cov/var = (1·1/2 − ...)= 1/2; mean = 1/4 + 1/2 (4/6 − 1/2) = 1/3. π = 4/6, c = 1/4 − 1/2 · 1/2 = 0.
    # residuals y − f/2: 1/2, −1/2, 0, 0; r = residual / π = 3/4, −3/4, 0, 0; z = g + r, g = 1/2 1/2 0 0 1/2 1/2.
    found = corrected_arm(arm_of([1, 1, 0, 0, 1, 1], [1, 0, 0, 0, None, None]))
    assert (found.weight, found.rated_share) == (pytest.approx(1 / 2), pytest.approx(4 / 6))
    assert found.sums.mean == pytest.approx(1 / 3)
    # sum z² = sum g² + 2 sum g r + sum r² · 4/(4 − 2) = 1 + 0 + 2 · 9/8
    assert found.sums.squares == pytest.approx(1 + 2 * 9 / 8)


def test_a_user_counts_once_however_many_answers_are_judged():
    # user 0: f = 1 1 1 0 (mean 3/4), user 1: f = 0, user 2: f = 1; rated: one answer of user 0 (y = 0), users 1 and 2.
    found = corrected_arm(arm_of([1, 1, 1, 0, 0, 1], [0, None, None, None, 0, 1], [0, 0, 0, 0, 1, 2]), weight=1.0)
    # shares 1/4, 1, 1: ȳ = 1/2.25, f̄ of the rated = 1.25/2.25, f̄ = (3/4 + 0 + 1)/3
    assert found.sums.mean == pytest.approx(1 / 2.25 + (1.75 / 3 - 1.25 / 2.25))
    assert found.sums.units == 3


_grades = st.lists(st.tuples(st.sampled_from([0, 0.5, 1]), st.sampled_from([0, 1])), min_size=6, max_size=40)


@given(_grades)
@settings(max_examples=60, deadline=None)
def test_people_alone_decide_where_they_rated_everything(rows):
    judge, people = zip(*rows, strict=True)
    found = corrected_arm(arm_of(judge, people))
    assert found.sums.mean == pytest.approx(np.mean(people))
    assert found.rated_share == pytest.approx(1.0)


@given(_grades, st.integers(3, 5))
@settings(max_examples=60, deadline=None)
def test_a_judge_of_no_weight_leaves_peoples_mean(rows, rated):
    judge, people = zip(*rows, strict=True)
    told = [value if i < rated else None for i, value in enumerate(people)]
    assert corrected_arm(arm_of(judge, told), weight=0.0).sums.mean == pytest.approx(np.mean(people[:rated]))


@given(_grades, st.floats(0.1, 0.9), st.integers(4, 6))
@settings(max_examples=60, deadline=None)
def test_the_weight_is_kept_between_people_and_judge(rows, shift, rated):
    judge, people = zip(*rows, strict=True)
    told = [value if i < rated else None for i, value in enumerate(people)]
    found = corrected_arm(arm_of(judge, told))
    moved = corrected_arm(arm_of([value + shift for value in judge], told))
    assert 0 <= found.weight <= 1
    assert moved.sums.mean == pytest.approx(found.sums.mean)  # a judge that is kinder to all changes nothing


def test_a_judge_that_was_right_each_time_is_not_taken_for_certain():
    judge = [1, 0] * 200
    told = [value if i < 60 else None for i, value in enumerate(judge)]
    found = corrected_arm(arm_of(judge, told))
    assert found.sums.hidden**0.5 == pytest.approx(3 / 1.96 / 60)
    assert corrected_arm(arm_of(judge, judge)).sums.hidden == 0


def test_a_judge_that_favours_one_of_two_equal_variants_ships_neither_however_often_one_looks():
    reading, wrong, alone = Reading(0.05, 2000), 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        arms = []
        for kinder in (0.1, 0.5):
            people = (rng.random(2000) < 0.7).astype(float)
            judge = np.where(people == 1, rng.random(2000) < 0.95, rng.random(2000) < kinder).astype(float)
            arms.append((judge, np.where(rng.random(2000) < 0.1, people, np.nan)))
        shipped = shipped_alone = False
        for seen in (400, 600, 900, 1300, 2000):
            parts = [arm_of(f[:seen], [None if np.isnan(v) else v for v in y[:seen]]) for f, y in arms]
            corrected = _outcome([corrected_arm(part).sums for part in parts], reading)
            shipped |= corrected.lower > 0
            raw = [corrected_arm(arm_of(f[:seen], list(f[:seen]))).sums for f, _ in arms]
            shipped_alone |= _outcome(raw, reading).lower > 0
        wrong, alone = wrong + shipped, alone + shipped_alone
    assert wrong <= 4  # 5 % of 40, and two standard errors
    assert alone >= 36


def _outcome(sums, reading):
    found = outcome_from_sums(*sums, kind=MetricKind.SCORE, guardrail=False, reading=reading)
    assert isinstance(found, Estimate)
    return found
