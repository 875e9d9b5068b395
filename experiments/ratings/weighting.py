"""Ratings of rows that were drawn with different probabilities, told for all rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Weighted:
    """A mean over all rows with its 95 % limits, from a sample with known probabilities."""

    estimate: float
    lower: float
    upper: float
    rows: int


def weighted_mean(values: Sequence[float], probabilities: Sequence[float]) -> Weighted | None:
    """Hájek's ratio estimate with its linearised variance; None below two rows.

    Source: Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.7 and result 5.6.1.
    """
    n = len(values)
    if n < 2:
        return None
    weights = [1 / probability for probability in probabilities]
    total = math.fsum(weights)
    mean = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total
    spread = math.fsum((w * (v - mean)) ** 2 for w, v in zip(weights, values, strict=True))
    half = Z95 * math.sqrt(n / (n - 1) * spread) / total
    return Weighted(mean, mean - half, mean + half, n)
