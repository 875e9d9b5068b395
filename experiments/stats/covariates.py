"""Sharper differences from values known before the experiment (CUPED)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from experiments.stats.estimates import NotEstimable, Outcome, State
from experiments.stats.means import Arm, welch
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums

FEWEST_KNOWN = 30
"""Fewer units with a value from before than this, and the slope would be chance."""


def pooled_slope(control: UnitSums, treatment: UnitSums) -> float:
    """The slope theta = pooled Cov(y, x) / pooled Var(x), within arms; 0 when x does not vary.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 4.
    """
    covariance = sum(s.xy - s.x * s.y / s.units for s in (control, treatment))
    variance = sum(s.xx - s.x * s.x / s.units for s in (control, treatment))
    return covariance / variance if variance > 1e-12 * (control.xx + treatment.xx) else 0.0


@dataclass(frozen=True, slots=True)
class Earlier:
    """Sums over those units of an arm whose value from before (x) is known: how many, and of y, x, x², x y."""

    units: int
    y: float
    x: float
    xx: float
    xy: float


def with_earlier(arms: Mapping[str, UnitSums], earlier: Mapping[str, Earlier]) -> dict[str, UnitSums]:
    """The arms with values from before; a unit without one gets the mean of all who have one, of all arms together.

    That mean and who lacks a value were settled before the assignment, so the filling is the same for every arm in
    expectation. Under ``FEWEST_KNOWN`` units with a value the arms are returned as they are.

    Source: mean imputation of covariates in randomised experiments, Zhao & Ding (2024), J. Am. Stat. Assoc.
    119, 450–460.
    """
    known = sum(of_arm.units for of_arm in earlier.values())
    if known < FEWEST_KNOWN:
        return dict(arms)
    centre = sum(of_arm.x for of_arm in earlier.values()) / known
    return {name: _filled(sums, earlier[name], centre) for name, sums in arms.items()}


def _filled(sums: UnitSums, known: Earlier, centre: float) -> UnitSums:
    lacking = sums.units - known.units
    return replace(
        sums,
        x=known.x + centre * lacking,
        xx=known.xx + centre**2 * lacking,
        xy=known.xy + centre * (sums.y - known.y),
        covariate=True,
    )


def cuped(control: UnitSums, treatment: UnitSums, *, reading: Reading) -> Outcome:
    """Difference of means adjusted for x, Welch's t on the residuals; ``details`` hold the variance it saved.

    The covariate must be from before the assignment. The values shown are the adjusted means. The always-valid interval
    of a watched reading holds too: the slope's own error is multiplied by the difference of the arms' mean x, both of
    order sqrt(log log n / n), so their product is smaller than the sequence can feel.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 3 to 5; watched: Waudby-Smith et al. (2024), arXiv 2103.06476,
    section 3 (randomised experiments with estimated regressions).
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
