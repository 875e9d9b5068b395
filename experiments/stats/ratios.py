"""Ratios of totals: success per request, cost per request. The unit is the user or the row, never the request."""

from __future__ import annotations

import numpy as np

from experiments.stats.clustered import SAME, Codes, Floats, all_equal, cluster_sums
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.lift import MeanPair, fieller
from experiments.stats.means import ArmMean, welch
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


def weighed_arm(sums: UnitSums) -> ArmMean:
    """The ratio of one arm with the variance and the degrees of freedom that unequal weights leave.

    Source: as ``independent_ratio``.
    """
    k, effective = sums.units, max(1.5, sums.effective_units)
    factor = ((1 - 1 / k) / (1 - 1 / effective)) ** 2
    return ArmMean(sums.ratio, sums.ratio_variance * factor + sums.hidden, k, df=effective - 1)


def paired_ratio(
    control: tuple[Floats, Floats], treatment: tuple[Floats, Floats], clusters: Codes, *, reading: Reading
) -> Outcome:
    """Difference of sum y / sum n between two variants on the same rows; arguments (y, n) per row.

    Linearised per row, e = (y_B − R_B n_B)/sum n_B − (y_A − R_A n_A)/sum n_A, and summed over clusters.

    Source: Cochran (1977), Sampling Techniques, section 6.18 (difference of two ratios), with clusters as
    units.
    """
    if min(float(n.sum()) for _, n in (control, treatment)) <= 0:
        return NotEstimable(State.ZERO_DENOMINATOR, "the denominators of a variant add up to 0")
    parts = [_linearised(y, n) for y, n in (control, treatment)]
    (rate_a, rows_a), (rate_b, rows_b) = parts
    errors_a, errors_b = (cluster_sums(rows, clusters).sums for rows in (rows_a, rows_b))
    n_clusters, n_rows = len(errors_a), len(clusters)
    factor = n_clusters / (n_clusters - 1)
    between = rows_b - rows_a
    size = sum(float(np.abs(y).max()) / float(n.sum()) for y, n in (control, treatment))
    if all_equal(between, size):
        return NotEstimable(State.NO_VARIATION, "every row gives the same difference", rate_a, rate_b)
    variance = factor * float(((errors_b - errors_a) ** 2).sum())
    independent = n_rows / (n_rows - 1) * float(between @ between)
    # rows of a cluster that happen to cancel are no certainty
    error = (variance if variance > SAME * independent else independent) ** 0.5
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


def _linearised(y: Floats, n: Floats) -> tuple[float, Floats]:
    """The ratio of totals, and what each row moves it by."""
    rate = float(y.sum() / n.sum())
    moved: Floats = (y - rate * n) / n.sum()
    return rate, moved
