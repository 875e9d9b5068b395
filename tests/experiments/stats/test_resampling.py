"""Sign flips and bootstraps: right against slow programs, exact where they can be, and the same in every order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.stats.bootstrap import merged, resampled_sums, weights
from experiments.stats.estimates import Estimate, NotEstimable, State
from experiments.stats.quantiles import Observations, order_statistic_interval, quantile_difference, resampled_quantiles
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading
from experiments.stats.sign_flips import flip_sums, sign_flip

SMALL = st.lists(st.integers(-5, 5), min_size=6, max_size=9).filter(lambda d: len(set(d)) > 1)


def sample(differences: np.ndarray, clusters: np.ndarray | None = None) -> PairedSample:
    return PairedSample.of(np.zeros(len(differences)), np.asarray(differences, dtype=float), clusters)


@settings(deadline=None, max_examples=25)
@given(SMALL)
def test_exact_sign_flips_agree_with_scipy(differences: list[int]) -> None:
    expected = stats.permutation_test(
        (np.array(differences, dtype=float),), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue

    found = sign_flip(sample(np.array(differences)), alpha=0.2)

    assert isinstance(found, Estimate)
    assert found.p_value == pytest.approx(expected)


def test_random_sign_flips_agree_with_scipy() -> None:
    differences = np.random.default_rng(3).normal(0.2, 1, 60)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
    ).pvalue

    found = sign_flip(sample(differences), seed=7)

    assert isinstance(found, Estimate)
    assert found.p_value == pytest.approx(expected, abs=0.01)


@settings(deadline=None, max_examples=25)
@given(SMALL, st.sampled_from([0.05, 0.1, 0.2]))
def test_the_interval_holds_the_shifts_that_the_test_does_not_reject(differences: list[int], alpha: float) -> None:
    found = sign_flip(sample(np.array(differences)), alpha=alpha)
    if isinstance(found, NotEstimable):
        return

    for limit, outward in ((found.lower, -1), (found.upper, 1)):
        beyond = sign_flip(sample(np.array(differences) - limit - outward * 1e-6), alpha=alpha)
        within = sign_flip(sample(np.array(differences) - limit + outward * 1e-6), alpha=alpha)
        assert isinstance(beyond, Estimate)
        assert beyond.p_value <= alpha
        assert isinstance(within, Estimate)
        assert within.p_value > alpha


def test_five_rows_can_never_reach_five_per_cent() -> None:
    found = sign_flip(sample(np.array([1.0, 2, 3, 4, 5])))

    assert isinstance(found, NotEstimable)
    assert found.state is State.TOO_FEW_CLUSTERS


def test_whole_clusters_flip_together() -> None:
    differences, clusters = np.array([1.0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]), np.repeat(np.arange(6), 2)

    found = sign_flip(sample(differences, clusters))

    assert isinstance(found, Estimate)
    assert found.p_value == 2 / 2**6


def test_flips_of_the_same_size_sum_to_the_same_values_in_blocks() -> None:
    column = np.random.default_rng(0).normal(size=(5000, 2))

    sums = flip_sums(column, seed=1, flips=400).sums

    assert sums.mean(axis=0) == pytest.approx([0, 0], abs=15)
    assert sums.std(axis=0) == pytest.approx(np.sqrt((column**2).sum(axis=0)), rel=0.15)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_swapping_the_variants_mirrors_every_digit_of_the_flips(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=40), rng.normal(size=40)

    one, other = sign_flip(PairedSample.of(a, b)), sign_flip(PairedSample.of(b, a))

    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert (one.lower, one.upper, one.p_value) == (-other.upper, -other.lower, other.p_value)


def test_resampled_sums_are_the_weighted_sums() -> None:
    columns = np.random.default_rng(0).normal(5, 1, (40, 3))

    sums = resampled_sums(columns, resamples=700, seed=4)

    expected = np.concatenate(list(weights(40, resamples=700, seed=4))).astype(float) @ columns
    assert sums == pytest.approx(expected, rel=1e-5)


def test_every_resample_draws_as_many_clusters_as_there_are() -> None:
    drawn = np.concatenate(list(weights(33, resamples=60, seed=0)))

    assert (drawn.sum(axis=1) == 33).all()


def test_merged_clusters_stay_whole() -> None:
    clusters = np.repeat(np.arange(500), 3)

    groups = merged(clusters, at_most=20, seed=1)

    assert len(np.unique(groups)) == 20
    assert (groups.reshape(500, 3) == groups.reshape(500, 3)[:, :1]).all()


def test_fast_resampled_quantiles_agree_with_repeated_rows() -> None:
    rng = np.random.default_rng(5)
    clusters = np.sort(rng.integers(0, 60, 3000))
    values = np.exp(rng.normal(size=3000) + rng.normal(size=60)[clusters])

    fast = resampled_quantiles([Observations(values, clusters)], 0.95, seed=2, resamples=200)[0]

    drawn = np.concatenate(list(weights(60, resamples=200, seed=2))).astype(int)
    slow = np.array([np.quantile(np.repeat(values, times[clusters]), 0.95) for times in drawn])
    assert fast == pytest.approx(slow, rel=0.02)
    assert fast.std() == pytest.approx(slow.std(), rel=0.02)


def test_a_percentile_that_never_varies_is_named() -> None:
    same = Observations(np.full(300, 2.0), np.arange(300))

    found = quantile_difference(same, same, 0.5, paired=True, reading=Reading(), seed=0)

    assert isinstance(found, NotEstimable)
    assert found.state is State.NO_VARIATION


def test_a_p95_of_71_values_has_no_limits() -> None:
    found = order_statistic_interval(np.arange(71.0), 0.95)

    assert isinstance(found, NotEstimable)


def test_a_p95_difference_is_found_with_its_size() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.exponential(100, 4000), rng.exponential(120, 4000)

    found = quantile_difference(
        Observations(a, np.arange(4000)),
        Observations(b, np.arange(4000)),
        0.95,
        paired=False,
        reading=Reading(),
        seed=0,
    )

    assert isinstance(found, Estimate)
    assert found.lower < 59.9 < found.upper
    assert found.lower > 0
    assert found.relative is not None
    assert found.relative.estimate == pytest.approx(0.2, abs=0.08)
