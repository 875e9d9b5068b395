"""Sharper differences from values known before the experiment (CUPED)."""

from __future__ import annotations

from experiments.stats.estimates import NotEstimable, Outcome, State
from experiments.stats.means import Arm, welch
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums


def pooled_slope(control: UnitSums, treatment: UnitSums) -> float:
    """The slope theta = pooled Cov(y, x) / pooled Var(x), within arms; 0 when x does not vary.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 4.
    """
    covariance = sum(s.xy - s.x * s.y / s.units for s in (control, treatment))
    variance = sum(s.xx - s.x * s.x / s.units for s in (control, treatment))
    return covariance / variance if variance > 1e-12 * (control.xx + treatment.xx) else 0.0


def cuped(control: UnitSums, treatment: UnitSums, *, reading: Reading) -> Outcome:
    """Difference of means adjusted for x, Welch's t on the residuals; ``details`` hold the variance it saved.

    The covariate must be from before the assignment. The values shown are the adjusted means.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 3 to 5.
    """
    if min(control.units, treatment.units) < 3:
        return NotEstimable(State.TOO_FEW_UNITS, "each variant needs at least three units")
    theta = pooled_slope(control, treatment)
    centre = (control.x + treatment.x) / (control.units + treatment.units)
    arms = [_adjusted(sums, theta, centre) for sums in (control, treatment)]
    plain = control.variance / control.units + treatment.variance / treatment.units
    saved = 1 - (arms[0].variance + arms[1].variance) / plain if plain > 0 else 0.0
    return welch(
        arms[0],
        arms[1],
        reading=reading,
        method="cuped_welch_t",
        details={"variance_saved": saved, "theta": theta},
    )


def _adjusted(sums: UnitSums, theta: float, centre: float) -> Arm:
    k = sums.units
    variance_x = (sums.xx - sums.x * sums.x / k) / (k - 1)
    covariance = (sums.xy - sums.x * sums.y / k) / (k - 1)
    variance = sums.variance - 2 * theta * covariance + theta**2 * variance_x
    return Arm(sums.mean - theta * (sums.x / k - centre), max(0.0, variance) / k, k)
