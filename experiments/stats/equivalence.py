"""Shown to be no worse, shown to be the same: tests against a margin instead of against zero."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from experiments.stats.estimates import Interval


@dataclass(frozen=True, slots=True)
class Equivalence:
    """p-values of the two one-sided tests, and the larger of them, which is the p-value of equivalence."""

    above_lower: float
    below_upper: float

    @property
    def p_value(self) -> float:
        """Equivalent when this is below alpha."""
        return max(self.above_lower, self.below_upper)


def tost(estimate: float, standard_error: float, df: float, *, low: float, high: float) -> Equivalence:
    """Two one-sided t tests that a difference lies between ``low`` and ``high``.

    Source: Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657–680.
    """
    return Equivalence(
        float(stats.t.sf((estimate - low) / standard_error, df)),
        float(stats.t.cdf((estimate - high) / standard_error, df)),
    )


def non_inferiority(gain: float, standard_error: float, df: float, *, margin: float) -> float:
    """One-sided p-value that a gain (up is better) is above −margin.

    Source: Schuirmann (1987), one side; Schultzberg et al. (2024), arXiv 2402.11609, on guardrails.
    """
    return float(stats.t.sf((gain + margin) / standard_error, df))


def margin_state(gain: Interval, margin: float) -> str:
    """``held``: shown to be within the margin; ``broken``: shown to be beyond it; else ``unclear``."""
    if gain.lower > -margin:
        return "held"
    return "broken" if gain.upper < -margin else "unclear"
