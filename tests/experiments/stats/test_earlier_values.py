"""Values from before the experiment: sums with gaps filled, how much they save, and that intervals still cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.stats.covariates import FEWEST_KNOWN, Earlier, cuped, with_earlier
from experiments.stats.estimates import Estimate
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums

ONCE = Reading(0.05)


@dataclass(frozen=True)
class Users:
    """Values after and before the assignment, and who has one from before."""

    after: np.ndarray
    before: np.ndarray
    known: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator, n: int, *, share: float = 1.0, r: float = 0.8, gain: float = 0.0) -> Users:
        before = rng.normal(size=n)
        after = r * before + (1 - r * r) ** 0.5 * rng.normal(size=n) + gain
        return cls(after, before, rng.random(n) < share)

    def first(self, n: int) -> Users:
        return Users(self.after[:n], self.before[:n], self.known[:n])

    def sums(self) -> UnitSums:
        return UnitSums.of(self.after)

    def earlier(self) -> Earlier:
        x, y = self.before[self.known], self.after[self.known]
        return Earlier(len(x), float(y.sum()), float(x.sum()), float(x @ x), float(x @ y))


def adjusted(control: Users, treatment: Users, reading: Reading = ONCE) -> Estimate:
    arms = {"A": control, "B": treatment}
    filled = with_earlier({k: v.sums() for k, v in arms.items()}, {k: v.earlier() for k, v in arms.items()})
    found = cuped(filled["A"], filled["B"], reading=reading)
    assert isinstance(found, Estimate)
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.2, 1))
def test_sums_filled_by_the_mean_are_those_of_the_filled_values(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    arms = {name: Users.drawn(rng, n, share=share) for name, n in (("A", 120), ("B", 150))}

    found = with_earlier({k: v.sums() for k, v in arms.items()}, {k: v.earlier() for k, v in arms.items()})

    if sum(users.known.sum() for users in arms.values()) < FEWEST_KNOWN:
        assert not any(sums.covariate for sums in found.values())
        return
    centre = np.concatenate([users.before[users.known] for users in arms.values()]).mean()
    for name, users in arms.items():
        whole = UnitSums.of(users.after, x=np.where(users.known, users.before, centre))
        assert found[name].covariate
        assert (found[name].x, found[name].xx, found[name].xy) == pytest.approx((whole.x, whole.xx, whole.xy))


def test_few_values_from_before_change_nothing() -> None:
    rng = np.random.default_rng(0)
    arms = {name: Users.drawn(rng, 200, share=0.05) for name in "AB"}

    found = with_earlier({k: v.sums() for k, v in arms.items()}, {k: v.earlier() for k, v in arms.items()})

    assert found == {k: v.sums() for k, v in arms.items()}


@pytest.mark.parametrize(("share", "saved"), [(1.0, 0.64), (0.5, 0.32)])
def test_the_variance_saved_is_the_squared_correlation_of_those_who_have_a_value(share: float, saved: float) -> None:
    # 1 − r² of Deng et al. (2013), eq. 5; filling leaves the others' variance as it was, so r² counts for the share.
    rng = np.random.default_rng(1)

    found = adjusted(Users.drawn(rng, 4000, share=share), Users.drawn(rng, 4000, share=share))

    assert found.details["variance_saved"] == pytest.approx(saved, abs=0.03)


def test_adjusted_intervals_cover_once_and_at_every_look() -> None:
    rng = np.random.default_rng(2)
    watched, runs, gain = Reading(0.05, 400), 400, 0.3
    once, always, naive = 0, 0, 0
    for _ in range(runs):
        arms = Users.drawn(rng, 200, share=0.7), Users.drawn(rng, 200, share=0.7, gain=gain)
        looks = [tuple(users.first(n) for users in arms) for n in range(40, 201, 20)]
        fixed = [adjusted(*look) for look in looks]
        seen = [adjusted(*look, reading=watched) for look in looks]
        once += fixed[-1].lower <= gain <= fixed[-1].upper
        naive += all(e.lower <= gain <= e.upper for e in fixed)
        always += all(e.lower <= gain <= e.upper for e in seen)

    assert once / runs > 0.92
    assert always / runs > 0.95
    assert naive / runs < 0.92


def test_gaps_that_go_with_the_value_bias_nothing() -> None:
    # Heavy users are known from before and new ones are not; both arms alike, so the difference stays centred on 0.
    rng = np.random.default_rng(3)
    estimates = []
    for _ in range(300):
        arms = []
        for _ in "AB":
            users = Users.drawn(rng, 150)
            arms.append(Users(users.after, users.before, users.before > 0))
        estimates.append(adjusted(*arms).estimate)

    assert abs(np.mean(estimates)) < 3 * np.std(estimates) / len(estimates) ** 0.5
