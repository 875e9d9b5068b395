from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.completions.retry import GiveUp, RetryLimits, Tried, Wait, next_wait
from experiments.vocabulary import Failure, FailureKind

LIMITS = RetryLimits(attempts=3, base_s=0.5, cap_s=30, total_wait_s=900)


def failure(kind: FailureKind = FailureKind.SERVER_ERROR, *, retry_after_s: float | None = None) -> Failure:
    retryable = kind not in (FailureKind.AUTH, FailureKind.QUOTA, FailureKind.BAD_REQUEST)
    return Failure(kind, "it failed", retryable, retry_after_s=retry_after_s)


def step(what: Failure, tried: Tried, *, seed: int = 1, limits: RetryLimits = LIMITS) -> Wait | GiveUp:
    return next_wait(what, tried, rng=random.Random(seed), limits=limits)


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.QUOTA, FailureKind.BAD_REQUEST])
def test_what_would_fail_again_is_given_up_at_once(kind: FailureKind):
    assert isinstance(step(failure(kind), Tried(failed=1)), GiveUp)


def test_an_item_is_tried_as_often_as_allowed_and_no_more():
    outcomes = [step(failure(), Tried(failed=n)) for n in (1, 2, 3)]

    assert [type(o) for o in outcomes] == [Wait, Wait, GiveUp]


def test_a_rate_limit_does_not_use_up_the_attempts():
    tried = Tried()
    for _ in range(20):
        tried = tried.after(failure(FailureKind.RATE_LIMIT, retry_after_s=1))

    assert tried == Tried(failed=0, rate_limited=20)
    assert isinstance(step(failure(FailureKind.RATE_LIMIT, retry_after_s=1), tried), Wait)


def test_rate_limits_are_given_up_when_they_would_take_too_long():
    outcome = step(failure(FailureKind.RATE_LIMIT, retry_after_s=60), Tried(rate_limited=9, waited_s=880))

    assert outcome == GiveUp("It would have waited longer than 900 s in all.")


@settings(deadline=None, max_examples=80)
@given(st.floats(0, 600), st.integers(0, 2**32))
def test_retry_after_is_waited_for_in_full_and_hardly_longer(retry_after_s: float, seed: int):
    outcome = step(failure(FailureKind.RATE_LIMIT, retry_after_s=retry_after_s), Tried(rate_limited=1), seed=seed)

    assert isinstance(outcome, Wait)
    assert retry_after_s <= outcome.seconds <= retry_after_s + 1


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_full_jitter_stays_between_zero_and_the_growing_cap(rate_limited: int, seed: int):
    outcome = step(failure(FailureKind.RATE_LIMIT), Tried(rate_limited=rate_limited), seed=seed)

    assert isinstance(outcome, Wait)
    assert 0 <= outcome.seconds <= min(30, 0.5 * 2 ** (rate_limited - 1))


def test_waits_are_spread_over_the_whole_range():
    waits = [step(failure(), Tried(failed=2), seed=seed) for seed in range(400)]

    seconds = [w.seconds for w in waits if isinstance(w, Wait)]
    assert min(seconds) < 0.1
    assert max(seconds) > 0.9
    assert sum(seconds) / len(seconds) == pytest.approx(0.5, abs=0.06)


def test_waiting_is_added_up():
    assert Tried().waited(1.5).waited(2.0).waited_s == 3.5


class _Latest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize(
    ("failed", "rate_limited", "longest_s"),
    [(1, 0, 0.5), (0, 1, 0.5), (1, 1, 1.0), (2, 1, 2.0), (1, 2, 2.0), (2, 3, 8.0), (0, 0, 0.5), (2, 40, 30.0)],
)
def test_every_failed_call_of_either_kind_doubles_the_longest_wait(failed, rate_limited, longest_s):
    # If rate limits were left out of the sum, or taken from it, an item that is refused again and again would come
    # back after half a second each time and keep the endpoint in its overload.
    tried = Tried(failed=failed, rate_limited=rate_limited)

    outcome = next_wait(failure(), tried, rng=_Latest(), limits=LIMITS)

    assert outcome == Wait(longest_s)


def test_a_reply_that_cannot_be_read_is_paid_for_twice_at_most():
    unreadable = failure(FailureKind.MALFORMED_RESPONSE)

    outcomes = [step(unreadable, Tried(failed=n), limits=RetryLimits(attempts=10)) for n in (1, 2, 3)]

    assert [type(o) for o in outcomes] == [Wait, GiveUp, GiveUp]
