"""Which values a metric can have: refused at every door outside of it, so that no sum of them can overflow."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.vocabulary import MetricKind

LARGEST = 1e12
"""Squares of a billion such values still add up to a finite number, so no analysis meets an infinity."""
SMALLEST_DENOMINATOR = 1e-12
"""A value over a smaller one would be beyond what can be squared."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values from ``lowest`` to ``highest``, both included."""

    lowest: float
    highest: float

    def holds(self, value: float) -> bool:
        """Whether the value is in the range; False for NaN."""
        return self.lowest <= value <= self.highest

    def __str__(self) -> str:
        return f"{self.lowest:g} to {self.highest:g}"


ANY = ValueRange(-LARGEST, LARGEST)
DENOMINATORS = ValueRange(SMALLEST_DENOMINATOR, LARGEST)
_BY_KIND = {
    MetricKind.BINARY: ValueRange(0, 1),
    MetricKind.COST: ValueRange(0, LARGEST),
    MetricKind.LATENCY: ValueRange(0, LARGEST),
}


def range_of(kind: MetricKind, declared: tuple[float, float] | None = None) -> ValueRange:
    """The range of a metric: the declared one, else that of its kind, else ``ANY``."""
    return ValueRange(*declared) if declared is not None else _BY_KIND.get(kind, ANY)
