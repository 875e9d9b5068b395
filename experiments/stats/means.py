"""Difference of two independent means (or ratios), from sums alone: Welch's t, and the same when it is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.lift import MeanPair, fieller
from experiments.stats.sequential import Reading


@dataclass(frozen=True, slots=True)
class ArmMean:
    """A mean of one arm, the variance of that mean, and the units behind it.

    ``df`` are the degrees of freedom of the variance where they are not units − 1: clusters, or users of very unequal
    weight, know less about their spread.
    """

    mean: float
    variance: float
    units: int
    df: float | None = None

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance."""
        return self.units - 1.0 if self.df is None else self.df


def welch(
    control: ArmMean,
    treatment: ArmMean,
    *,
    reading: Reading,
    method: str = "welch_t",
    details: Mapping[str, float | int | str] | None = None,
) -> Outcome:
    """Treatment minus control with Welch's t; in a watched reading the always-valid interval instead.

    Arms with fewer than two units, or without any variation in either, are named states.

    Source: Welch (1947), Biometrika 34; degrees of freedom of Satterthwaite (1946).
    """
    if min(control.units, treatment.units) < 2:
        return NotEstimable(State.TOO_FEW_UNITS, "each variant needs at least two units")
    variance = control.variance + treatment.variance
    if variance <= 0:
        message = "every unit of a variant gives the same value"
        return NotEstimable(State.NO_VARIATION, message, control.mean, treatment.mean)
    df = welch_df(control, treatment)
    error = variance**0.5
    units = control.units + treatment.units
    half = reading.multiplier(n_units=units, df=df) * error
    difference = treatment.mean - control.mean
    means = MeanPair(control.mean, treatment.mean, control.variance, treatment.variance)
    relative = fieller(means, multiplier=half / error)
    return Estimate(
        estimate=difference,
        lower=difference - half,
        upper=difference + half,
        p_value=reading.p_value(difference / error, n_units=units, df=df),
        standard_error=error,
        control=control.mean,
        treatment=treatment.mean,
        method=method,
        alpha=reading.alpha,
        n_units=units,
        n_clusters=units,
        relative=relative if isinstance(relative, Interval) else None,
        details=details or {},
    )


def welch_df(control: ArmMean, treatment: ArmMean) -> float:
    """Degrees of freedom of Welch and Satterthwaite."""
    total = control.variance + treatment.variance
    return total**2 / (control.variance**2 / control.freedom + treatment.variance**2 / treatment.freedom)
