"""Different users who come in clusters (teams, customers): the cluster is the unit, by the jackknife over clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.contributions import effective_units
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.lift import MeanPair, fieller
from experiments.stats.means import ArmMean, welch
from experiments.stats.sequential import Reading

FEWEST_CLUSTERS = 6
"""Clusters of each variant below which nothing is known of how much they differ."""
FEWEST_EFFECTIVE_CLUSTERS = 3.0
"""Equal clusters that unequal ones must at least weigh like: below, one or two of them are the arm."""


@dataclass(frozen=True, slots=True)
class ClusteredArm:
    """Total and number of units (or requests) of each cluster of one variant, 0 where the cluster has none.

    ``units`` counts the units behind them. Both arms have the same length where clusters met both variants.
    """

    y: Floats
    n: Floats
    units: int

    @classmethod
    def of(cls, y: Floats, n: Floats, clusters: Codes, *, size: int = 0) -> ClusteredArm:
        """From values per unit and the code of each unit's cluster."""
        return cls(totals(clusters, y, size), totals(clusters, n, size), len(y))

    @property
    def ratio(self) -> float:
        """Total over total."""
        return float(self.y.sum() / self.n.sum())

    @property
    def effective(self) -> float:
        """Clusters of equal size that would tell as much."""
        return effective_units(float(self.n.sum()), float(self.n @ self.n))

    def left_out(self) -> Floats:
        """How much the ratio moves when each cluster is left out."""
        moved: Floats = (self.y - self.ratio * self.n) / (self.n.sum() - self.n)
        return moved


def clustered_difference(
    control: ClusteredArm,
    treatment: ClusteredArm,
    *,
    crossed: bool,
    reading: Reading,
    details: Mapping[str, float | int | str] | None = None,
) -> Outcome:
    """Difference of two totals over totals whose units come in clusters: t on the jackknife over clusters.

    Variance (k − 1)/k · sum of squared moves, with the degrees of freedom of the effective clusters, which holds the
    error where few clusters of unequal size make up an arm. ``crossed``: clusters met both variants, and are left out
    of both at once. Fewer than 6 clusters of a variant are a named state.

    Source: MacKinnon, Nielsen & Webb (2023), J. Econometrics 232, 272–299, eq. 13 (CV3, centred at the estimate);
    degrees of freedom: Carter, Schnepel & Steigerwald (2017), Rev. Econ. Stat. 99, 698–709.
    """
    refused = _too_few(control, treatment)
    if refused is not None:
        return refused
    if not crossed:
        arms = [_lone(arm) for arm in (control, treatment)]
        found = welch(arms[0], arms[1], reading=reading, method="cluster_jackknife_t", details=details)
        if isinstance(found, NotEstimable):
            return found
        n_clusters = sum(int((arm.n > 0).sum()) for arm in (control, treatment))
        return replace(found, n_units=control.units + treatment.units, n_clusters=n_clusters)
    return _crossed(control, treatment, reading=reading, details=details or {})


def _too_few(control: ClusteredArm, treatment: ClusteredArm) -> NotEstimable | None:
    for arm in (control, treatment):
        if float(arm.n.sum()) <= 0:
            return NotEstimable(State.ZERO_DENOMINATOR, "the denominators of a variant add up to 0")
    fewest = min(int((arm.n > 0).sum()) for arm in (control, treatment))
    if fewest < FEWEST_CLUSTERS:
        message = f"the column cluster_id has {fewest} values in one variant; {FEWEST_CLUSTERS} are needed in each"
        return NotEstimable(State.TOO_FEW_CLUSTERS, message)
    effective = min(control.effective, treatment.effective)
    if effective < FEWEST_EFFECTIVE_CLUSTERS:
        message = (
            f"the clusters of the column cluster_id are so unequal that those of one variant weigh like "
            f"{effective:.2g} equal ones; {FEWEST_EFFECTIVE_CLUSTERS:g} are needed"
        )
        return NotEstimable(State.TOO_FEW_CLUSTERS, message)
    return None


def _lone(arm: ClusteredArm) -> ArmMean:
    there = arm.n > 0
    own = ClusteredArm(arm.y[there], arm.n[there], arm.units)
    moved, k = own.left_out(), len(own.n)
    return ArmMean(own.ratio, _squares(moved) * (k - 1) / k, own.units, df=own.effective - 1)


def _squares(moved: Floats) -> float:
    ordered = np.sort(moved)
    return float(ordered @ ordered)


def _crossed(
    control: ClusteredArm, treatment: ClusteredArm, *, reading: Reading, details: Mapping[str, float | int | str]
) -> Outcome:
    there = (control.n > 0) | (treatment.n > 0)
    a, b = (ClusteredArm(arm.y[there], arm.n[there], arm.units) for arm in (control, treatment))
    k = len(a.n)
    factor = (k - 1) / k
    moves = a.left_out(), b.left_out()
    order = np.lexsort(moves)
    moved_a, moved_b = (moved[order] for moved in moves)
    between = moved_b - moved_a
    variance = factor * float(between @ between)
    if variance <= 0:
        return NotEstimable(State.NO_VARIATION, "every cluster gives the same difference", a.ratio, b.ratio)
    both = effective_units(float((a.n + b.n).sum()), float(((a.n + b.n) ** 2).sum()))
    df, error, units = both - 1, variance**0.5, a.units + b.units
    half = reading.multiplier(n_units=units, df=df) * error
    difference = b.ratio - a.ratio
    means = MeanPair(
        a.ratio,
        b.ratio,
        factor * float(moved_a @ moved_a),
        factor * float(moved_b @ moved_b),
        factor * float(moved_a @ moved_b),
    )
    relative = fieller(means, multiplier=half / error)
    return Estimate(
        estimate=difference,
        lower=difference - half,
        upper=difference + half,
        p_value=reading.p_value(difference / error, n_units=units, df=df),
        standard_error=error,
        control=a.ratio,
        treatment=b.ratio,
        method="cluster_jackknife_t",
        alpha=reading.alpha,
        n_units=units,
        n_clusters=k,
        relative=relative if isinstance(relative, Interval) else None,
        details=details,
    )


def clustered_placements(
    control: tuple[Floats, Codes],
    treatment: tuple[Floats, Codes],
    *,
    size: int,
    crossed: bool,
    reading: Reading,
) -> Outcome:
    """Who is graded higher, for users in clusters; arguments are (values, cluster codes 0 … ``size`` − 1).

    A user's placement is the share of the other arm below it, ties counted half; placements of one cluster move
    together. ``control`` and ``treatment`` of the result are 0.5 and the win probability.

    Source: Obuchowski (1997), Biometrics 53, 567–578 (clustered ranks), with the jackknife of ``clustered_difference``.
    """
    (y0, codes0), (y1, codes1) = control, treatment
    # the arms' mean placements are 1 − win and win: the error of their difference is that of the win probability
    arms = [
        ClusteredArm.of(_placements(y0, y1), np.ones_like(y0), codes0, size=size),
        ClusteredArm.of(_placements(y1, y0), np.ones_like(y1), codes1, size=size),
    ]
    found = clustered_difference(arms[0], arms[1], crossed=crossed, reading=reading)
    if isinstance(found, NotEstimable):
        message = "the variants do not overlap, or every user has the same value"
        return NotEstimable(found.state, message if found.state is State.NO_VARIATION else found.message)
    win = arms[1].ratio
    half = (found.upper - found.lower) / 2
    standardised = (win - 0.5) / found.standard_error
    df = min(arm.effective for arm in arms) - 1
    return replace(
        found,
        estimate=win - 0.5,
        lower=max(-0.5, win - 0.5 - half),
        upper=min(0.5, win - 0.5 + half),
        p_value=reading.p_value(standardised, n_units=found.n_units, df=df),
        control=0.5,
        treatment=win,
        method="cluster_placements_t",
        relative=None,
        details={"win_probability": win, "mean_difference": float(y1.mean() - y0.mean())},
    )


def _placements(values: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    placed: Floats = below / (2 * len(ordered))
    return placed
