"""Grades of different users: the counts of a database carry ranks, intervals cover, small arms are permuted."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.stats.estimates import Estimate, NotEstimable, State
from experiments.stats.ordinal import (
    brunner_munzel,
    brunner_munzel_of_grades,
    brunner_munzel_permutation,
    grades_of,
)
from experiments.stats.sequential import Reading

ONCE = Reading(0.05)
GRADES = np.arange(1.0, 6.0)
AT_FIRST, BETTER = (0.1, 0.2, 0.3, 0.25, 0.15), (0.05, 0.15, 0.3, 0.3, 0.2)


def counted(counts: np.ndarray) -> tuple[tuple[float, int], ...]:
    return tuple(zip(GRADES.tolist(), counts.tolist(), strict=True))


def true_win(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    a, b = np.array(first), np.array(second)
    return float(b @ (np.cumsum(a) - a / 2))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(10, 80), st.integers(10, 80))
def test_counts_give_what_scipy_gives_from_the_values(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.choice(GRADES, n, p=AT_FIRST), rng.choice(GRADES, m, p=BETTER)

    found = brunner_munzel_of_grades(grades_of(a), grades_of(b), reading=ONCE)

    reference = stats.brunnermunzel(a, b)
    assert isinstance(found, Estimate)
    assert found == brunner_munzel(a, b, reading=ONCE)
    assert found.p_value == pytest.approx(float(reference.pvalue), rel=1e-9)
    assert found.estimate / found.standard_error == pytest.approx(float(reference.statistic), rel=1e-9)
    assert found.details["mean_difference"] == pytest.approx(b.mean() - a.mean())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 30), min_size=5, max_size=5), st.lists(st.integers(0, 30), min_size=5, max_size=5))
def test_swapping_the_variants_turns_the_result_round(first: list[int], second: list[int]) -> None:
    a, b = counted(np.array(first) + 1), counted(np.array(second) + 1)

    one, other = (brunner_munzel_of_grades(*arms, reading=ONCE) for arms in ((a, b), (b, a)))

    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower))


@pytest.mark.parametrize("method", [brunner_munzel_of_grades, brunner_munzel_permutation])
@pytest.mark.parametrize(
    ("control", "treatment", "state"),
    [
        (((3.0, 8),), ((3.0, 8),), State.ALL_TIES),
        (((1.0, 4), (2.0, 4)), ((4.0, 2), (5.0, 6)), State.NO_VARIATION),
        (((1.0, 1),), ((2.0, 8),), State.TOO_FEW_UNITS),
    ],
)
def test_grades_without_a_spread_are_named(method, control, treatment, state):
    found = method(control, treatment, reading=ONCE)

    assert isinstance(found, NotEstimable)
    assert found.state is state


def test_small_arms_are_permuted_as_all_permutations_would_have_it() -> None:
    a, b = np.array([1.0, 2, 2, 3, 3, 4]), np.array([2.0, 3, 4, 4, 5, 5, 5])
    both = np.concatenate((a, b))
    observed = abs(float(stats.brunnermunzel(a, b).statistic))
    as_extreme, number = 0, 0
    with np.errstate(all="ignore"):
        for chosen in combinations(range(len(both)), len(a)):
            mine = np.zeros(len(both), dtype=bool)
            mine[list(chosen)] = True
            statistic = abs(float(stats.brunnermunzel(both[mine], both[~mine], distribution="normal").statistic))
            as_extreme += not statistic < observed - 1e-9
            number += 1

    found = brunner_munzel_permutation(grades_of(a), grades_of(b), reading=ONCE, seed=3)

    assert isinstance(found, Estimate)
    assert found.p_value == pytest.approx(as_extreme / number, abs=0.01)
    assert (found.lower > 0) == (found.p_value < 0.05)


def test_small_arms_keep_their_level_and_their_coverage() -> None:
    rng = np.random.default_rng(8)
    rejected, covered, runs = 0, 0, 400
    for run in range(runs):
        a, b, c = (rng.multinomial(n, p) for n, p in ((7, AT_FIRST), (9, AT_FIRST), (9, BETTER)))
        same = brunner_munzel_permutation(counted(a), counted(b), reading=ONCE, seed=run, draws=500)
        other = brunner_munzel_permutation(counted(a), counted(c), reading=ONCE, seed=run, draws=500)
        rejected += isinstance(same, Estimate) and same.p_value < 0.05
        truth = true_win(AT_FIRST, BETTER) - 0.5
        covered += isinstance(other, NotEstimable) or other.lower <= truth <= other.upper

    assert rejected / runs < 0.08
    assert covered / runs > 0.92


def test_a_fixed_interval_covers_and_a_watched_one_covers_at_every_look() -> None:
    rng = np.random.default_rng(5)
    truth, watched = true_win(AT_FIRST, BETTER) - 0.5, Reading(0.05, 600)
    once, always, naive, runs = 0, 0, 0, 300
    for _ in range(runs):
        arms = [np.cumsum(rng.multinomial(30, p, size=10), axis=0) for p in (AT_FIRST, BETTER)]
        looks = [(counted(a), counted(b)) for a, b in zip(*arms, strict=True)]
        seen = [brunner_munzel_of_grades(*look, reading=watched) for look in looks]
        read = [brunner_munzel_of_grades(*look, reading=ONCE) for look in looks]
        always += all(isinstance(e, Estimate) and e.lower <= truth <= e.upper for e in seen)
        naive += all(isinstance(e, Estimate) and e.lower <= truth <= e.upper for e in read)
        once += isinstance(read[-1], Estimate) and read[-1].lower <= truth <= read[-1].upper

    assert once / runs > 0.92
    assert always / runs > 0.95
    assert naive / runs < 0.9
