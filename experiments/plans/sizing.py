"""The price of certainty before a run: rows for the effect worth having, power of the rows there are, and dollars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.plans.plan import Plan
from experiments.stats import power
from experiments.stats.estimates import number
from experiments.vocabulary import Design, MetricKind

if TYPE_CHECKING:
    from experiments.stats.clustered import Codes, Floats

TABLE_SIZES = (50, 100, 200, 500, 1000)
USUAL_DISAGREEMENT = 0.2
USUAL_SD = 0.35
USUAL_TIES = 0.3
USUAL_RATE = 0.7
ROOM = 1.5
"""Rows that differ for each row gained, where nothing was seen yet: five are fixed for one that breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is believed of the primary metric before the run, in its own unit. Every field has a usual value.

    Which fields count depends on design and kind: ``disagreement`` (share of rows on which variants differ) for yes
    and no on the same rows, ``rate`` for yes and no of users, ``tie_share`` for preferences, ``sd`` of row
    differences (paired) or of users (independent) else. ``noise`` is the variance between repetitions of one row,
    when ``sd`` is free of it. Rows come in clusters of ``cluster_size`` with ``correlation`` between them;
    ``covariate`` is the correlation with a value from before. A ratio of users has ``mean_requests`` each, ``sd`` then
    being that of y − R n. ``from_pilot`` counts the rows all this was seen on, and ``standard_error`` is the error of
    the difference there, for what has no formula (percentiles).
    """

    disagreement: float = USUAL_DISAGREEMENT
    rate: float = USUAL_RATE
    sd: float = USUAL_SD
    noise: float = 0.0
    tie_share: float = USUAL_TIES
    cluster_size: float = 1.0
    size_variation: float = 0.0
    correlation: float = 0.0
    covariate: float = 0.0
    mean_requests: float = 1.0
    standard_error: float | None = None
    from_pilot: int = 0


@dataclass(frozen=True, slots=True)
class CallPrice:
    """Dollars and seconds of one call of each variant (means); None where the price is not known."""

    usd_per_call: Mapping[str, float | None]
    seconds_per_call: float = 2.5
    concurrency: int = 16

    def of(self, rows: int, repeats: int) -> float | None:
        """Dollars of a run of so many rows."""
        costs = list(self.usd_per_call.values())
        known = [cost for cost in costs if cost is not None]
        return rows * repeats * sum(known) if len(known) == len(costs) else None

    def minutes(self, rows: int, repeats: int) -> float:
        """Minutes of a run of so many rows."""
        calls = rows * repeats * len(self.usd_per_call)
        return math.ceil(calls / max(1, self.concurrency)) * self.seconds_per_call / 60


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One line of the table: what so many units can show, the power for the effect asked for, and the price."""

    units: int
    detectable_effect: float | None
    power: float
    cost_usd: float | None
    minutes: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "units": self.units,
            "detectable_effect": number(self.detectable_effect),
            "power": number(self.power),
            "cost_usd": number(self.cost_usd),
            "minutes": number(self.minutes),
        }


@dataclass(frozen=True, slots=True)
class SizePlan:
    """Units for the smallest effect worth having, with the table around it. ``counted`` says what a unit is.

    ``units_needed`` is None when no number of units shows the effect (it is beyond what the rows can differ).
    ``available`` is how many there are, ``power_available`` their power, ``enough`` whether they do.
    """

    counted: str
    effect: float
    units_needed: int | None
    available: int | None
    power_available: float | None
    cost_usd: float | None
    minutes: float | None
    watched: bool
    from_pilot: int
    table: tuple[SizeRow, ...]

    @property
    def enough(self) -> bool | None:
        """Whether the units there are suffice; None when nobody said how many there are."""
        if self.available is None:
            return None
        return self.units_needed is not None and self.available >= self.units_needed

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "counted": self.counted,
            "effect": number(self.effect),
            "units_needed": self.units_needed,
            "available": self.available,
            "power_available": number(self.power_available),
            "enough": self.enough,
            "cost_usd": number(self.cost_usd),
            "minutes": number(self.minutes),
            "watched": self.watched,
            "from_pilot": self.from_pilot,
            "table": [row.to_json() for row in self.table],
        }


def plan_size(
    plan: Plan,
    *,
    kind: MetricKind,
    design: Design = Design.PAIRED,
    assumptions: Assumptions | None = None,
    challengers: int = 1,
    repeats: int = 1,
    available: int | None = None,
    price: CallPrice | None = None,
    live: bool = False,
    split_ratio: float = 1.0,
    sizes: Sequence[int] = TABLE_SIZES,
) -> SizePlan:
    """Units that the plan's primary metric needs, what other numbers of units would show, and what they cost.

    A swap plans for its margin. Guardrails raise the power asked of each, challengers share alpha, a watched plan
    needs 2.4 times the units. A relative effect is planned as a share of the assumed rate.
    """
    given = assumptions or usual_assumptions(plan)
    effect = _effect(plan, given)
    spread = _spread(kind, design, given, repeats)
    watched = plan.stopping == "sequential" or (live and plan.stopping != "fixed") or (live and not plan.planned_units)
    error = _error(plan, given, challengers=challengers, watched=watched, split_ratio=split_ratio)
    needed = power.units_needed(spread, effect, error) if effect <= spread.largest_effect else math.inf
    units = math.ceil(needed - 1e-9) if math.isfinite(needed) else None
    rows = sorted({*sizes, *([available] if available else []), *([units] if units else [])})
    return SizePlan(
        counted=spread.units,
        effect=effect,
        units_needed=units,
        available=available,
        power_available=power.power_at(spread, available, effect, error) if available else None,
        cost_usd=price.of(units, repeats) if price and units else None,
        minutes=price.minutes(units, repeats) if price and units else None,
        watched=watched,
        from_pilot=given.from_pilot,
        table=tuple(
            SizeRow(
                row,
                power.detectable_effect(spread, row, error),
                power.power_at(spread, row, effect, error),
                price.of(row, repeats) if price else None,
                price.minutes(row, repeats) if price else None,
            )
            for row in rows
        ),
    )


def usual_assumptions(plan: Plan) -> Assumptions:
    """What is believed before anything was seen. Who asks for a large gain expects more rows than usual to differ."""
    usual = Assumptions()
    return Assumptions(disagreement=min(1.0, max(USUAL_DISAGREEMENT, ROOM * _effect(plan, usual))))


def from_pilot(
    control: Floats, treatment: Floats, clusters: Codes | None = None, *, covariate: Floats | None = None
) -> Assumptions:
    """Assumptions read from the values of a pilot on the same rows (at least two): spread, disagreement, clusters.

    Raises:
        ValueError: fewer than two rows.
    """
    import numpy as np

    from experiments.stats.clustered import cluster_sums, intraclass_correlation

    if len(control) < 2:
        raise ValueError("a pilot needs at least two rows")
    differences = treatment - control
    size, variation, correlation = 1.0, 0.0, 0.0
    if clusters is not None:
        sizes = cluster_sums(differences, clusters).sizes
        size, variation = float(sizes.mean()), float(sizes.std() / sizes.mean())
        correlation = intraclass_correlation(differences, clusters) or 0.0
    related = 0.0
    if covariate is not None and float(covariate.std()) > 0 and float(differences.std()) > 0:
        related = float(np.corrcoef(differences, covariate)[0, 1])
    return Assumptions(
        disagreement=float((differences != 0).mean()),
        rate=float(control.mean()),
        sd=float(differences.std(ddof=1)),
        tie_share=float((differences == 0).mean()),
        cluster_size=size,
        size_variation=variation,
        correlation=correlation,
        covariate=related,
        from_pilot=len(control),
    )


def _effect(plan: Plan, given: Assumptions) -> float:
    primary = plan.primary
    effect = primary.smallest_effect
    if plan.intent == "swap":
        effect = primary.margin or primary.smallest_effect
    return effect * given.rate if primary.relative else effect


def _spread(kind: MetricKind, design: Design, given: Assumptions, repeats: int) -> power.Spread:
    if kind is MetricKind.PREFERENCE:
        # The comparison is the win rate less one half, which is half of the net preference.
        whole = power.preference(given.tie_share)
        return power.Spread(
            lambda d: whole.null(d) / 2, lambda d: whole.real(d) / 2, whole.units, whole.largest_effect / 2
        )
    if given.standard_error is not None and given.from_pilot:
        counted = "rows" if design is Design.PAIRED else "users per variant"
        return power.from_standard_error(given.standard_error, given.from_pilot, counted=counted)
    if design is Design.PAIRED:
        if kind is MetricKind.BINARY and repeats == 1:
            return power.paired_yes_no(given.disagreement)
        return power.paired_repeats(given.sd**2, given.noise, given.noise, repeats=repeats)
    if kind is MetricKind.RATIO:
        return power.independent_ratio(given.sd, given.mean_requests)
    return power.independent_yes_no(given.rate) if kind is MetricKind.BINARY else power.independent_score(given.sd)


def _error(plan: Plan, given: Assumptions, *, challengers: int, watched: bool, split_ratio: float) -> power.Error:
    error = power.Error(plan.alpha, plan.power).shared(challengers=challengers, guardrails=len(plan.guardrails))
    factor = power.design_effect(given.cluster_size, given.correlation, size_variation=given.size_variation)
    factor *= power.covariate_factor(given.covariate) * power.split_factor(split_ratio)
    return error.times(factor * (power.WATCHED_FACTOR if watched else 1.0))
