"""How much single units carry: the effective number of units, and the cap on what one unit may contribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.stats.clustered import Floats
from experiments.stats.estimates import NotEstimable, State

FEWEST_EFFECTIVE = 15
"""Fewer effective units of an arm than this, and neither t nor the delta method can be trusted."""
CAP_QUANTILE = 0.999
"""Where contributions are cut unless the plan says otherwise."""
GRID = 10_000
"""Quantiles are counted in whole parts of this, so that databases take the same unit."""


@dataclass(frozen=True, slots=True)
class Largest:
    """The unit that contributes most to an arm: its total, its requests as counted, and its share before the cap."""

    y: float
    n: float
    share: float


def effective_units(total: float, squares: float) -> float:
    """Units of equal weight that would tell as much: (sum w)² / sum w²; 0 without any weight.

    Source: Kish (1965), Survey Sampling, section 11.7.
    """
    return total**2 / squares if squares > 0 else 0.0


def cap_of(contributions: Floats, quantile: float) -> float:
    """The largest contribution that counts in full: a value that was seen, so that one unit in a thousand is cut.

    In fewer than a thousand units that is the second largest, and equal units are never cut. Needs one value.

    Source: Dixon (1960), Ann. Math. Statist. 31, 385–391 (winsorised means); in experiments: Kohavi, Tang & Xu (2020),
    Trustworthy Online Controlled Experiments, chapter 22.
    """
    place = (len(contributions) - 1) * round(quantile * GRID) // GRID
    return float(np.partition(contributions, place)[place])


def few_carry_it(arms: Sequence[tuple[str, float, float]], what: str) -> NotEstimable | None:
    """Why no number can rest on these arms, each (name, effective units, largest share); None where all have enough."""
    for name, effective, share in arms:
        if effective < FEWEST_EFFECTIVE:
            message = (
                f"one user of {name} contributes {100 * share:.3g} % of its {what}; it weighs like {effective:.2g} "
                f"equal users, and {FEWEST_EFFECTIVE} are needed"
            )
            return NotEstimable(State.NOT_ESTIMABLE, message)
    return None


@dataclass(frozen=True, slots=True)
class Capped:
    """Totals and requests of an arm's units after the cap, how many were cut, and the largest unit."""

    y: Floats
    n: Floats
    cut: int
    largest: Largest


def capped(arms: Sequence[tuple[Floats, Floats]], *, quantile: float, amounts: bool) -> list[Capped]:
    """Arms of (totals, requests) with what a unit contributes cut at ``quantile`` of the pooled arms.

    A unit with more requests than the cap keeps its own rate and counts as so many requests. ``amounts`` are totals
    without an upper end (cost, time, revenue), which are cut too where none is negative. Needs one unit in every arm.

    Source: as ``cap_of``.
    """
    requests = np.concatenate([n for _, n in arms])
    weighed = bool((requests != 1).any())
    most = cap_of(requests, quantile)
    scaled = [_counted(y, n, most) if weighed else (y, n) for y, n in arms]
    amount = np.concatenate([y for y, _ in scaled])
    amounts = amounts and float(amount.min()) >= 0
    highest = cap_of(amount, quantile) if amounts else np.inf
    found = []
    for (y, n), (total, counted) in zip(arms, scaled, strict=True):
        cut = np.minimum(total, highest)
        by = n if weighed else np.abs(y)
        top = int(np.lexsort((cut, counted, by))[-1])
        share = float(by[top] / by.sum()) if by.sum() > 0 else 0.0
        n_cut = int(((counted < n) | (cut < total)).sum())
        found.append(Capped(cut, counted, n_cut, Largest(float(cut[top]), float(counted[top]), share)))
    return found


def _counted(y: Floats, n: Floats, most: float) -> tuple[Floats, Floats]:
    return np.where(n > most, y * most / np.where(n > most, n, 1.0), y), np.minimum(n, most)
