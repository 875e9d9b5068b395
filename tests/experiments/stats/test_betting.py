"""Watched means of bounded values: fair by enumeration, exact from the first value, sharp at the planned size."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.stats.betting import LARGEST_STAKE, STAKES, bounded_mean
from experiments.stats.paired_means import watched_bounded_mean
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading

MORE = {"alpha": 0.05, "horizon": 200}
VALUES = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=60)


def _capital(values, **more):
    return 1 / bounded_mean(np.array(values, dtype=float), bound=1.0, **(MORE | more)).p_value


@pytest.mark.parametrize("chances", [(0.5, 0.0, 0.5), (0.1, 0.8, 0.1), (0.25, 0.5, 0.25)])
def test_the_bets_are_fair_when_nothing_differs(chances):
    """The capital is 1 on average: no gain can be expected, whatever share of rows differs. All sequences of 5 rows."""
    shares = np.geomspace(math.sqrt(-2 * math.log(0.05) / 200), LARGEST_STAKE, STAKES)
    stakes = np.concatenate([shares, -shares])
    total = 0.0
    for rows in itertools.product((-1, 0, 1), repeat=5):
        chance = math.prod(chances[value + 1] for value in rows)
        capital = float(np.mean([math.prod(1 + stake * value for value in rows) for stake in stakes]))
        assert _capital(rows) == pytest.approx(max(1.0, capital))
        total += chance * capital
    assert total == pytest.approx(1.0)


def test_wins_in_a_row_decide_as_soon_as_they_can():
    # One stake of 0.9 among 20 would need 20 · 20 = 1.9^n at most: 9.4 rows; all stakes together need ten.
    p_values = [bounded_mean(np.ones(n), bound=1.0, **MORE).p_value for n in range(14)]
    assert p_values[0] == 1.0
    assert next(n for n, p in enumerate(p_values) if p < 0.05) <= 10
    assert p_values == sorted(p_values, reverse=True)


def test_no_value_gives_the_whole_range_and_one_beyond_the_bound_is_refused():
    nothing = bounded_mean(np.array([]), bound=0.5, **MORE)
    assert (nothing.lower, nothing.upper, nothing.p_value) == (-0.5, 0.5, 1.0)
    with pytest.raises(ValueError, match="beyond"):
        bounded_mean(np.array([0.6]), bound=0.5, **MORE)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.randoms())
def test_limits_hold_the_mean_and_know_neither_order_nor_sign(values, random):
    found = bounded_mean(np.array(values), bound=1.0, **MORE)
    shuffled = list(values)
    random.shuffle(shuffled)
    again = bounded_mean(np.array(shuffled), bound=1.0, **MORE)
    mirrored = bounded_mean(-np.array(values), bound=1.0, **MORE)

    assert -1 <= found.lower <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= found.upper <= 1
    assert (again.lower, again.upper) == (found.lower, found.upper)
    assert (-mirrored.upper, -mirrored.lower) == pytest.approx((found.lower, found.upper), abs=1e-9)
    assert (found.p_value < 0.05) == (found.lower > 1e-9 or found.upper < -1e-9)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.floats(0.01, 0.5))
def test_a_bound_only_changes_the_scale(values, bound):
    plain = bounded_mean(np.array(values), bound=1.0, **MORE)
    scaled = bounded_mean(bound * np.array(values), bound=bound, **MORE)
    assert (scaled.lower, scaled.upper) == pytest.approx((bound * plain.lower, bound * plain.upper), abs=1e-6)


@pytest.mark.parametrize("differing", [0.03, 0.2, 1.0])
def test_a_look_after_every_row_is_wrong_no_more_often_than_planned(differing):
    rng = np.random.default_rng(1)
    runs = rng.choice([-1, 0, 1], (600, 200), p=[differing / 2, 1 - differing, differing / 2])
    shares = np.geomspace(math.sqrt(-2 * math.log(0.05) / 200), LARGEST_STAKE, STAKES)
    stakes = np.concatenate([shares, -shares])
    wins, losses = np.cumsum(runs == 1, axis=1)[..., None], np.cumsum(runs == -1, axis=1)[..., None]
    capital = np.exp(wins * np.log1p(stakes) + losses * np.log1p(-stakes)).mean(axis=2)
    assert (capital.max(axis=1) >= 20).mean() <= 0.05


def _estimate(a, b, *, horizon=200):
    sample = PairedSample.of(np.array(a, dtype=float), np.array(b, dtype=float), None)
    return watched_bounded_mean(sample, bound=1.0, reading=Reading(0.05, horizon))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=80))
def test_the_relative_change_agrees_with_the_difference_about_0(rows):
    found = _estimate(*zip(*rows, strict=True))
    if found.relative is None:
        return
    assert found.relative.lower <= found.relative.estimate <= found.relative.upper
    if found.lower > 0 and found.relative.estimate > 0:
        assert found.relative.lower > 0
    if found.upper < 0 and found.relative.estimate < 0:
        assert found.relative.upper < 0
    if found.lower <= 0 <= found.upper:
        assert found.relative.lower <= 0 <= found.relative.upper


def test_equal_rows_leave_a_range_that_their_number_allows():
    found = _estimate([1] * 40, [1] * 40)
    assert (found.estimate, found.p_value) == (0.0, 1.0)
    assert -0.2 < found.lower < -0.05
    assert found.upper == pytest.approx(-found.lower)
