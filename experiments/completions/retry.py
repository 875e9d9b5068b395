"""When to try a failed call again: the one owner of retries, as a pure rule.

The caller writes a row before each call, so the caller owns the loop:

    tried = Tried()
    while True:
        outcome = await completions.attempt(…)
        if isinstance(outcome, Completion): break
        tried = tried.after(outcome)
        step = next_wait(outcome, tried, rng=rng, limits=limits)
        if isinstance(step, GiveUp): break
        await asyncio.sleep(step.seconds)
        tried = tried.waited(step.seconds)

Source: M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), "full jitter":
sleep = random_between(0, min(cap, base · 2^attempt)).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from experiments.vocabulary import Failure, FailureKind

LARGEST_EXPONENT = 16
MOST_MALFORMED = 2
"""A reply that cannot be read was probably billed, and comes again more often than not."""


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How long one item is tried. ``attempts`` counts calls that failed for another reason than a rate limit.

    Rate limits only cost time: an item is given up when it has waited ``total_wait_s`` for them.
    """

    attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 30.0
    total_wait_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What one item has been through: failed calls, refusals for their rate, seconds waited."""

    failed: int = 0
    rate_limited: int = 0
    waited_s: float = 0.0

    def after(self, failure: Failure) -> Tried:
        """The same item after one more failure."""
        if failure.kind is FailureKind.RATE_LIMIT:
            return replace(self, rate_limited=self.rate_limited + 1)
        return replace(self, failed=self.failed + 1)

    def waited(self, seconds: float) -> Tried:
        """The same item after it has waited."""
        return replace(self, waited_s=self.waited_s + seconds)


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again; ``reason`` is one sentence for the user."""

    reason: str


def next_wait(failure: Failure, tried: Tried, *, rng: random.Random, limits: RetryLimits) -> Wait | GiveUp:
    """Whether and when to call again after ``failure``, which ``tried`` already counts.

    What a further call would meet as well is given up at once. Retry-After is waited for in full, and up to a tenth
    (at most a second) longer, so that not everybody comes back in the same moment.
    """
    if not failure.retryable:
        return GiveUp("Another call would meet the same failure.")
    most = min(limits.attempts, MOST_MALFORMED) if failure.kind is FailureKind.MALFORMED_RESPONSE else limits.attempts
    if tried.failed >= most:
        return GiveUp(f"It failed {tried.failed} times.")
    seconds = _seconds(failure, tried, rng, limits)
    if tried.waited_s + seconds > limits.total_wait_s:
        return GiveUp(f"It would have waited longer than {limits.total_wait_s:g} s in all.")
    return Wait(seconds)


def _seconds(failure: Failure, tried: Tried, rng: random.Random, limits: RetryLimits) -> float:
    if failure.retry_after_s is not None:
        return failure.retry_after_s + rng.uniform(0.0, min(1.0, 0.1 * failure.retry_after_s))
    exponent = min(max(tried.failed + tried.rate_limited - 1, 0), LARGEST_EXPONENT)
    return rng.uniform(0.0, min(limits.cap_s, limits.base_s * 2**exponent))
