"""Automatic judges corrected by people: prediction-powered means, Rogan–Gladen rates, sensitivity and specificity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.stats.clustered import Codes, Floats, cluster_mean
from experiments.stats.estimates import Interval, NotEstimable, State
from experiments.stats.proportions import ProportionLimits, wilson

FEWEST_LABELS = 20
"""Labelled rows below which no corrected mean is shown."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected mean or difference; ``weight`` says how far the judge was trusted (0: people only, 1: fully)."""

    interval: Interval
    standard_error: float
    weight: float


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows with both judgements: the people's value, the judge's, and the cluster of each row."""

    human: Floats
    judge: Floats
    clusters: Codes


def prediction_powered(
    labelled: Labelled, judged: Floats, clusters: Codes, *, alpha: float = 0.05
) -> Corrected | NotEstimable:
    """Mean of what people would say, from few labelled rows and many that only the judge saw (PPI++).

    est = mean(Y) + w (mean(F~) − mean(F)); Var = var(Y − w F)/n + w² var(F~)/N, by clusters; w = Cov(Y, F) /
    (Var(F) (1 + n/N)), clipped to [0, 1]. For a paired comparison give differences between the variants.

    Source: Angelopoulos, Duchi & Zrnic (2023), PPI++, arXiv 2311.01453, eq. 4 and proposition 2.
    """
    n, rest = len(labelled.human), len(judged)
    if n < FEWEST_LABELS:
        return NotEstimable(State.TOO_FEW_LABELS, f"{n} labelled rows; {FEWEST_LABELS} are needed")
    spread = float(labelled.judge.var(ddof=1))
    weight = 0.0
    if rest >= 2 and spread > 0:
        covariance = float(np.cov(labelled.human, labelled.judge)[0, 1])
        weight = float(np.clip(covariance / (spread * (1 + n / rest)), 0.0, 1.0))
    own = cluster_mean(labelled.human - weight * labelled.judge, _dense(labelled.clusters))
    variance, mean, df = own.standard_error**2, own.mean, float(own.df)
    if weight > 0:
        other = cluster_mean(judged, _dense(clusters))
        variance, mean = variance + weight**2 * other.standard_error**2, mean + weight * other.mean
    if variance <= 0 or df < 1:
        return NotEstimable(State.NO_VARIATION, "people and judge give the same value on every labelled row")
    half = float(stats.t.ppf(1 - alpha / 2, df)) * variance**0.5
    return Corrected(Interval(mean, mean - half, mean + half), variance**0.5, weight)


def _dense(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].astype(np.intp)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A yes-or-no judge against people: counts of (judge right, people's answers) for yes and for no."""

    true_yes: int
    yes: int
    true_no: int
    no: int

    @classmethod
    def of(cls, human: Floats, judge: Floats) -> Calibration:
        """From people's and the judge's 0 and 1 on the same outputs."""
        yes, no = human == 1, human == 0
        return cls(int((judge[yes] == 1).sum()), int(yes.sum()), int((judge[no] == 0).sum()), int(no.sum()))

    @property
    def sensitivity(self) -> float:
        """Share of people's yes that the judge confirms."""
        return self.true_yes / self.yes

    @property
    def specificity(self) -> float:
        """Share of people's no that the judge confirms."""
        return self.true_no / self.no

    def limits(self, *, alpha: float = 0.05) -> tuple[ProportionLimits, ProportionLimits]:
        """Wilson limits of sensitivity and of specificity."""
        return wilson(self.true_yes, self.yes, alpha=alpha), wilson(self.true_no, self.no, alpha=alpha)

    def informative(self, *, alpha: float = 0.05) -> bool:
        """Whether sensitivity + specificity is above 1 beyond doubt: the judge tells more than a coin."""
        if self.yes == 0 or self.no == 0:
            return False
        sensitivity, specificity = self.limits(alpha=alpha)
        down = np.hypot(self.sensitivity - sensitivity.lower, self.specificity - specificity.lower)
        return bool(self.sensitivity + self.specificity - down > 1)


def rogan_gladen(positive: int, n: int, calibration: Calibration, *, alpha: float = 0.05) -> Corrected | NotEstimable:
    """The true rate behind a judge's rate, from a calibration of another origin; limits clipped to [0, 1].

    theta = (p + q0 − 1)/(q0 + q1 − 1); Var = [p(1 − p)/n + (1 − theta)² q0(1 − q0)/m0 + theta² q1(1 − q1)/m1] /
    (q0 + q1 − 1)², q0 specificity, q1 sensitivity. A judge that may be no better than a coin is refused.

    Source: Rogan & Gladen (1978), Am. J. Epidemiol. 107, 71–76; variance as in Lee et al. (2025), arXiv 2511.21140.
    """
    if not calibration.informative(alpha=alpha):
        return NotEstimable(State.USELESS_JUDGE, "the judge may be no better than a coin")
    rate, q0, q1 = positive / n, calibration.specificity, calibration.sensitivity
    power = q0 + q1 - 1
    theta = float(np.clip((rate + q0 - 1) / power, 0.0, 1.0))
    variance = (
        rate * (1 - rate) / n
        + (1 - theta) ** 2 * q0 * (1 - q0) / calibration.no
        + theta**2 * q1 * (1 - q1) / calibration.yes
    ) / power**2
    half = float(stats.norm.ppf(1 - alpha / 2)) * variance**0.5
    return Corrected(Interval(theta, max(0.0, theta - half), min(1.0, theta + half)), variance**0.5, 1.0)


def corrected_difference(
    difference: float, standard_error: float, calibration: Calibration, *, alpha: float = 0.05
) -> Corrected | NotEstimable:
    """A difference of judged rates, corrected by one calibration that holds for both variants.

    d / (q0 + q1 − 1), with Var = [SE² + d² (q0(1 − q0)/m0 + q1(1 − q1)/m1)/(q0 + q1 − 1)²] / (q0 + q1 − 1)².

    Source: delta method on Rogan & Gladen (1978) for two rates with shared sensitivity and specificity.
    """
    if not calibration.informative(alpha=alpha):
        return NotEstimable(State.USELESS_JUDGE, "the judge may be no better than a coin")
    q0, q1 = calibration.specificity, calibration.sensitivity
    power = q0 + q1 - 1
    estimate = difference / power
    doubt = q0 * (1 - q0) / calibration.no + q1 * (1 - q1) / calibration.yes
    error = (standard_error**2 + estimate**2 * doubt) ** 0.5 / power
    half = float(stats.norm.ppf(1 - alpha / 2)) * error
    return Corrected(Interval(estimate, estimate - half, estimate + half), error, 1.0)


def same_for_both(first: Calibration, second: Calibration) -> bool:
    """Whether two variants' calibrations may be pooled: Fisher p above 0.1 and under 5 points apart, for yes and no.

    Source: Fisher (1935); thresholds of this project, so that a judge that favours one style is not averaged away.
    """
    for hits, totals in (
        ((first.true_yes, second.true_yes), (first.yes, second.yes)),
        ((first.true_no, second.true_no), (first.no, second.no)),
    ):
        if min(totals) == 0:
            return False
        table = [[hits[0], totals[0] - hits[0]], [hits[1], totals[1] - hits[1]]]
        apart = abs(hits[0] / totals[0] - hits[1] / totals[1])
        if apart >= 0.05 or float(stats.fisher_exact(table).pvalue) <= 0.1:
            return False
    return True
