"""Sums per arm, kept by a database or made from rows: all that means, ratios and adjusted means need.

A million requests become a handful of numbers; sums of two parts of the data are added.

Source of centring: Chan, Golub & LeVeque (1983), Am. Stat. 37, 242–247.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from experiments.stats.clustered import Codes, Floats, yes_no
from experiments.stats.contributions import Largest, effective_units

EPS = float(np.finfo(np.float64).eps)
SAME = 64 * EPS
Grades = tuple[tuple[float, int], ...]
"""Values and how many units have each: all that rank methods need of an arm."""


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Sums over the units (users) of one arm.

    ``y`` is the unit's total of the metric, ``n`` its number of requests (or its denominator), ``x`` its value from
    before the experiment; ``xn`` is the sum of x n, NaN where nobody took it. ``units`` counts units, ``ones`` says
    that every y is 0 or 1 with n = 1. ``grades`` count the units of every y, for metrics that are compared by rank;
    empty where nobody counted.

    Squares of large numbers cancel, so sums are taken of y − ``centre`` n and of x − ``x_centre``, which all arms
    share. ``lowest`` and ``highest`` are the ends of y / n, NaN where nobody looked. ``largest`` is the unit that
    contributes most (None where nobody looked), ``capped`` counts the units cut to the cap. ``hidden`` is a variance of
    the mean that equal values leave open, ``filled`` counts units whose x is the mean of the others.
    """

    units: int
    y: float
    yy: float
    n: float
    nn: float
    yn: float
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    xn: float = math.nan
    covariate: bool = False
    ones: bool = False
    missing: int = 0
    grades: Grades = ()
    centre: float = 0.0
    x_centre: float = 0.0
    lowest: float = math.nan
    highest: float = math.nan
    largest: Largest | None = None
    capped: int = 0
    hidden: float = 0.0
    filled: int = 0

    @classmethod
    def of(
        cls,
        y: Floats,
        n: Floats | None = None,
        x: Floats | None = None,
        *,
        missing: int = 0,
        centre: float = 0.0,
        x_centre: float = 0.0,
    ) -> UnitSums:
        """The sums of per-unit totals; without ``n`` every unit counts once. Arms to be compared share the centres."""
        count = np.ones_like(y) if n is None else n
        once = bool((count == 1).all())
        known = count != 0
        rate = y[known] / count[known]
        centred = y - centre * count if centre else y
        before: dict[str, Any] = {}
        if x is not None:
            moved = x - x_centre
            before = {"x": float(moved.sum()), "xx": float(moved @ moved), "xy": float(moved @ centred)}
        return cls(
            units=len(y),
            y=float(centred.sum()),
            yy=float((centred * centred).sum()),
            n=float(count.sum()),
            nn=float((count * count).sum()),
            yn=float((centred * count).sum()),
            covariate=x is not None,
            ones=once and yes_no(y),
            missing=missing,
            centre=centre,
            x_centre=x_centre,
            lowest=float(rate.min()) if len(rate) else math.nan,
            highest=float(rate.max()) if len(rate) else math.nan,
            **before,
        )

    @classmethod
    def from_mapping(cls, sums: Mapping[str, Any]) -> UnitSums:
        """From the column names of a query (``units, y, yy, n, nn, yn`` and what applies); n defaults to 1 each."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {"n": sums["units"], "nn": sums["units"], "yn": sums["y"]} | {
            name: value for name, value in sums.items() if name in known
        }
        for name in ("units", "missing", "capped"):
            values[name] = int(values.get(name, 0))
        for name in ("covariate", "ones"):
            values[name] = bool(values.get(name, False))
        return cls(**values)

    def __add__(self, other: UnitSums) -> UnitSums:
        """The sums of both parts together; their units must be different ones.

        Raises:
            ValueError: when the parts were centred differently.
        """
        if (self.centre, self.x_centre) != (other.centre, other.x_centre):
            raise ValueError("sums of parts need the same centre")
        added = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self) if f.name in _ADDED}
        both = {name: getattr(self, name) and getattr(other, name) for name in _BOTH}
        ends = min(self.lowest, other.lowest), max(self.highest, other.highest)
        whole = UnitSums(**added, **both, centre=self.centre, x_centre=self.x_centre)
        return replace(whole, lowest=ends[0], highest=ends[1])

    def with_contributions(self, largest: Largest, capped: int) -> UnitSums:
        """The same sums with the unit that contributes most and how many were cut."""
        return replace(self, largest=largest, capped=capped)

    def without_largest(self) -> UnitSums | None:
        """The sums of all other units; None where nobody looked or nothing is left to compare."""
        if self.largest is None or self.units < 3:
            return None
        n, y = self.largest.n, self.largest.y - self.centre * self.largest.n
        return replace(
            self,
            units=self.units - 1,
            y=self.y - y,
            yy=max(0.0, self.yy - y * y),
            n=self.n - n,
            nn=max(0.0, self.nn - n * n),
            yn=self.yn - y * n,
            largest=None,
        )

    @property
    def squares(self) -> float:
        """Sum of the squared unit totals, not centred."""
        return self.yy + 2 * self.centre * self.yn + self.centre**2 * self.nn

    @property
    def equal(self) -> bool:
        """Whether every unit has the same value (per request); False where nobody looked.

        Values are compared, not their spread, which rounding makes small or zero. What differs by a few units of the
        last digit is the same number, computed twice.
        """
        return self.highest - self.lowest <= SAME * max(abs(self.lowest), abs(self.highest))

    @property
    def effective_units(self) -> float:
        """Units that would tell as much if all had the same number of requests."""
        return effective_units(self.n, self.nn)

    @property
    def total(self) -> float:
        """Sum of the unit totals, not centred."""
        return self.y + self.centre * self.n

    @property
    def mean(self) -> float:
        """Mean of the unit totals; the centre is added last, which keeps the digits that sums of large numbers lose."""
        return self.centre * (self.n / self.units) + self.y / self.units

    @property
    def variance(self) -> float:
        """Sample variance of the unit totals, n being 1 each; 0 only where all of them are equal."""
        if self.equal:
            return 0.0
        return _spread(self.yy, self.y * self.y / self.units, self.units) / (self.units - 1)

    @property
    def ratio(self) -> float:
        """Total over total: sum y / sum n."""
        return self.centre + self.y / self.n

    @property
    def ratio_variance(self) -> float:
        """Variance of ``ratio`` over units by linearisation: k/(k − 1) · sum (y − R n)² / (sum n)².

        Source: Deng, Knoblich & Lu (2018), KDD, section 3.1; Cochran (1977), Sampling Techniques, eq. 6.13.
        """
        if self.equal:
            return 0.0
        rate = self.y / self.n
        gone = 2 * rate * self.yn - rate * rate * self.nn
        squares = _spread(self.yy, gone, self.units, size=abs(gone) + rate * rate * self.nn)
        return squares * self.units / (self.units - 1) / self.n**2


_BOTH = ("covariate", "ones")
_ADDED = ("units", "y", "yy", "n", "nn", "yn", "x", "xx", "xy", "xn", "missing", "capped", "filled")


def sums_by_arm(arms: Codes, units: Codes, y: Floats, *, n_arms: int, n_units: int) -> list[UnitSums]:
    """Sums per arm from request rows: codes of arm and unit, and the value; one pass, nothing is sorted.

    A unit belongs to the arm of its rows; units without rows are no units of any arm.
    """
    totals = np.bincount(units, weights=y, minlength=n_units)
    counts = np.bincount(units, minlength=n_units).astype(np.float64)
    arm_of = np.zeros(n_units, dtype=np.intp)
    arm_of[units] = arms
    arm_of[counts == 0] = -1
    return [UnitSums.of(totals[mine], counts[mine]) for mine in (arm_of == arm for arm in range(n_arms))]


def _spread(squares: float, gone: float, units: int, *, size: float = 0.0) -> float:
    """A sum of squares less what its mean takes off, plus what rounding may have hidden: never a false certainty."""
    hidden = EPS * math.sqrt(units) * (squares + max(size, abs(gone)))
    return max(0.0, squares - gone) + hidden
