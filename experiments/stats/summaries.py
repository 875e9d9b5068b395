"""Sums per arm, kept by a database or made from rows: all that means, ratios and adjusted means need.

A million requests become a handful of numbers; sums of two parts of the data are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from experiments.stats.clustered import Codes, Floats, yes_no

ROUNDING = 1e-13
Grades = tuple[tuple[float, int], ...]
"""Values and how many units have each: all that rank methods need of an arm."""


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Sums over the units (users) of one arm.

    ``y`` is the unit's total of the metric, ``n`` its number of requests (or its denominator), ``x`` its
    value from before the experiment. ``units`` counts units, ``ones`` says that every y is 0 or 1 with n = 1.
    ``grades`` count the units of every y, for metrics that are compared by rank; empty where nobody counted.
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
    covariate: bool = False
    ones: bool = False
    missing: int = 0
    grades: Grades = ()

    @classmethod
    def of(cls, y: Floats, n: Floats | None = None, x: Floats | None = None, *, missing: int = 0) -> UnitSums:
        """The sums of per-unit totals; without ``n`` every unit counts once."""
        count = np.ones_like(y) if n is None else n
        once = bool((count == 1).all())
        before: dict[str, Any] = (
            {} if x is None else {"x": float(x.sum()), "xx": float((x * x).sum()), "xy": float((x * y).sum())}
        )
        return cls(
            units=len(y),
            y=float(y.sum()),
            yy=float((y * y).sum()),
            n=float(count.sum()),
            nn=float((count * count).sum()),
            yn=float((y * count).sum()),
            covariate=x is not None,
            ones=once and yes_no(y),
            missing=missing,
            **before,
        )

    @classmethod
    def from_mapping(cls, sums: Mapping[str, Any]) -> UnitSums:
        """From the column names of a query (``units, y, yy, n, nn, yn`` and what applies); n defaults to 1 each."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {"n": sums["units"], "nn": sums["units"], "yn": sums["y"]} | {
            name: value for name, value in sums.items() if name in known
        }
        for name in ("units", "missing"):
            values[name] = int(values.get(name, 0))
        for name in ("covariate", "ones"):
            values[name] = bool(values.get(name, False))
        return cls(**values)

    def __add__(self, other: UnitSums) -> UnitSums:
        """The sums of both parts together; their units must be different ones."""
        added = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self) if f.name not in _BOTH}
        return UnitSums(**added, **{name: getattr(self, name) and getattr(other, name) for name in _BOTH})

    @property
    def mean(self) -> float:
        """Mean of the unit totals."""
        return self.y / self.units

    @property
    def variance(self) -> float:
        """Sample variance of the unit totals; 0 where only rounding is left."""
        return _variance(self.yy, self.y * self.y / self.units, self.units)

    @property
    def ratio(self) -> float:
        """Total over total: sum y / sum n."""
        return self.y / self.n

    @property
    def ratio_variance(self) -> float:
        """Variance of ``ratio`` over units by linearisation: k/(k − 1) · sum (y − R n)² / (sum n)².

        Source: Deng, Knoblich & Lu (2018), KDD, section 3.1; Cochran (1977), Sampling Techniques, eq. 6.13.
        """
        rate = self.ratio
        squares = self.yy - 2 * rate * self.yn + rate * rate * self.nn
        if squares <= ROUNDING * (self.yy + rate * rate * self.nn):
            return 0.0
        return squares * self.units / (self.units - 1) / self.n**2


_BOTH = ("covariate", "ones")


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


def _variance(squares: float, mean_square: float, units: int) -> float:
    centred = squares - mean_square
    return 0.0 if centred <= ROUNDING * squares else centred / (units - 1)
