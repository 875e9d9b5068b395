"""One metric, control against one challenger, on different users: from rows, or from sums that a database kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from experiments.results.comparisons.arm_units import ArmUnits, arm_units
from experiments.results.comparisons.carried_by_few import carried_by_few, with_and_without
from experiments.results.comparisons.clustered_users import clustered_outcome, in_clusters
from experiments.results.comparisons.equal_rows import equal_grades
from experiments.results.comparisons.paired import mirrored
from experiments.results.comparisons.question import QUANTILES, Question
from experiments.stats import proportions
from experiments.stats.covariates import FEWEST_KNOWN, trusted_cuped, trusted_cuped_ratio
from experiments.stats.equal_values import hidden_variance, scale_of
from experiments.stats.estimates import Estimate, NotEstimable, Outcome, State
from experiments.stats.means import ArmMean, welch
from experiments.stats.methods import Facts, Method, Shape, choose
from experiments.stats.ordinal import brunner_munzel_of_grades, brunner_munzel_permutation, grades_of
from experiments.stats.quantiles import Observations, quantile_difference
from experiments.stats.rate_ratios import independent_lift
from experiments.stats.ratios import independent_ratio
from experiments.stats.sequential import Reading
from experiments.stats.summaries import Grades, UnitSums
from experiments.vocabulary import Design, MetricKind

HEAVY_TAIL_UNITS = 200
FEWEST_USERS = 50
"""From this many users per variant on, a percentile may count their requests; below, it counts the users."""


def independent_outcome(question: Question) -> Outcome:
    """The comparison by the method that fits; or the state that names why there is none."""
    if question.aggregate != "mean":
        if not all((question.mask & np.isfinite(question.values.value[code])).any() for code in question.codes):
            return NotEstimable(State.NO_DATA, "a variant has no unit with a value")
        return _quantile(question)
    arms = arm_units(question)
    if not set(question.codes) <= set(arms):
        return NotEstimable(State.NO_DATA, "a variant has no unit with a value")
    control, treatment = (arms[code] for code in question.codes)
    if in_clusters(control, treatment):
        return clustered_outcome(question, control, treatment)
    if question.kind is MetricKind.ORDINAL:
        grades = [grades_of(arm.held.y) for arm in (control, treatment)]
        return graded_outcome(grades[0], grades[1], reading=question.reading, seed=question.seed)
    sums = sums_of(arms)
    found = outcome_from_sums(
        *(sums[code] for code in question.codes),
        kind=question.kind,
        guardrail=question.guardrail,
        reading=question.reading,
    )
    if isinstance(found, Estimate) and question.kind is MetricKind.COST:
        found = _with_tail(found, min(len(arm.units) for arm in (control, treatment)))
    return _with_unused(found, question)


def sums_of(arms: Mapping[int, ArmUnits]) -> dict[int, UnitSums]:
    """The sums of every arm, around centres that all of them share."""
    weight = sum(float(arm.held.n.sum()) for arm in arms.values())
    centre = sum(float(arm.held.y.sum()) for arm in arms.values()) / weight if weight else 0.0
    known = [arm.x for arm in arms.values() if arm.x is not None]
    x_centre = float(np.sort(np.concatenate(known)).mean()) if known else 0.0
    return {code: arm.sums(centre=centre, x_centre=x_centre) for code, arm in arms.items()}


def with_known_range(
    arms: tuple[UnitSums, UnitSums], *, kind: MetricKind, reading: Reading
) -> tuple[UnitSums, UnitSums]:
    """The arms; one whose values are all equal gets the variance that so many equal values leave open on a scale."""
    if not any(arm.equal for arm in arms):
        return arms
    scale = scale_of(kind, min(arm.lowest for arm in arms), max(arm.highest for arm in arms))
    if scale is None:
        return arms
    control, treatment = (
        replace(arm, hidden=hidden_variance(arm.units, scale, reading=reading)) if arm.equal else arm for arm in arms
    )
    return control, treatment


def outcome_from_sums(
    control: UnitSums, treatment: UnitSums, *, kind: MetricKind, guardrail: bool, reading: Reading, seed: int = 0
) -> Outcome:
    """The comparison that sums alone allow: means, rates, ratios, adjusted means; ranks where grades are counted.

    ``seed`` is for the permutations of small graded arms.
    """
    if min(control.units, treatment.units) == 0:
        return NotEstimable(State.NO_DATA, "a variant has no unit with a value")
    if kind is MetricKind.ORDINAL:
        if not control.grades or not treatment.grades:
            return NotEstimable(State.NEEDS_ROWS, "it has too many different values for grades; call it a score")
        return graded_outcome(control.grades, treatment.grades, reading=reading, seed=seed)
    facts = Facts(
        design=Design.INDEPENDENT,
        kind=kind,
        aggregate="mean",
        shape=_shape(control, treatment, kind),
        independent_units=min(control.units, treatment.units),
        watched=reading.sequential,
        guardrail=guardrail,
    )
    method = choose(facts)
    if isinstance(method, NotEstimable) or method.name not in COMPUTE:
        needs_rows = NotEstimable(State.NEEDS_ROWS, f"a {kind} metric needs the single values, not sums")
        return method if isinstance(method, NotEstimable) else needs_rows
    arms = with_known_range((control, treatment), kind=kind, reading=reading)
    refused = carried_by_few(arms, kind=kind)
    if refused is not None:
        return refused
    found = COMPUTE[method.name](*arms, reading, method)
    return with_and_without(found, arms, kind=kind, again=lambda a, b: COMPUTE[method.name](a, b, reading, method))


def _shape(control: UnitSums, treatment: UnitSums, kind: MetricKind) -> Shape:
    if kind is MetricKind.RATIO or control.n != control.units or treatment.n != treatment.units:
        taken = not math.isnan(control.xn + treatment.xn)
        return Shape.REQUESTS_BEFORE if control.covariate and treatment.covariate and taken else Shape.REQUESTS
    if control.covariate and treatment.covariate:
        return Shape.BEFORE
    if kind is MetricKind.BINARY and control.ones and treatment.ones:
        return Shape.YES_NO
    return Shape.USERS


# --- one function per method of the table ------------------------------------------------------------------------

Compute = Callable[[UnitSums, UnitSums, Reading, Method], Outcome]


def _rates(control: UnitSums, treatment: UnitSums, reading: Reading, method: Method) -> Outcome:
    x0, n0, x1, n1 = round(control.total), control.units, round(treatment.total), treatment.units
    score = method.name == "score_miettinen_nurminen"
    limits_of = proportions.miettinen_nurminen if score else proportions.newcombe_independent
    limits = limits_of((x0, n0), (x1, n1), alpha=reading.alpha)
    small = method.name == "boschloo_newcombe"
    p0, p1 = x0 / n0, x1 / n1
    variances = p0 * (1 - p0) / n0, p1 * (1 - p1) / n1
    return Estimate(
        estimate=p1 - p0,
        lower=limits.lower,
        upper=limits.upper,
        p_value=(proportions.boschloo if small else proportions.score_test)((x0, n0), (x1, n1)),
        standard_error=sum(variances) ** 0.5,
        control=p0,
        treatment=p1,
        method=method.name,
        alpha=reading.alpha,
        n_units=n0 + n1,
        n_clusters=n0 + n1,
        relative=independent_lift((x0, n0), (x1, n1), score=score, alpha=reading.alpha),
        details={"successes_control": x0, "units_control": n0, "successes_treatment": x1, "units_treatment": n1},
    )


def _means(control: UnitSums, treatment: UnitSums, reading: Reading, method: Method) -> Outcome:
    arms = [ArmMean(sums.mean, sums.variance / sums.units + sums.hidden, sums.units) for sums in (control, treatment)]
    pooled = ((control.variance + treatment.variance) / 2) ** 0.5
    size = (arms[1].mean - arms[0].mean) / pooled if pooled > 0 else 0.0
    small = 1 - 3 / (4 * (control.units + treatment.units) - 9)
    return welch(arms[0], arms[1], reading=reading, method=method.name, details={"hedges_g": size * small})


def _ratio(control: UnitSums, treatment: UnitSums, reading: Reading, _method: Method) -> Outcome:
    return independent_ratio(control, treatment, reading=reading)


def _adjusted(control: UnitSums, treatment: UnitSums, reading: Reading, method: Method) -> Outcome:
    def plain() -> Outcome:
        return _means(control, treatment, reading, replace(method, name="welch_t"))

    return _with_filled(trusted_cuped(control, treatment, plain, reading=reading), control, treatment)


def _adjusted_ratio(control: UnitSums, treatment: UnitSums, reading: Reading, _method: Method) -> Outcome:
    def plain() -> Outcome:
        return independent_ratio(control, treatment, reading=reading)

    return _with_filled(trusted_cuped_ratio(control, treatment, plain, reading=reading), control, treatment)


def _with_filled(found: Outcome, control: UnitSums, treatment: UnitSums) -> Outcome:
    filled = control.filled + treatment.filled
    if isinstance(found, NotEstimable) or not filled or not found.method.startswith("cuped"):
        return found
    users = control.units + treatment.units
    warning = f"{filled:,} of {users:,} users have no value from before; the mean of the others stands for it"
    return replace(found, details={**found.details, "filled_units": filled}, warnings=(*found.warnings, warning))


COMPUTE: dict[str, Compute] = {
    "boschloo_newcombe": _rates,
    "score_newcombe": _rates,
    "score_miettinen_nurminen": _rates,
    "welch_t": _means,
    "delta_ratio": _ratio,
    "cuped_welch_t": _adjusted,
    "cuped_ratio": _adjusted_ratio,
}


# --- ranks and percentiles -----------------------------------------------------------------------------------------


def graded_outcome(control: Grades, treatment: Grades, *, reading: Reading, seed: int) -> Outcome:
    """Who is graded higher, from the number of units with each grade."""
    facts = Facts(
        design=Design.INDEPENDENT,
        kind=MetricKind.ORDINAL,
        aggregate="mean",
        shape=Shape.USERS,
        independent_units=min(sum(units for _, units in grades) for grades in (control, treatment)),
        watched=reading.sequential,
    )
    method = choose(facts)
    if isinstance(method, NotEstimable):
        return method
    if method.name == "brunner_munzel_permutation":
        found = brunner_munzel_permutation(control, treatment, reading=reading, seed=seed)
    else:
        found = brunner_munzel_of_grades(control, treatment, reading=reading)
    if isinstance(found, NotEstimable) and found.state in {State.ALL_TIES, State.NO_VARIATION}:
        return equal_grades(control, treatment, reading=reading)
    return found


def _quantile(question: Question) -> Outcome:
    return quantile_outcome(
        [_observations(question, code) for code in question.codes],
        aggregate=question.aggregate,
        kind=question.kind,
        reading=question.reading,
        seed=question.seed,
    )


def quantile_outcome(
    arms: Sequence[Observations], *, aggregate: str, kind: MetricKind, reading: Reading, seed: int
) -> Outcome:
    """A percentile of the control's and the challenger's single values, whole users resampled."""
    q = QUANTILES[aggregate]
    units = [len(np.unique(arm.clusters)) for arm in arms]
    enough = min(units) if min(units) < FEWEST_USERS else min(len(arm.values) for arm in arms)
    facts = Facts(
        design=Design.INDEPENDENT,
        kind=kind,
        aggregate=aggregate,
        shape=Shape.USERS,
        independent_units=enough,
        watched=reading.sequential,
    )
    method = choose(facts)
    if isinstance(method, NotEstimable):
        return method
    ahead = np.quantile(arms[1].values, q) >= np.quantile(arms[0].values, q)
    first, second = arms if ahead else arms[::-1]
    found = quantile_difference(first, second, q, paired=False, reading=reading, seed=seed)
    if isinstance(found, NotEstimable):
        return found
    return replace(found if ahead else mirrored(found), n_units=sum(units))


def _observations(question: Question, code: int) -> Observations:
    """Every request of one variant with its user as cluster, users ranked by what they hold."""
    rows = question.values.rows
    chosen = (rows.variant == code) & question.mask[rows.unit]
    _, user = np.unique(rows.unit[chosen], return_inverse=True)
    value = rows.value[chosen]
    totals = np.bincount(user, weights=value)
    order = np.lexsort((np.bincount(user, weights=value**2), totals, np.bincount(user)))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return Observations(value, rank[user])


def _with_unused(found: Outcome, question: Question) -> Outcome:
    """A warning where a value from before is there and too few units have one to adjust for it."""
    x = question.values.covariate
    if isinstance(found, NotEstimable) or x is None:
        return found
    known = int((np.isfinite(x) & question.mask).sum())
    if known >= FEWEST_KNOWN:
        return found
    why = f"only {known} users have one; {FEWEST_KNOWN} are needed"
    details = {**found.details, "covariate": f"not used: {why}"}
    return replace(found, details=details, warnings=(*found.warnings, f"the value from before is not used: {why}"))


def _with_tail(found: Estimate, fewest: int) -> Estimate:
    """A warning where few users stand behind a bill."""
    if fewest >= HEAVY_TAIL_UNITS:
        return found
    warning = f"costs have heavy tails: under {HEAVY_TAIL_UNITS} users per variant is little"
    return replace(found, warnings=(*found.warnings, warning))
