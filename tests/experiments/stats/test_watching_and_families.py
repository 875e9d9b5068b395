"""Always-valid readings, several comparisons at once, splits, margins and beliefs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.stats.bayes import chances_best, independent_belief, normal_belief, paired_belief
from experiments.stats.equivalence import margin_state, non_inferiority, tost
from experiments.stats.estimates import Interval
from experiments.stats.multiplicity import benjamini_hochberg, dunnett, holm, min_p
from experiments.stats.paired import PairTable
from experiments.stats.sequential import Reading, always_valid_multiplier, always_valid_p
from experiments.stats.srm import split_check

P_VALUES = st.lists(st.floats(1e-6, 1), min_size=2, max_size=8)


@settings(deadline=None, max_examples=40)
@given(st.floats(-6, 6), st.integers(30, 5000), st.integers(30, 5000), st.sampled_from([0.01, 0.05]))
def test_the_always_valid_p_agrees_with_its_interval(z: float, n: int, horizon: int, alpha: float) -> None:
    outside = abs(z) > always_valid_multiplier(n, alpha=alpha, horizon=horizon)

    assert (always_valid_p(z, n, alpha=alpha, horizon=horizon) < alpha) == outside


@settings(deadline=None, max_examples=30)
@given(st.floats(-5, 5), st.integers(30, 900), st.floats(4, 300))
def test_a_watched_reading_agrees_with_itself_at_few_degrees_of_freedom(z: float, n: int, df: float) -> None:
    reading = Reading(0.05, 400)

    outside = abs(z) > reading.multiplier(n_units=n, df=df)

    assert (reading.p_value(z, n_units=n, df=df) < 0.05) == outside


def test_the_sequence_is_narrowest_near_its_horizon() -> None:
    at = {horizon: always_valid_multiplier(400, alpha=0.05, horizon=horizon) for horizon in (40, 400, 4000)}

    assert min(at, key=lambda horizon: at[horizon]) == 400


def test_watching_costs_half_the_width_again() -> None:
    once = Reading(0.05).multiplier(n_units=500, df=499)

    assert Reading(0.05, 500).multiplier(n_units=500, df=499) / once == pytest.approx(1.55, abs=0.02)


@settings(deadline=None, max_examples=40)
@given(P_VALUES)
def test_holm_adjusts_upwards_at_most_to_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)

    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= min(1.0, len(p_values) * p) + 1e-12
    assert list(np.argsort(p_values, kind="stable")) == sorted(
        range(len(p_values)), key=lambda i: (adjusted[i], p_values[i], i)
    )


@settings(deadline=None, max_examples=40)
@given(P_VALUES)
def test_false_discoveries_are_adjusted_less_than_by_holm(p_values: list[float]) -> None:
    for found, strict in zip(benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert found <= strict + 1e-12


def test_no_comparison_has_nothing_to_adjust() -> None:
    assert benjamini_hochberg([]) == ()


def test_max_t_is_sharper_than_bonferroni_and_agrees_with_its_intervals() -> None:
    rng = np.random.default_rng(1)
    control, challengers = rng.normal(size=(200, 1)), rng.normal(size=(200, 4))
    sums = challengers - control
    t = sums.mean(axis=0) / (sums.std(axis=0, ddof=1) / 200**0.5)
    p_values = list(2 * stats.t.sf(np.abs(t), 199))

    family = min_p(sums, p_values, alpha=0.05, seed=0)

    assert 0.05 / 4 < family.alpha_each < 0.05
    assert all(p <= q for p, q in zip(p_values, family.adjusted, strict=True))
    assert [q <= 0.05 for q in family.adjusted] == [p <= family.alpha_each for p in p_values]


def test_max_t_of_identical_challengers_costs_nothing() -> None:
    one = np.random.default_rng(2).normal(0.1, 1, (300, 1))

    family = min_p(np.repeat(one, 3, axis=1), [0.03, 0.03, 0.03], alpha=0.05, seed=0)

    assert family.alpha_each == pytest.approx(0.05, abs=0.008)


def test_dunnett_of_one_challenger_changes_nothing() -> None:
    family = dunnett((1.0, [1.0]), [0.03], df=40, alpha=0.05)

    assert (family.adjusted[0], family.alpha_each) == (pytest.approx(0.03, abs=1e-4), 0.05)


def test_challengers_that_never_vary_leave_dunnett_between_one_test_and_several() -> None:
    # They share all the error there is, so the truth is that of one test; the cap errs to the careful side.
    family = dunnett((1.0, [0.0, 0.0, 0.0, 0.0]), [0.04] * 4, df=40, alpha=0.05)

    assert all(0.04 <= p < 0.08 for p in family.adjusted)
    assert 0.05 / 4 < family.alpha_each <= 0.05


def test_dunnett_agrees_with_scipy_on_three_groups() -> None:
    rng = np.random.default_rng(4)
    groups = [rng.normal(size=n) for n in (30, 25, 20)]
    theirs = stats.dunnett(*groups[1:], control=groups[0], rng=np.random.default_rng(0))
    df = sum(map(len, groups)) - 3
    spread = (sum(((g - g.mean()) ** 2).sum() for g in groups) / df) ** 0.5
    errors = [spread / len(g) ** 0.5 for g in groups]

    family = dunnett((errors[0], errors[1:]), list(2 * stats.t.sf(np.abs(theirs.statistic), df)), df=df, alpha=0.05)

    assert family.adjusted == pytest.approx(tuple(theirs.pvalue), abs=2e-3)


def test_an_arm_that_should_get_nothing_is_off_with_its_first_unit() -> None:
    assert split_check({"A": 100, "B": 100, "C": 1}, {"A": 1, "B": 1, "C": 0}, watched=False).off


def test_no_units_yet_are_split_as_planned() -> None:
    assert not split_check({"A": 0, "B": 0}, {"A": 1, "B": 1}, watched=False).off


def test_a_watched_split_needs_stronger_evidence() -> None:
    units, weights = {"A": 1150, "B": 992}, {"A": 1.0, "B": 1.0}
    found = split_check(units, weights, watched=False)
    assert 0.0005 < found.p_value < 0.001

    assert found.off
    assert not split_check(units, weights, watched=True).off


def test_a_margin_is_held_broken_or_unclear() -> None:
    assert margin_state(Interval(0.0, -0.02, 0.02), 0.03) == "held"
    assert margin_state(Interval(-0.06, -0.08, -0.04), 0.03) == "broken"
    assert margin_state(Interval(-0.02, -0.05, 0.01), 0.03) == "unclear"


def test_not_significant_is_not_equivalent() -> None:
    assert tost(0.0, 1.0, 100, low=-1, high=1).p_value > 0.05
    assert non_inferiority(0.0, 1.0, 100, margin=1.0) > 0.05
    assert non_inferiority(0.0, 0.3, 100, margin=1.0) < 0.01


def test_beliefs_agree_with_draws() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.beta(31, 71, 300_000), rng.beta(41, 61, 300_000)
    table = PairTable(10, 12, 5, 8)
    drawn = rng.dirichlet([10.5, 12.5, 5.5, 8.5], 300_000)
    difference = drawn[:, 1] - drawn[:, 2]

    independent, paired = independent_belief((30, 100), (40, 100)), paired_belief(table)

    assert independent.chance_better == pytest.approx((b > a).mean(), abs=3e-3)
    assert independent.expected_loss == pytest.approx(np.maximum(a - b, 0).mean(), abs=2e-4)
    assert paired.chance_better == pytest.approx((difference > 0).mean(), abs=3e-3)
    assert paired.expected_loss == pytest.approx(np.maximum(-difference, 0).mean(), abs=2e-4)


def test_a_weak_prior_pulls_towards_zero() -> None:
    assert (
        normal_belief(1.0, 1.0, smallest_effect=0.1).chance_better
        < normal_belief(1.0, 1.0, smallest_effect=10).chance_better
    )


def test_chances_to_be_best_add_up() -> None:
    chances = chances_best(np.array([0.0, 1.0, 1.0]), np.eye(3) / 4, seed=1)

    assert sum(chances) == pytest.approx(1)
    assert chances[1] == pytest.approx(chances[2], abs=0.02)
