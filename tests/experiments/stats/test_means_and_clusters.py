"""Means, clusters, ratios and sums: right against statsmodels, and honest about what they cannot carry."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.stats.clustered import cluster_mean, intraclass_correlation
from experiments.stats.estimates import Estimate, Interval, NotEstimable, State, number
from experiments.stats.lift import MeanPair, fieller
from experiments.stats.means import ArmMean, welch
from experiments.stats.paired_means import few_clusters_mean, paired_mean
from experiments.stats.ratios import independent_ratio, paired_ratio
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums, sums_by_arm

ONCE = Reading(0.05)


def clustered_rows(seed: int, n: int = 120, groups: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, groups, n)
    clusters[:groups] = np.arange(groups)
    effect = rng.normal(0, 0.5, groups)[clusters]
    return rng.normal(size=n), rng.normal(size=n) + effect, clusters


def test_the_clustered_error_is_that_of_statsmodels() -> None:
    a, b, clusters = clustered_rows(1)
    fitted = sm.OLS(b - a, np.ones(len(a))).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    n, groups = len(a), clusters.max() + 1

    found = cluster_mean(b - a, clusters)

    theirs = fitted.bse[0] / np.sqrt((n - 1) / (n - 1))
    assert found.mean == pytest.approx(fitted.params[0])
    assert found.standard_error == pytest.approx(theirs, rel=1e-8)
    assert found.df == groups - 1


def test_rows_that_are_their_own_clusters_give_the_ordinary_error() -> None:
    values = np.random.default_rng(0).normal(size=30)

    found = cluster_mean(values, np.arange(30))

    assert found.standard_error == pytest.approx(values.std(ddof=1) / 30**0.5)
    assert found.design_effect == pytest.approx(1)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_rows_doubled_inside_their_cluster_add_no_certainty(seed: int) -> None:
    a, b, clusters = clustered_rows(seed)
    once = paired_mean(PairedSample.of(a, b, clusters), reading=ONCE)

    twice = paired_mean(PairedSample.of(np.tile(a, 2), np.tile(b, 2), np.tile(clusters, 2)), reading=ONCE)

    assert isinstance(once, Estimate)
    assert isinstance(twice, Estimate)
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))


def test_the_intraclass_correlation_of_equal_groups_is_that_of_the_analysis_of_variance() -> None:
    # Groups (1, 3), (5, 7): means 2 and 6, MSB = 2 · 8 = 16, MSW = 2: (16 − 2)/(16 + 2) = 7/9.
    assert intraclass_correlation(np.array([1.0, 3, 5, 7]), np.array([0, 0, 1, 1])) == pytest.approx(7 / 9)
    assert intraclass_correlation(np.array([1.0, 2]), np.array([0, 1])) is None


def test_equal_differences_are_no_variation() -> None:
    found = paired_mean(PairedSample.of(np.arange(40.0), np.arange(40.0) + 0.1), reading=ONCE)

    assert isinstance(found, NotEstimable)
    assert found.state is State.NO_VARIATION


def test_one_pair_has_no_spread() -> None:
    found = paired_mean(PairedSample.of(np.array([1.0]), np.array([2.0])), reading=ONCE)

    assert isinstance(found, NotEstimable)
    assert found.state is State.TOO_FEW_CLUSTERS


def test_few_clusters_get_the_wider_of_both_intervals_and_the_larger_p() -> None:
    a, b, clusters = clustered_rows(4, groups=8)
    sample = PairedSample.of(a, b + 0.3, clusters)
    by_t = paired_mean(sample, reading=ONCE)

    both = few_clusters_mean(sample, alpha=0.05, seed=0)

    assert isinstance(by_t, Estimate)
    assert isinstance(both, Estimate)
    assert both.lower <= by_t.lower
    assert both.upper >= by_t.upper
    assert both.p_value >= by_t.p_value


def test_the_lift_leaves_zero_out_exactly_when_the_difference_does() -> None:
    for treatment in np.linspace(8, 14, 25):
        means = MeanPair(10.0, treatment, 0.6, 0.9, 0.2)
        error = (0.6 + 0.9 - 0.4) ** 0.5

        found = fieller(means, multiplier=2.0)

        assert isinstance(found, Interval)
        assert (found.lower > 0 or found.upper < 0) == (abs(treatment - 10) > 2 * error)


def test_a_control_near_zero_has_no_lift() -> None:
    found = fieller(MeanPair(0.5, 1.0, 0.04, 0.04), multiplier=1.96)

    assert isinstance(found, NotEstimable)
    assert found.state is State.CONTROL_NEAR_ZERO


def test_sums_give_the_same_test_as_the_values() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(3, 1, 200), rng.normal(3.3, 2, 150)
    sums = [UnitSums.of(values) for values in (a, b)]
    theirs = stats.ttest_ind(b, a, equal_var=False)

    found = welch(*(ArmMean(s.mean, s.variance / s.units, s.units) for s in sums), reading=ONCE)

    assert isinstance(found, Estimate)
    interval = theirs.confidence_interval()
    assert (found.p_value, found.lower, found.upper) == pytest.approx((theirs.pvalue, interval.low, interval.high))


def test_sums_of_parts_add_up_to_the_sums_of_all() -> None:
    rng = np.random.default_rng(2)
    y, n, x = rng.normal(size=90), rng.integers(1, 5, 90).astype(float), rng.normal(size=90)

    parts = UnitSums.of(y[:40], n[:40], x[:40]) + UnitSums.of(y[40:], n[40:], x[40:])

    whole = UnitSums.of(y, n, x)
    assert parts.ratio_variance == pytest.approx(whole.ratio_variance)
    assert (parts.units, parts.xy) == (90, pytest.approx(whole.xy))


def test_sums_from_a_query_count_every_unit_once_unless_told() -> None:
    sums = UnitSums.from_mapping({"units": 4, "y": 6.0, "yy": 14.0})

    assert (sums.n, sums.mean, sums.ratio) == (4, 1.5, 1.5)


def test_request_rows_become_sums_of_their_users() -> None:
    arms, units = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 2, 3, 3])
    y = np.array([1.0, 0, 1, 1, 1])

    control, treatment = sums_by_arm(arms, units, y, n_arms=2, n_units=4)

    assert (control.units, control.y, control.n, control.yn) == (2, 2.0, 3.0, 3.0)
    assert (treatment.units, treatment.ratio) == (1, 1.0)


def test_a_ratio_without_denominators_is_named() -> None:
    nothing = UnitSums.of(np.array([1.0, 2]), np.array([0.0, 0]))

    found = independent_ratio(nothing, nothing, reading=ONCE)

    assert isinstance(found, NotEstimable)
    assert found.state is State.ZERO_DENOMINATOR


def test_a_paired_ratio_with_one_request_per_row_is_the_paired_mean() -> None:
    a, b, clusters = clustered_rows(7)
    ones = np.ones(len(a))

    ratio = paired_ratio((a, ones), (b, ones), clusters, reading=ONCE)

    mean = paired_mean(PairedSample.of(a, b, clusters), reading=ONCE)
    assert isinstance(ratio, Estimate)
    assert isinstance(mean, Estimate)
    assert (ratio.estimate, ratio.lower, ratio.upper) == pytest.approx((mean.estimate, mean.lower, mean.upper))
    # the p-value is that of estimate / error at clusters − 1 degrees of freedom, as the interval's multiplier is
    assert ratio.p_value == pytest.approx(mean.p_value, rel=1e-9)
    assert ratio.p_value == pytest.approx(2 * stats.t.sf(abs(ratio.estimate / ratio.standard_error), 14), rel=1e-9)
    assert 0.001 < ratio.p_value < 0.999


def test_no_result_holds_a_number_that_is_not_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        number(float("nan"))
    with pytest.raises(ValueError, match="finite"):
        Interval(1.0, 0.0, float("inf"))
