"""What the methods return: an ``Estimate``, or ``NotEstimable`` with the reason; and the ``Comparison`` built from it.

A number that the data cannot carry is never 0, 0.5, p = 1 or NaN: it is absent, and a named ``State`` says
why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from experiments.vocabulary import Direction, MetricKind, MetricRole

DIGITS = 10


class State(StrEnum):
    """``ok``, or why there is no number."""

    OK = "ok"
    NOT_YET = "not_yet"
    NO_DATA = "no_data"
    NO_CONTROL = "no_control"
    TOO_FEW_UNITS = "too_few_units"
    TOO_FEW_CLUSTERS = "too_few_clusters"
    NO_VARIATION = "no_variation"
    ALL_TIES = "all_ties"
    ZERO_DENOMINATOR = "zero_denominator"
    CONTROL_NEAR_ZERO = "control_near_zero"
    NEEDS_ROWS = "needs_rows"
    NOT_ESTIMABLE = "not_estimable"
    ONE_CATEGORY = "one_category"
    NO_OVERLAP = "no_overlap"
    DISCONNECTED = "disconnected"
    SEPARATED = "separated"
    USELESS_JUDGE = "useless_judge"
    TOO_FEW_LABELS = "too_few_labels"


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """A number that the data cannot carry: the state's name and one sentence for people.

    ``control`` and ``treatment`` are the two values where they are known all the same: a difference without a range.
    """

    state: State
    message: str
    control: float | None = None
    treatment: float | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A finite estimate with its limits."""

    estimate: float
    lower: float
    upper: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.estimate) and math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise ValueError("an interval holds finite numbers only")

    def to_json(self) -> dict[str, float | None]:
        """``{"estimate", "lower", "upper"}``, rounded to 10 digits."""
        return {"estimate": number(self.estimate), "lower": number(self.lower), "upper": number(self.upper)}

    def flipped(self) -> Interval:
        """The same interval of the negated quantity."""
        return Interval(-self.estimate, -self.upper, -self.lower)


@dataclass(frozen=True, slots=True)
class WithoutLargest:
    """The same difference without the unit that contributes most.

    ``variant`` is the arm of that unit (its name once it stands in a comparison), ``share`` what it contributed to that
    arm before the cap.
    """

    variant: str
    share: float
    interval: Interval

    def to_json(self) -> dict[str, float | str | None]:
        """``{"variant", "share", "estimate", "lower", "upper"}``."""
        return {"variant": self.variant, "share": number(self.share), **self.interval.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one method says of one difference (treatment minus control).

    ``alpha`` is the two-sided error of the interval. ``control`` and ``treatment`` are the values compared.
    ``n_units`` counts rows, users or items, ``n_clusters`` the independent groups they form. ``details``
    holds what only some methods know: rows fixed and broken, the design effect, a win rate. ``without_largest`` is
    there where units have many requests or unbounded amounts.
    """

    estimate: float
    lower: float
    upper: float
    p_value: float
    standard_error: float
    control: float
    treatment: float
    method: str
    alpha: float
    n_units: int
    n_clusters: int
    relative: Interval | None = None
    details: Mapping[str, float | int | str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    without_largest: WithoutLargest | None = None

    def __post_init__(self) -> None:
        numbers = (self.estimate, self.lower, self.upper, self.p_value, self.standard_error)
        if not all(math.isfinite(value) for value in (*numbers, self.control, self.treatment)):
            raise ValueError("an estimate holds finite numbers only; return NotEstimable instead")


Outcome = Estimate | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric, one challenger against the control, overall or in one slice: what the results JSON shows.

    When ``status`` is not ``ok`` every number of the comparison is None except the counts and, where they
    exist, the plain values of the two variants and their difference. ``margin`` and ``margin_state`` belong to
    guardrails (and to the quality of a swap): ``held`` means shown to be within the margin, ``broken`` shown to be
    beyond it.
    """

    metric: str
    kind: MetricKind
    direction: Direction
    unit: str
    role: MetricRole
    aggregate: str
    slice: str | None
    control: str
    treatment: str
    status: State
    method: str | None
    interval: float
    sequential: bool
    n_units: int
    n_clusters: int
    n_missing: Mapping[str, int]
    better: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    standard_error: float | None = None
    relative: Interval | None = None
    control_mean: float | None = None
    treatment_mean: float | None = None
    margin: float | None = None
    margin_relative: bool = False
    margin_state: str | None = None
    margin_p_value: float | None = None
    swap_goal: bool = False
    shrunk_estimate: float | None = None
    chance_better: float | None = None
    expected_loss: float | None = None
    details: Mapping[str, float | int | str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    without_largest: WithoutLargest | None = None

    @property
    def ok(self) -> bool:
        """Whether there are numbers."""
        return self.status is State.OK

    def gain(self, *, relative: bool = False) -> Interval | None:
        """The interval turned so that up is better; None where there is none."""
        if relative:
            interval = self.relative
        elif self.estimate is None or self.lower is None or self.upper is None:
            interval = None
        else:
            interval = Interval(self.estimate, self.lower, self.upper)
        if interval is None:
            return None
        return interval if self.direction is Direction.HIGHER else interval.flipped()

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values; no number in it is NaN or infinite."""
        numbers = (
            *("estimate", "lower", "upper", "p_value", "adjusted_p_value", "standard_error"),
            *("control_mean", "treatment_mean", "margin", "margin_p_value"),
            *("shrunk_estimate", "chance_better", "expected_loss", "interval"),
        )
        plain = (
            *("metric", "unit", "aggregate", "slice", "control", "treatment", "method", "sequential"),
            *("n_units", "n_clusters", "better", "margin_relative", "margin_state", "swap_goal"),
        )
        return {
            **{name: getattr(self, name) for name in plain},
            **{name: number(getattr(self, name)) for name in numbers},
            "kind": self.kind.value,
            "direction": self.direction.value,
            "role": self.role.value,
            "status": self.status.value,
            "relative": None if self.relative is None else self.relative.to_json(),
            "without_largest_unit": None if self.without_largest is None else self.without_largest.to_json(),
            "n_missing": dict(self.n_missing),
            "details": {k: v if isinstance(v, str) else number(v) for k, v in sorted(self.details.items())},
            "warnings": list(self.warnings),
        }


def number(value: float | int | None) -> float | int | None:
    """The value rounded to 10 significant digits, integers and None as they are.

    Ten digits are more than any reading needs and fewer than differ between machines.

    Raises:
        ValueError: for NaN and infinity, which no result may hold.
    """
    if value is None or isinstance(value, int):
        return value
    if not math.isfinite(value):
        raise ValueError("a result holds finite numbers only")
    return float(f"{float(value):.{DIGITS}g}") + 0.0
