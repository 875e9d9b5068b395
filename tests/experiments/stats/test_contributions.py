"""Users who carry more than others: caps, effective units, clusters of different users, and sums of large numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.stats.arm_clusters import ClusteredArm, clustered_difference
from experiments.stats.contributions import Largest, cap_of, capped
from experiments.stats.estimates import Estimate, NotEstimable, State
from experiments.stats.ratios import independent_ratio
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums

ONCE = Reading(0.05)


def test_a_user_with_too_many_requests_keeps_the_rate_and_loses_the_weight() -> None:
    y, n = np.array([3000.0, 1, 2, 3]), np.array([6000.0, 2, 4, 6])
    other = np.array([1.0, 1]), np.array([2.0, 2])

    first, second = capped([(y, n), other], quantile=0.999, amounts=False)

    assert (first.y[0], first.n[0]) == (3.0, 6.0)
    assert first.cut == 1
    assert first.largest == Largest(3.0, 6.0, 6000 / 6012)
    assert (second.y.tolist(), second.cut) == ([1.0, 1.0], 0)


def test_amounts_are_cut_and_values_with_a_sign_are_not() -> None:
    paid = np.array([1.0, 2, 3, 500]), np.ones(4)
    moved = np.array([-1.0, 2, 3, 500]), np.ones(4)

    assert capped([paid], quantile=0.999, amounts=True)[0].y.tolist() == [1, 2, 3, 3]
    assert capped([moved], quantile=0.999, amounts=True)[0].y.tolist() == [-1, 2, 3, 500]
    assert capped([paid], quantile=1.0, amounts=True)[0].cut == 0


def test_equal_units_are_never_cut() -> None:
    assert cap_of(np.full(5000, 7.0), 0.999) == 7.0
    assert capped([(np.ones(50), np.full(50, 4.0))], quantile=0.999, amounts=True)[0].cut == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e6, 1.7e9, 1.7e12]))
def test_sums_around_a_centre_lose_nothing_of_large_numbers(seed: int, offset: float) -> None:
    # Raw sums of squares of epoch milliseconds lose all of a spread of one; a centre keeps it (Chan et al. 1983).
    rng = np.random.default_rng(seed)
    y = offset + rng.normal(size=60)
    n = rng.integers(1, 5, 60).astype(float)

    once = UnitSums.of(y, centre=float(y.mean()))
    many = UnitSums.of(y * n, n, centre=float(y.mean()))

    rate = (y * n).sum() / n.sum()
    expected = (((y - rate) * n) ** 2).sum() * 60 / 59 / n.sum() ** 2
    assert once.variance == pytest.approx(y.var(ddof=1), rel=1e-6)
    assert many.ratio_variance == pytest.approx(expected, rel=1e-3)
    assert once.mean == pytest.approx(y.mean(), rel=1e-15)


def test_variance_is_zero_only_where_values_are_equal() -> None:
    apart = np.array([1e9, 1e9 + 1e-3] * 20)

    assert UnitSums.of(np.full(40, 0.1)).variance == 0.0
    assert UnitSums.of(np.full(40, 0.3) * 3, np.full(40, 3.0)).ratio_variance == 0.0
    assert UnitSums.of(apart, centre=1e9).variance == pytest.approx(apart.var(ddof=1), rel=1e-3)
    # sums whose centre nobody knew say that they cannot tell, by an error that is too large and never too small
    assert UnitSums.of(apart).variance >= apart.var(ddof=1)


def test_sums_of_parts_with_other_centres_are_not_added() -> None:
    with pytest.raises(ValueError, match="same centre"):
        UnitSums.of(np.ones(3)) + UnitSums.of(np.ones(3), centre=1.0)


def test_without_the_largest_unit_is_what_is_left() -> None:
    y, n = np.array([40.0, 1, 2, 1]), np.array([50.0, 2, 3, 4])
    sums = UnitSums.of(y, n, centre=0.5).with_contributions(Largest(40.0, 50.0, 0.8), 0)

    rest = sums.without_largest()

    assert rest is not None
    assert rest.ratio == pytest.approx(4 / 9)
    assert rest.ratio_variance == pytest.approx(UnitSums.of(y[1:], n[1:]).ratio_variance)
    assert replace(sums, largest=None).without_largest() is None


def rejected(make: object, method: object, runs: int) -> float:
    count = 0
    for seed in range(runs):
        found = method(*make(np.random.default_rng(seed)))  # type: ignore[operator]
        count += isinstance(found, Estimate) and found.p_value < 0.05
    return count / runs


@pytest.mark.parametrize("teams", [6, 10])
def test_few_unequal_teams_per_variant_hold_the_error(teams: int) -> None:
    def arms(rng: np.random.Generator) -> list[ClusteredArm]:
        made = []
        for _ in "AB":
            sizes = 1 + rng.negative_binomial(1, 0.08, teams)
            team = np.repeat(np.arange(teams), sizes)
            made.append(
                ClusteredArm.of(rng.normal(size=teams)[team] + rng.normal(size=len(team)), team * 0 + 1.0, team)
            )
        return made

    share = rejected(arms, lambda a, b: clustered_difference(a, b, crossed=False, reading=ONCE), 1500)

    assert share < 0.05 + 3 * (0.05 * 0.95 / 1500) ** 0.5


def test_unequal_users_hold_the_error_that_the_plain_delta_method_exceeds() -> None:
    def arms(rng: np.random.Generator) -> list[UnitSums]:
        made = []
        for _ in "AB":
            n = np.maximum(1, rng.lognormal(1.5, 1.0, 40)).round()
            made.append(UnitSums.of(n * rng.normal(size=40), n))
        return made

    share = rejected(arms, lambda a, b: independent_ratio(a, b, reading=ONCE), 1500)

    assert share < 0.05 + 3 * (0.05 * 0.95 / 1500) ** 0.5


def test_teams_that_met_both_variants_are_left_out_of_both_at_once() -> None:
    rng = np.random.default_rng(5)
    team = np.arange(400) % 20
    lean = 3 * rng.normal(size=20)[team]
    arm = rng.permutation(400) % 2
    y = lean + rng.normal(size=400)
    a, b = (ClusteredArm.of(y[arm == v], np.ones((arm == v).sum()), team[arm == v], size=20) for v in (0, 1))

    crossed = clustered_difference(a, b, crossed=True, reading=ONCE)
    apart = clustered_difference(a, b, crossed=False, reading=ONCE)

    assert isinstance(crossed, Estimate)
    assert isinstance(apart, Estimate)
    assert crossed.n_clusters == 20
    assert crossed.standard_error < 0.7 * apart.standard_error


@pytest.mark.parametrize(
    ("sizes", "words"), [([1] * 5, "5 values in one variant"), ([1] * 9 + [200], "equal ones; 3 are needed")]
)
def test_too_few_teams_name_the_column(sizes: list[int], words: str) -> None:
    arm = ClusteredArm(np.array(sizes) * 0.5, np.array(sizes, dtype=float), sum(sizes))

    found = clustered_difference(arm, arm, crossed=False, reading=ONCE)

    assert isinstance(found, NotEstimable)
    assert found.state is State.TOO_FEW_CLUSTERS
    assert "cluster_id" in found.message
    assert words in found.message
