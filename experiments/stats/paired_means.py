"""Difference of means on the same rows: t on row differences, cluster-robust when rows belong together."""

from __future__ import annotations

from dataclasses import replace

from experiments.stats.betting import bounded_mean
from experiments.stats.clustered import cluster_mean, cluster_sums
from experiments.stats.estimates import Estimate, Interval, NotEstimable, Outcome, State
from experiments.stats.lift import MeanPair, fieller
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading
from experiments.stats.sign_flips import sign_flip


def paired_mean(sample: PairedSample, *, reading: Reading) -> Outcome:
    """Mean of row differences with its t interval (clusters − 1 degrees of freedom), or the always-valid one.

    ``details`` hold d_z = mean / sd of the differences and, with clusters, the design effect.

    Source: Miller (2024), arXiv 2411.00640, eq. 4 and 7; always-valid as in ``sequential``.
    """
    if sample.n_clusters < 2:
        return NotEstimable(State.TOO_FEW_CLUSTERS, "one independent row has no spread")
    differences = sample.differences
    found = cluster_mean(differences, sample.clusters, size=sample.size)
    if not found.varies:
        means = float(sample.control.mean()), float(sample.treatment.mean())
        return NotEstimable(State.NO_VARIATION, "every row gives the same difference", *means)
    multiplier = reading.multiplier(n_units=sample.n_rows, df=found.df)
    half = multiplier * found.standard_error
    details: dict[str, float | int | str] = {"d_z": found.mean / float(differences.std(ddof=1))}
    if sample.clustered:
        details["design_effect"] = found.design_effect
    return Estimate(
        estimate=found.mean,
        lower=found.mean - half,
        upper=found.mean + half,
        p_value=reading.p_value(found.mean / found.standard_error, n_units=sample.n_rows, df=found.df),
        standard_error=found.standard_error,
        control=float(sample.control.mean()),
        treatment=float(sample.treatment.mean()),
        method=_name(sample, reading),
        alpha=reading.alpha,
        n_units=sample.n_rows,
        n_clusters=sample.n_clusters,
        relative=paired_lift(sample, multiplier=multiplier),
        details=details,
    )


def watched_bounded_mean(sample: PairedSample, *, bound: float, reading: Reading) -> Outcome:
    """Mean of bounded row differences (rows alone, without clusters) by bets: exact at every size and at every look.

    The relative change is the asymptotic one, made to agree with the difference about 0: a control of at most ``bound``
    turns a difference into a relative change at least as large.

    Source: as ``betting.bounded_mean``.
    """
    assert reading.horizon is not None
    differences = sample.differences
    found = bounded_mean(differences, bound=bound, alpha=reading.alpha, horizon=reading.horizon)
    rows = len(differences)
    spread = float(differences.std(ddof=1)) if rows > 1 else 0.0
    relative = None
    if spread > 0:
        multiplier = reading.multiplier(n_units=rows, df=rows - 1)
        relative = _agreeing(paired_lift(sample, multiplier=multiplier), found.lower / bound, found.upper / bound)
    return Estimate(
        estimate=float(differences.mean()),
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        standard_error=spread / rows**0.5,
        control=float(sample.control.mean()),
        treatment=float(sample.treatment.mean()),
        method="paired_betting",
        alpha=reading.alpha,
        n_units=rows,
        n_clusters=rows,
        relative=relative,
    )


def _agreeing(relative: Interval | None, lower: float, upper: float) -> Interval | None:
    if relative is None:
        return None
    least = max(relative.lower, lower) if lower > 0 else min(relative.lower, 0.0) if upper >= 0 else relative.lower
    most = min(relative.upper, upper) if upper < 0 else max(relative.upper, 0.0) if lower <= 0 else relative.upper
    return Interval(relative.estimate, min(least, relative.estimate), max(most, relative.estimate))


def _name(sample: PairedSample, reading: Reading) -> str:
    if reading.sequential:
        return "paired_always_valid"
    return "paired_cluster_t" if sample.clustered else "paired_t"


def paired_lift(sample: PairedSample, *, multiplier: float) -> Interval | None:
    """Relative change of the total (Fieller on clusters), None where the control is too close to 0."""
    n_rows, n_clusters = sample.n_rows, sample.n_clusters
    control, treatment = float(sample.control.mean()), float(sample.treatment.mean())
    errors = [
        cluster_sums(values - mean, sample.clusters).sums / n_rows
        for values, mean in ((sample.control, control), (sample.treatment, treatment))
    ]
    factor = n_clusters / (n_clusters - 1)
    means = MeanPair(
        control,
        treatment,
        factor * float(errors[0] @ errors[0]),
        factor * float(errors[1] @ errors[1]),
        factor * float(errors[0] @ errors[1]),
    )
    lift = fieller(means, multiplier=multiplier)
    return lift if isinstance(lift, Interval) else None


def few_clusters_mean(sample: PairedSample, *, alpha: float, seed: int) -> Outcome:
    """The mean difference where clusters are few or very unequal: t and sign flips of whole clusters together.

    The larger p-value counts, and the interval covers both intervals.

    Source: MacKinnon & Webb (2018), Econometrics J. 21, on few clusters; the larger of two valid p-values is
    valid.
    """
    by_t = paired_mean(sample, reading=Reading(alpha))
    by_flips = sign_flip(sample, alpha=alpha, seed=seed)
    if isinstance(by_t, NotEstimable) or isinstance(by_flips, NotEstimable):
        return by_t if isinstance(by_t, NotEstimable) else by_flips
    return replace(
        by_t,
        lower=min(by_t.lower, by_flips.lower),
        upper=max(by_t.upper, by_flips.upper),
        p_value=max(by_t.p_value, by_flips.p_value),
        method="cluster_t_and_sign_flip" if sample.clustered else "t_and_sign_flip",
    )


def flipped_mean(sample: PairedSample, *, alpha: float, seed: int) -> Outcome:
    """Sign-flip test and interval, with the relative change added from the t multiplier of the same alpha."""
    found = sign_flip(sample, alpha=alpha, seed=seed)
    if not isinstance(found, Estimate):
        return found
    multiplier = Reading(alpha).multiplier(n_units=sample.n_rows, df=sample.n_clusters - 1)
    spread = float(sample.differences.std(ddof=1))
    return replace(
        found,
        relative=paired_lift(sample, multiplier=multiplier),
        details={"d_z": found.estimate / spread} if spread > 0 else {},
    )
