"""The chance that a result that is half in will still become clear."""

from __future__ import annotations

import math

from scipy import special


def conditional_power(
    estimate: float, standard_error: float, *, growth: float, effect: float, boundary: float
) -> float:
    """Probability that the estimate lies ``boundary`` standard errors above 0 with ``growth`` times the units.

    ``effect`` is the true effect of the units to come. ``growth`` 1 gives 0 or 1: nothing more comes.

    Raises:
        ValueError: ``growth`` below 1 or a standard error that is not positive.

    Source: Lan & Wittes (1988), Biometrics 44, 579–585 (B-value; here in units of the estimate).
    """
    if growth < 1 or standard_error <= 0:
        raise ValueError("growth is at least 1, and the standard error positive")
    at_end = (estimate + (growth - 1) * effect) / growth
    needed = boundary * standard_error / math.sqrt(growth)
    spread = standard_error * math.sqrt(growth - 1) / growth
    if spread == 0:
        return float(at_end > needed)
    return float(special.ndtr((at_end - needed) / spread))
