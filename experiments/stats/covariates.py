"""Sharper differences from values known before the experiment (CUPED)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from experiments.stats.clustered import Floats
from experiments.stats.estimates import NotEstimable, Outcome, State
from experiments.stats.means import ArmMean, welch
from experiments.stats.ratios import weighed_arm
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums

FEWEST_KNOWN = 30
"""Fewer units with a value from before than this, and the slope would be chance."""
MOST_EXPLAINED = 0.98
"""A value that explains more than this share of the outcome's variance is the outcome, or was taken after it."""
SAME_VALUE = 1e-8
"""Values from before whose correlation matrix has a smaller eigenvalue, as a share of the largest, say the same."""
TOUCHED = 0.001
UNCLEAR = 0.1


def pooled_slope(control: UnitSums, treatment: UnitSums) -> float:
    """The slope theta = pooled Cov(y, x) / pooled Var(x), within arms; 0 when x does not vary.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 4.
    """
    within = _within(control, treatment)
    return within.xy / within.xx if within.xx > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Within:
    """Sums of squares and products of y and x around the arms' own means."""

    yy: float
    xx: float
    xy: float


def _within(control: UnitSums, treatment: UnitSums) -> _Within:
    arms = (control, treatment)
    xx = sum(s.xx - s.x * s.x / s.units for s in arms)
    # x that does not vary leaves rounding, which grows with the size of x; a centre that all arms share takes it off
    size = sum(s.xx for s in arms) + sum(s.units for s in arms) * control.x_centre**2
    return _Within(
        yy=sum(s.variance * (s.units - 1) for s in arms),
        xx=xx if xx > 1e-12 * size else 0.0,
        xy=sum(s.xy - s.x * s.y / s.units for s in arms),
    )


def explained(control: UnitSums, treatment: UnitSums) -> float:
    """R²: the share of y's variance within arms that x explains; 0 where either does not vary.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 5.
    """
    return _share(_within(control, treatment))


def _share(within: _Within) -> float:
    return min(1.0, within.xy**2 / (within.xx * within.yy)) if within.xx > 0 and within.yy > 0 else 0.0


def before_differs_p(control: UnitSums, treatment: UnitSums, *, reading: Reading) -> float:
    """Two-sided p-value that x has the same mean in both arms; 1 where it does not vary.

    A value from before the assignment differs by chance alone, so a small p-value says that the variant touched it.

    Source: Welch (1947), Biometrika 34; as a check of covariates: Kohavi, Tang & Xu (2020), chapter 21.
    """
    arms = []
    for sums in (control, treatment):
        spread = max(0.0, sums.xx - sums.x * sums.x / sums.units)
        arms.append(ArmMean(sums.x / sums.units, spread / (sums.units - 1) / sums.units, sums.units))
    if _within(control, treatment).xx <= 0:
        return 1.0
    found = welch(arms[0], arms[1], reading=reading)
    return 1.0 if isinstance(found, NotEstimable) else found.p_value


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
        filled=lacking,
    )


@dataclass(frozen=True, slots=True)
class SeveralEarlier:
    """Sums over the units of an arm of several values from before: of x, of x xᵀ, of x y, of x n.

    Values are centred around what all arms share, and 0 where a unit has none; ``filled`` counts such units.
    """

    x: Floats
    xx: Floats
    xy: Floats
    xn: Floats
    filled: int


def with_several(arms: Mapping[str, UnitSums], earlier: Mapping[str, SeveralEarlier]) -> dict[str, UnitSums]:
    """The arms with one value from before, made of several: the sum that explains most within the arms.

    The weights are those of least squares within arms, pooled; of values that say the same the smallest weights are
    taken. The outcome is y, or (y − R n) / mean n where units have several requests. The arms are returned as they are
    where nothing varies, or where there are fewer than ``FEWEST_KNOWN`` units for each value.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, section 3.3 (several covariates); Lin (2013), Ann. Appl. Stat. 7,
    295–318; ratios by linearisation: Deng, Knoblich & Lu (2018), KDD, section 3.
    """
    names = list(arms)
    if sum(arms[name].units for name in names) < FEWEST_KNOWN * max(1, len(earlier[names[0]].x)):
        return dict(arms)
    both = [(arms[name], earlier[name]) for name in names]
    spread = np.sum([held.xx - np.outer(held.x, held.x) / sums.units for sums, held in both], axis=0)
    common = np.sum([(held.xy - sums.y / sums.n * held.xn) * sums.units / sums.n for sums, held in both], axis=0)
    size = np.sqrt(np.maximum(np.diag(spread), 0.0))
    varies = size > 0
    if not varies.any():
        return dict(arms)
    scaled = spread[np.ix_(varies, varies)] / np.outer(size[varies], size[varies])
    weights = np.zeros(len(size))
    weights[varies] = np.linalg.lstsq(scaled, common[varies] / size[varies], rcond=SAME_VALUE)[0] / size[varies]
    return {name: _as_one(arms[name], earlier[name], weights) for name in names}


def _as_one(sums: UnitSums, earlier: SeveralEarlier, weights: Floats) -> UnitSums:
    return replace(
        sums,
        x=float(weights @ earlier.x),
        xx=float(weights @ earlier.xx @ weights),
        xy=float(weights @ earlier.xy),
        xn=float(weights @ earlier.xn),
        covariate=True,
        filled=earlier.filled,
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
    details: dict[str, float | int | str] = {
        "variance_saved": saved,
        "theta": theta,
        "means": "adjusted for values from before",
        "unadjusted_control": control.mean,
        "unadjusted_treatment": treatment.mean,
    }
    return welch(arms[0], arms[1], reading=reading, method="cuped_welch_t", details=details)


def cuped_ratio(control: UnitSums, treatment: UnitSums, *, reading: Reading) -> Outcome:
    """Difference of sum y / sum n adjusted for x: the ratio is linearised as z = (y − R n) / mean n, and z adjusted.

    ``details`` as ``cuped``. Users of unequal weight count as in ``ratios.independent_ratio``.

    Source: Deng, Knoblich & Lu (2018), KDD, section 3; adjustment as ``cuped``.
    """
    if min(control.units, treatment.units) < 3:
        return NotEstimable(State.TOO_FEW_UNITS, "each variant needs at least three units")
    if control.n <= 0 or treatment.n <= 0:
        return NotEstimable(State.ZERO_DENOMINATOR, "the denominators of a variant add up to 0")
    within = _within_ratio(control, treatment)
    theta = within.xy / within.xx if within.xx > 0 else 0.0
    centre = (control.x + treatment.x) / (control.units + treatment.units)
    plain = [weighed_arm(sums) for sums in (control, treatment)]
    arms = [_adjusted_ratio(sums, arm, theta, centre) for sums, arm in zip((control, treatment), plain, strict=True)]
    before = plain[0].variance + plain[1].variance
    details: dict[str, float | int | str] = {
        "variance_saved": 1 - (arms[0].variance + arms[1].variance) / before if before > 0 else 0.0,
        "theta": theta,
        "means": "adjusted for values from before",
        "unadjusted_control": control.ratio,
        "unadjusted_treatment": treatment.ratio,
        "requests_control": control.n,
        "requests_treatment": treatment.n,
    }
    return welch(arms[0], arms[1], reading=reading, method="cuped_ratio", details=details)


def _adjusted_ratio(sums: UnitSums, plain: ArmMean, theta: float, centre: float) -> ArmMean:
    k = sums.units
    variance_x = (sums.xx - sums.x * sums.x / k) / (k - 1)
    covariance = _with_linearised(sums) / (k - 1)
    moved = (-2 * theta * covariance + theta**2 * variance_x) / k
    factor = (plain.variance - sums.hidden) / sums.ratio_variance if sums.ratio_variance > 0 else 1.0
    variance = max(0.0, sums.ratio_variance + moved) * factor + sums.hidden
    return ArmMean(plain.mean - theta * (sums.x / k - centre), variance, k, df=plain.df)


def _with_linearised(sums: UnitSums) -> float:
    """Sum over the units of x z, with z = (y − R n) / mean n, which adds up to 0."""
    return (sums.xy - sums.y / sums.n * sums.xn) * sums.units / sums.n


def _within_ratio(control: UnitSums, treatment: UnitSums) -> _Within:
    arms = (control, treatment)
    return _Within(
        yy=sum(s.ratio_variance * s.units * (s.units - 1) for s in arms),
        xx=_within(control, treatment).xx,
        xy=sum(_with_linearised(s) for s in arms),
    )


def trusted_cuped_ratio(
    control: UnitSums, treatment: UnitSums, plain: Callable[[], Outcome], *, reading: Reading
) -> Outcome:
    """``cuped_ratio`` under the conditions of ``trusted_cuped``."""
    share = _share(_within_ratio(control, treatment))
    return _trusted(control, treatment, plain, reading=reading, adjust=cuped_ratio, share=share)


def trusted_cuped(control: UnitSums, treatment: UnitSums, plain: Callable[[], Outcome], *, reading: Reading) -> Outcome:
    """``cuped`` where the value from before can be one; else the ``plain`` difference, with the reason.

    Refused: a value that explains more than 98 % of the outcome, which is the outcome itself or was taken after; and
    one that differs between the arms (p < 0.001), which the variant has touched. Between that and p = 0.1 chance and
    fault cannot be told apart: then the range covers both the adjusted and the plain one, and the larger p counts, so
    that a false claim needs both to be wrong.

    Source: as ``before_differs_p``; thresholds of this project.
    """
    return _trusted(control, treatment, plain, reading=reading, adjust=cuped, share=explained(control, treatment))


class _Adjust(Protocol):
    def __call__(self, control: UnitSums, treatment: UnitSums, /, *, reading: Reading) -> Outcome: ...


def _trusted(
    control: UnitSums,
    treatment: UnitSums,
    plain: Callable[[], Outcome],
    *,
    reading: Reading,
    adjust: _Adjust,
    share: float,
) -> Outcome:
    if share > MOST_EXPLAINED:
        return _refused(plain(), f"it explains {100 * share:.3g} % of the outcome, so it is the outcome or came after")
    p_value = before_differs_p(control, treatment, reading=reading)
    if p_value < TOUCHED:
        return _refused(plain(), "it differs between the variants, so it is affected by the variant")
    found = adjust(control, treatment, reading=reading)
    if p_value >= UNCLEAR or isinstance(found, NotEstimable):
        return found
    unadjusted = plain()
    if isinstance(unadjusted, NotEstimable):
        return unadjusted
    return replace(
        found,
        lower=min(found.lower, unadjusted.lower),
        upper=max(found.upper, unadjusted.upper),
        p_value=max(found.p_value, unadjusted.p_value),
        standard_error=max(found.standard_error, unadjusted.standard_error),
        relative=None,
        warnings=(*found.warnings, "the value from before differs between the variants; both results are covered"),
    )


def _refused(found: Outcome, why: str) -> Outcome:
    if isinstance(found, NotEstimable):
        return found
    details = {**found.details, "covariate": f"not used: {why}"}
    return replace(found, details=details, warnings=(*found.warnings, f"the value from before is not used: {why}"))


def _adjusted(sums: UnitSums, theta: float, centre: float) -> ArmMean:
    k = sums.units
    variance_x = (sums.xx - sums.x * sums.x / k) / (k - 1)
    covariance = (sums.xy - sums.x * sums.y / k) / (k - 1)
    variance = sums.variance - 2 * theta * covariance + theta**2 * variance_x
    return ArmMean(sums.mean - theta * (sums.x / k - centre), max(0.0, variance) / k + sums.hidden, k)
