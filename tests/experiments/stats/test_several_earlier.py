"""Several values from before, and ratios: against least squares on the users' own numbers, and whether ranges cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.stats.covariates import SeveralEarlier, cuped, cuped_ratio, with_several
from experiments.stats.estimates import Estimate
from experiments.stats.ratios import independent_ratio
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums

ONCE = Reading(0.05)


def _earlier(x, y, n, *, centre_y):
    """The sums that a database takes of an arm: x centred over all arms, y around the common centre."""
    moved = y - centre_y * n
    return SeveralEarlier(x.sum(axis=0), x.T @ x, x.T @ moved, x.T @ n, 0)


def _combined(arms):
    """(y, n, x) per arm → arms with one value from before, made of all columns of x."""
    centre_y = sum(y.sum() for y, _, _ in arms.values()) / sum(n.sum() for _, n, _ in arms.values())
    centre_x = np.concatenate([x for _, _, x in arms.values()]).mean(axis=0)
    plain = {name: UnitSums.of(y, n, centre=centre_y) for name, (y, n, _) in arms.items()}
    earlier = {name: _earlier(x - centre_x, y, n, centre_y=centre_y) for name, (y, n, x) in arms.items()}
    return with_several(plain, earlier)


def _scores(rng, n, gain=0.0):
    x = rng.normal(size=(n, 3)) @ np.array([[1.0, 0.5, 0], [0, 1, 0.3], [0, 0, 1]])
    return x @ np.array([1.0, -0.5, 0.8]) + rng.normal(size=n) + gain, np.ones(n), x


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 20), st.floats(-50, 50))
def test_the_combination_is_the_least_squares_fit_within_arms(seed, scale, shift):
    rng = np.random.default_rng(seed)
    arms = {"A": _scores(rng, 90), "B": _scores(rng, 110, 0.4)}
    found = _combined(arms)
    moved = _combined({name: (y, n, scale * x[:, ::-1] + shift) for name, (y, n, x) in arms.items()})

    y = np.concatenate([held[0] for held in arms.values()])
    x = np.concatenate([held[2] for held in arms.values()])
    is_b = np.repeat([0.0, 1.0], [90, 110])
    design = np.column_stack([np.ones(200), is_b, x])
    theta = np.linalg.lstsq(design, y, rcond=None)[0][2:]
    adjusted = cuped(found["A"], found["B"], reading=ONCE)
    by_hand = [held[0] - (held[2] - x.mean(axis=0)) @ theta for held in arms.values()]
    assert adjusted.estimate == pytest.approx(by_hand[1].mean() - by_hand[0].mean(), abs=1e-9)
    error = sum(np.var(values, ddof=1) / len(values) for values in by_hand) ** 0.5
    assert adjusted.standard_error == pytest.approx(error, rel=1e-9)
    again = cuped(moved["A"], moved["B"], reading=ONCE)
    assert (again.estimate, again.lower) == pytest.approx((adjusted.estimate, adjusted.lower), abs=1e-7)


def test_values_that_say_the_same_count_once_and_constant_ones_not_at_all():
    rng = np.random.default_rng(1)
    arms = {"A": _scores(rng, 200), "B": _scores(rng, 200)}
    twice = {k: (y, n, np.column_stack([x, x[:, 0], np.full(len(y), 7.0)])) for k, (y, n, x) in arms.items()}
    plain, doubled = _combined(arms), _combined(twice)
    assert cuped(doubled["A"], doubled["B"], reading=ONCE).lower == pytest.approx(
        cuped(plain["A"], plain["B"], reading=ONCE).lower, abs=1e-6
    )
    flat = {k: (y, n, np.zeros((len(y), 2))) for k, (y, n, _) in arms.items()}
    assert not _combined(flat)["A"].covariate


def test_few_users_for_many_values_change_nothing():
    rng = np.random.default_rng(2)
    assert not _combined({"A": _scores(rng, 40), "B": _scores(rng, 40)})["A"].covariate


def _requests(rng, n, gain=0.0):
    """Users with a level and an activity of their own: requests, successes, and the same from before."""
    level, busy = rng.beta(4, 4, n), 1 + rng.poisson(rng.gamma(2, 2, n))
    earlier = rng.poisson(busy)
    now = 1 + rng.poisson(busy)
    y = rng.binomial(now, np.clip(level + gain, 0, 1)).astype(float)
    y0 = rng.binomial(earlier, level).astype(float)
    return y, now.astype(float), np.column_stack([y0, earlier]).astype(float)


def test_an_adjusted_ratio_is_its_linearised_residual():
    rng = np.random.default_rng(3)
    arms = {"A": _requests(rng, 400), "B": _requests(rng, 500, 0.05)}
    found = _combined(arms)
    adjusted, plain = (
        cuped_ratio(found["A"], found["B"], reading=ONCE),
        independent_ratio(*found.values(), reading=ONCE),
    )
    pooled = np.concatenate([x for _, _, x in arms.values()]).mean(axis=0)
    parts = {}
    for name, (y, n, x) in arms.items():
        rate = y.sum() / n.sum()
        parts[name] = (rate, (y - rate * n) / n.mean(), x)
    xs = np.concatenate([x - x.mean(axis=0) for _, _, x in parts.values()])
    theta = np.linalg.lstsq(xs, np.concatenate([z for _, z, _ in parts.values()]), rcond=None)[0]
    by_hand = [rate - (x.mean(axis=0) - pooled) @ theta for rate, _, x in parts.values()]
    assert adjusted.estimate == pytest.approx(by_hand[1] - by_hand[0], abs=1e-9)
    assert adjusted.standard_error < 0.93 * plain.standard_error
    assert adjusted.details["variance_saved"] == pytest.approx(
        1 - (adjusted.standard_error / plain.standard_error) ** 2, abs=1e-9
    )


@pytest.mark.parametrize("reading", [ONCE, Reading(0.05, 600)])
def test_adjusted_ratios_cover_the_true_difference(reading):
    rng = np.random.default_rng(5)
    held = runs = 0
    for _ in range(300):
        found = _combined({"A": _requests(rng, 300), "B": _requests(rng, 300, 0.04)})
        estimate = cuped_ratio(found["A"], found["B"], reading=reading)
        assert isinstance(estimate, Estimate)
        runs += 1
        held += estimate.lower <= 0.04 <= estimate.upper
    assert held / runs > 0.92
