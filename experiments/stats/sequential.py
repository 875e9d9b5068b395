"""Results that may be watched: intervals and p-values that hold at every look at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy import special

MINIMUM_UNITS = 30
"""Fewer units per arm than this and the asymptotic sequence is not started."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How often a result is read, and with which error: once (``horizon`` None) or at any time.

    ``horizon`` is the number of independent units that the always-valid interval is sharpest for; it is part
    of the plan and must not follow the data.
    """

    alpha: float = 0.05
    horizon: int | None = None

    @property
    def sequential(self) -> bool:
        """Whether the result may be watched."""
        return self.horizon is not None

    def at(self, alpha: float) -> Reading:
        """The same reading with another error."""
        return replace(self, alpha=alpha)

    def multiplier(self, *, n_units: int, df: float) -> float:
        """Half the width of the interval in standard errors; Student's t once, the mixture boundary when watched."""
        once = float(special.stdtrit(df, 1 - self.alpha / 2))
        if self.horizon is None:
            return once
        return self._inflation(df) * always_valid_multiplier(n_units, alpha=self.alpha, horizon=self.horizon)

    def p_value(self, standardised: float, *, n_units: int, df: float) -> float:
        """Two-sided p-value of ``estimate / standard error``; it agrees with the interval of ``multiplier``."""
        if self.horizon is None:
            return float(2 * special.stdtr(df, -abs(standardised)))
        return always_valid_p(standardised / self._inflation(df), n_units, alpha=self.alpha, horizon=self.horizon)

    def _inflation(self, df: float) -> float:
        # The sequence is asymptotic: with few clusters the standard error is itself uncertain, as in Student's t.
        q = 1 - self.alpha / 2
        return float(special.stdtrit(df, q) / special.ndtri(q))


def mixture_rate(alpha: float, horizon: int) -> float:
    """rho², for which the sequence is narrowest when ``horizon`` units are in.

    Source: Waudby-Smith et al. (2024), arXiv 2103.06476, appendix B.2; Schönfeld's approximation as in
    gbstats.
    """
    twice_log = -2 * math.log(alpha)
    return (twice_log + math.log(twice_log + 1)) / horizon


def always_valid_multiplier(n_units: int, *, alpha: float, horizon: int) -> float:
    """Half the width of the asymptotic confidence sequence after ``n_units``, in standard errors.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), arXiv 2103.06476, theorem 2.2 (normal
    mixture).
    """
    rate = n_units * mixture_rate(alpha, horizon)
    return math.sqrt(2 * (rate + 1) / rate * math.log(math.sqrt(rate + 1) / alpha))


def always_valid_p(standardised: float, n_units: int, *, alpha: float, horizon: int) -> float:
    """The p-value that belongs to the sequence: 1 / e-value, at most 1; valid whenever it is read.

    Source: as ``always_valid_multiplier``; the boundary solved for alpha.
    """
    rate = n_units * mixture_rate(alpha, horizon)
    log_p = 0.5 * math.log(rate + 1) - rate * standardised**2 / (2 * (rate + 1))
    return math.exp(min(0.0, log_p))
