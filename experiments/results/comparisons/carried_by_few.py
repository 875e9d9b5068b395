"""Estimates that a few users may carry: refused below 15 effective ones, else shown without the largest too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from experiments.results.comparisons.arm_units import AMOUNTS
from experiments.stats.contributions import FEWEST_EFFECTIVE, effective_units
from experiments.stats.equal_values import scale_of
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State, WithoutLargest
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import MetricKind

NAMES = ("control", "treatment")


def weighed(arms: Sequence[UnitSums]) -> bool:
    """Whether units differ in how many requests they count for."""
    return any(arm.n != arm.units for arm in arms)


def amounts_of(kind: MetricKind, arms: Sequence[UnitSums]) -> bool:
    """Whether units bring amounts without an upper end, none of them negative."""
    lowest, highest = min(arm.lowest for arm in arms), max(arm.highest for arm in arms)
    if not lowest >= 0:
        return False
    return kind in AMOUNTS or (kind is MetricKind.SCORE and scale_of(kind, lowest, highest) is None)


def carried_by_few(arms: Sequence[UnitSums], *, kind: MetricKind) -> NotEstimable | None:
    """Why no number can rest on these arms: requests of an arm, or the amounts of both, come from a few units."""
    if weighed(arms):
        for name, arm in zip(NAMES, arms, strict=True):
            if arm.n > 0 and arm.effective_units < FEWEST_EFFECTIVE:
                share = None if arm.largest is None else arm.largest.share
                return _refused(arm.effective_units, share, f"requests of the {name}")
    if not amounts_of(kind, arms):
        return None
    total = sum(arm.total for arm in arms)
    effective = effective_units(total, sum(arm.squares for arm in arms))
    if total <= 0 or effective >= FEWEST_EFFECTIVE:
        return None
    largest = max((arm.largest.y for arm in arms if arm.largest is not None), default=None)
    return _refused(effective, None if largest is None else largest / total, "total")


def _refused(effective: float, share: float | None, what: str) -> NotEstimable:
    who = "a few users make up" if share is None else f"one user makes {100 * share:.3g} % of"
    message = f"{who} the {what}, which weighs like {effective:.2g} equal users; {FEWEST_EFFECTIVE} are needed"
    return NotEstimable(State.NOT_ESTIMABLE, message)


def with_and_without(
    found: Outcome,
    arms: Sequence[UnitSums],
    *,
    kind: MetricKind,
    again: Callable[[UnitSums, UnitSums], Outcome],
) -> Outcome:
    """The result with how many users were cut and with the same difference without the unit that contributes most."""
    if isinstance(found, NotEstimable) or not (weighed(arms) or amounts_of(kind, arms)):
        return found
    details = {**found.details, "capped_units": sum(arm.capped for arm in arms)}
    shares = [arm.largest.share for arm in arms if arm.largest is not None]
    if kind is MetricKind.COST and shares:
        details |= {"top_unit_share": max(shares), "winsorised_difference": found.estimate}
    return replace(found, details=details, without_largest=without_largest(arms, again=again))


def without_largest(
    arms: Sequence[UnitSums], *, again: Callable[[UnitSums, UnitSums], Outcome]
) -> WithoutLargest | None:
    """The difference that ``again`` gives once the unit with the largest share of its arm is left out.

    None where nobody looked for that unit, and where the rest gives no number.
    """
    shares = [arm.largest.share if arm.largest is not None else 0.0 for arm in arms]
    place = shares.index(max(shares))
    rest = arms[place].without_largest()
    if rest is None:
        return None
    control, treatment = (rest if position == place else arm for position, arm in enumerate(arms))
    found = again(control, treatment)
    if not isinstance(found, Estimate):
        return None
    return WithoutLargest(NAMES[place], shares[place], Interval(found.estimate, found.lower, found.upper))
