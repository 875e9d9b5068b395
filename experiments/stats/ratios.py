"""Ratios of totals: success per request, cost per request. The unit is the user or the row, never the request."""

from __future__ import annotations

import numpy as np

from experiments.stats.clustered import NOISE, Codes, Floats, cluster_sums
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.lift import MeanPair, fieller
from experiments.stats.means import Arm, welch
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums


def independent_ratio(control: UnitSums, treatment: UnitSums, *, reading: Reading) -> Outcome:
    """Difference of sum y / sum n between two arms of users: delta method, Welch–Satterthwaite t.

    Users of unequal weight count as ``effective_units`` of equal ones: in the degrees of freedom, and in the factor
    ((1 − 1/k) / (1 − 1/k_eff))² on the variance, which the jackknife gives on average.

    Source: Deng, Knoblich & Lu (2018), KDD, section 3.1; unequal weights: MacKinnon, Nielsen & Webb (2023), J.
    Econometrics 232, 272–299 (leverage of large clusters); Carter, Schnepel & Steigerwald (2017), Rev. Econ. Stat. 99.
    """
    if min(control.units, treatment.units) < 2:
        return NotEstimable(State.TOO_FEW_UNITS, "each variant needs at least two units")
    if control.n <= 0 or treatment.n <= 0:
        return NotEstimable(State.ZERO_DENOMINATOR, "the denominators of a variant add up to 0")
    arms = [weighed_arm(sums) for sums in (control, treatment)]
    requests = {"requests_control": control.n, "requests_treatment": treatment.n}
    return welch(arms[0], arms[1], reading=reading, method="delta_ratio", details=requests)


def weighed_arm(sums: UnitSums) -> Arm:
    """The ratio of one arm with the variance and the degrees of freedom that unequal weights leave.

    Source: as ``independent_ratio``.
    """
    k, effective = sums.units, max(1.5, sums.effective_units)
    factor = ((1 - 1 / k) / (1 - 1 / effective)) ** 2
    return Arm(sums.ratio, sums.ratio_variance * factor + sums.hidden, k, df=effective - 1)


def paired_ratio(
    control: tuple[Floats, Floats], treatment: tuple[Floats, Floats], clusters: Codes, *, reading: Reading
) -> Outcome:
    """Difference of sum y / sum n between two variants on the same rows; arguments (y, n) per row.

    Linearised per row, e = (y_B − R_B n_B)/sum n_B − (y_A − R_A n_A)/sum n_A, and summed over clusters.

    Source: Cochran (1977), Sampling Techniques, section 6.18 (difference of two ratios), with clusters as
    units.
    """
    parts = []
    for y, n in (control, treatment):
        if n.sum() <= 0:
            return NotEstimable(State.ZERO_DENOMINATOR, "the denominators of a variant add up to 0")
        rate = float(y.sum() / n.sum())
        parts.append((rate, cluster_sums((y - rate * n) / n.sum(), clusters).sums))
    (rate_a, errors_a), (rate_b, errors_b) = parts
    n_clusters = len(errors_a)
    factor = n_clusters / (n_clusters - 1)
    variance = factor * float(((errors_b - errors_a) ** 2).sum())
    error = variance**0.5
    if error <= NOISE * (abs(rate_a) + abs(rate_b)):
        return NotEstimable(State.NO_VARIATION, "every row gives the same difference")
    n_rows = len(clusters)
    half = reading.multiplier(n_units=n_rows, df=n_clusters - 1) * error
    means = MeanPair(
        rate_a,
        rate_b,
        factor * float((errors_a**2).sum()),
        factor * float((errors_b**2).sum()),
        factor * float(errors_a @ errors_b),
    )
    relative = fieller(means, multiplier=half / error)
    difference = rate_b - rate_a
    return Estimate(
        estimate=difference,
        lower=difference - half,
        upper=difference + half,
        p_value=reading.p_value(difference / error, n_units=n_rows, df=n_clusters - 1),
        standard_error=error,
        control=rate_a,
        treatment=rate_b,
        method="paired_ratio",
        alpha=reading.alpha,
        n_units=n_rows,
        n_clusters=n_clusters,
        relative=relative if isinstance(relative, Interval) else None,
        details={
            "requests_control": float(np.sum(control[1])),
            "requests_treatment": float(np.sum(treatment[1])),
        },
    )
