"""One metric, control against one challenger, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from experiments.results.comparisons.equal_rows import equal_rows
from experiments.results.comparisons.question import QUANTILES, Question
from experiments.results.comparisons.rated import item_votes, with_raters
from experiments.stats import paired, votes
from experiments.stats.clustered import Codes, cluster_mean, cluster_sums, skewness
from experiments.stats.estimates import Estimate, NotEstimable, Outcome, State
from experiments.stats.methods import Facts, Method, Shape, choose
from experiments.stats.ordinal import shares, wilcoxon_pratt
from experiments.stats.paired_means import few_clusters_mean, flipped_mean, paired_mean, watched_bounded_mean
from experiments.stats.quantiles import Observations, quantile_difference
from experiments.stats.rate_ratios import paired_rate_lift
from experiments.stats.ratios import paired_ratio
from experiments.stats.samples import PairedSample
from experiments.vocabulary import Design, Direction, MetricKind

SKEW_FACTOR = 25
SPREAD_OF_THEIR_OWN = frozenset({"mcnemar_newcombe", "mcnemar_tango", "paired_ratio", "paired_betting"})
"""Methods that know what equal rows leave open, or that compare something else than the rows' differences."""
FEWEST_CLUSTERS = 15
LARGEST_LOG_RATIO = 50.0
CARRIED_BY_FEW = "a few rows carry much of the difference, so the range may be a little too narrow"


@dataclass(frozen=True, slots=True)
class CompletePairs:
    """Complete pairs: the units, their sample, and what shape the data have."""

    units: Codes
    sample: PairedSample
    shape: Shape


def paired_outcome(question: Question) -> Outcome:
    """The comparison by the method that fits, on complete pairs; or the state that names why there is none."""
    pairs = preference_pairs(question) if question.kind is MetricKind.PREFERENCE else value_pairs(question)
    if not len(pairs.units):
        return NotEstimable(State.NO_DATA, "no row has a value for both variants")
    method = choose(facts_of(question, pairs))
    if isinstance(method, NotEstimable):
        return method
    same = pairs.sample.equal and question.aggregate == "mean" and method.name not in SPREAD_OF_THEIR_OWN
    found = equal_rows(question, pairs.sample) if same else COMPUTE[method.name](question, pairs)
    if isinstance(found, NotEstimable):
        return found
    found = _with_counts(replace(found, method=_named(found, method)), question, pairs)
    return with_raters(found, question)


def value_pairs(question: Question) -> CompletePairs:
    """Units with a value in both variants."""
    a, b = question.codes
    values = question.values
    complete = question.mask & np.isfinite(values.value[a]) & np.isfinite(values.value[b])
    units = np.flatnonzero(complete)
    clusters = None if question.table.clusters is None else question.table.clusters[units]
    sample = PairedSample.of(values.value[a, units], values.value[b, units], clusters)
    once = not (values.count[:, units] > 1).any()
    if sample.clustered:
        shape = Shape.CLUSTERS
    else:
        shape = Shape.YES_NO if question.kind is MetricKind.BINARY and once and sample.binary else Shape.ROWS
    return CompletePairs(units, sample, shape)


def preference_pairs(question: Question) -> CompletePairs:
    """Items with votes between the two variants; the value is the treatment's share of them, ties half."""
    items, shares_, counts = item_votes(question)
    clusters = None if question.table.clusters is None else question.table.clusters[items]
    sample = votes.vote_sample(shares_, clusters)
    alone = Shape.VOTES if (counts > 1).any() else Shape.ONE_VOTE
    shape = Shape.CLUSTERS if sample.clustered else alone
    return CompletePairs(items, sample, shape)


def facts_of(question: Question, pairs: CompletePairs) -> Facts:
    """What the choice of the method depends on."""
    sample = pairs.sample
    independent = sample.n_clusters
    if question.aggregate != "mean" and independent >= FEWEST_CLUSTERS:
        independent = sample.n_rows
    return Facts(
        design=Design.PAIRED,
        kind=question.kind,
        aggregate=question.aggregate,
        shape=pairs.shape,
        independent_units=independent,
        watched=question.reading.sequential,
        guardrail=question.guardrail,
        even=_even(sample),
    )


def _even(sample: PairedSample) -> bool:
    """Whether t can be trusted: n beyond 25 skew² (Cochran's rule), and no few clusters that hold most rows."""
    by_cluster = cluster_sums(sample.differences, sample.clusters)
    skew = skewness(by_cluster.sums / by_cluster.sizes)
    return sample.n_clusters >= SKEW_FACTOR * skew**2 and (
        not sample.clustered or by_cluster.effective_clusters >= FEWEST_CLUSTERS
    )


# --- one function per method of the table ------------------------------------------------------------------------

Compute = Callable[[Question, CompletePairs], Outcome]


def _mcnemar(question: Question, pairs: CompletePairs) -> Outcome:
    sample, alpha = pairs.sample, question.reading.alpha
    table = paired.PairTable.of(sample.control, sample.treatment)
    interval = paired.tango if question.guardrail else paired.newcombe_paired
    limits = interval(table, alpha=alpha)
    p_value, form = paired.mcnemar(table)
    return Estimate(
        estimate=table.difference,
        lower=limits.lower,
        upper=limits.upper,
        p_value=p_value,
        standard_error=table.standard_error,
        control=float(sample.control.mean()),
        treatment=float(sample.treatment.mean()),
        method="mcnemar",
        alpha=alpha,
        n_units=table.n,
        n_clusters=table.n,
        relative=paired_rate_lift(table, score=question.guardrail, alpha=alpha),
        details={"test": form, "exact_p": paired.mcnemar_exact(table)},
    )


def _mean(question: Question, pairs: CompletePairs) -> Outcome:
    return paired_mean(pairs.sample, reading=question.reading)


def _bets(question: Question, pairs: CompletePairs) -> Outcome:
    bound = 0.5 if question.kind is MetricKind.PREFERENCE else 1.0
    return watched_bounded_mean(pairs.sample, bound=bound, reading=question.reading)


def _flips(question: Question, pairs: CompletePairs) -> Outcome:
    return flipped_mean(pairs.sample, alpha=question.reading.alpha, seed=question.seed)


def _both(question: Question, pairs: CompletePairs) -> Outcome:
    found = few_clusters_mean(pairs.sample, alpha=question.reading.alpha, seed=question.seed)
    if isinstance(found, NotEstimable) or pairs.sample.clustered:
        return found
    return replace(found, warnings=(*found.warnings, CARRIED_BY_FEW))


def _sign_test(question: Question, pairs: CompletePairs) -> Outcome:
    return votes.sign_test(pairs.sample, reading=question.reading)


def _ratio(question: Question, pairs: CompletePairs) -> Outcome:
    values, (a, b), units = question.values, question.codes, pairs.units
    denominator = values.denominator if values.denominator is not None else values.count
    totals = [(values.total[code, units], denominator[code, units]) for code in (a, b)]
    order = np.lexsort((totals[1][1], totals[0][1], totals[1][0], totals[0][0]))
    clusters = np.arange(len(units), dtype=np.intp)
    if question.table.clusters is not None:
        _, clusters = np.unique(question.table.clusters[units], return_inverse=True)
    (y0, n0), (y1, n1) = totals
    return paired_ratio((y0[order], n0[order]), (y1[order], n1[order]), clusters[order], reading=question.reading)


def _quantile(question: Question, pairs: CompletePairs) -> Outcome:
    a, b = question.codes
    arms = {code: observations(question, code, pairs.units) for code in (a, b)}
    ahead = float(np.quantile(arms[b].values, QUANTILES[question.aggregate])) >= float(
        np.quantile(arms[a].values, QUANTILES[question.aggregate])
    )
    first, second = (a, b) if ahead else (b, a)
    found = quantile_difference(
        arms[first],
        arms[second],
        QUANTILES[question.aggregate],
        paired=True,
        reading=question.reading,
        seed=question.seed,
    )
    if isinstance(found, NotEstimable):
        return found
    return replace(found if ahead else mirrored(found), n_units=len(pairs.units))


def observations(question: Question, code: int, units: Codes) -> Observations:
    """Every value of a variant (repeats apart), with the cluster of its unit as code in an order made by the values."""
    rows = question.values.rows
    chosen = (rows.variant == code) & np.isin(rows.unit, units)
    unit_rank = _canonical_clusters(question, units)
    return Observations(rows.value[chosen], unit_rank[rows.unit[chosen]])


def _canonical_clusters(question: Question, units: Codes) -> Codes:
    """Cluster code per unit (of the whole table), ranked by what the cluster holds, mirrored variants alike."""
    clusters = question.table.clusters
    groups = units if clusters is None else clusters[units]
    _, group = np.unique(groups, return_inverse=True)
    values, (a, b) = question.values, question.codes
    low = np.minimum(values.value[a, units], values.value[b, units])
    high = np.maximum(values.value[a, units], values.value[b, units])
    order = np.lexsort((high, low, group))
    sums = [np.bincount(group[order], weights=column[order]) for column in (low, high, low * high)]
    by_content = np.lexsort((*reversed(sums), np.bincount(group)))
    rank = np.empty(len(by_content), dtype=np.intp)
    rank[by_content] = np.arange(len(by_content))
    of_unit = np.zeros(question.table.n_units, dtype=np.intp)
    of_unit[units] = rank[group]
    return of_unit


def mirrored(found: Estimate) -> Estimate:
    """The same result with control and treatment exchanged; the relative change is that of the mirrored values.

    There is none where the new control may be 0.
    """
    relative = found.relative
    if relative is not None and relative.lower <= -1:
        relative = None
    if relative is not None:
        upper, estimate, lower = (1 / (1 + r) - 1 for r in (relative.lower, relative.estimate, relative.upper))
        relative = replace(relative, estimate=estimate, lower=lower, upper=upper)
    return replace(
        found,
        estimate=-found.estimate,
        lower=-found.upper,
        upper=-found.lower,
        control=found.treatment,
        treatment=found.control,
        relative=relative,
    )


COMPUTE: dict[str, Compute] = {
    "mcnemar_newcombe": _mcnemar,
    "mcnemar_tango": _mcnemar,
    "paired_t": _mean,
    "paired_cluster_t": _mean,
    "paired_always_valid": _mean,
    "paired_betting": _bets,
    "sign_flip": _flips,
    "cluster_t_and_sign_flip": _both,
    "t_and_sign_flip": _both,
    "sign_test": _sign_test,
    "paired_ratio": _ratio,
    "quantile_cluster_bootstrap": _quantile,
    "quantile_always_valid": _quantile,
}


def _named(found: Estimate, method: Method) -> str:
    return method.name if found.method == "mcnemar" else found.method


def _with_counts(found: Estimate, question: Question, pairs: CompletePairs) -> Estimate:
    """Rows fixed and broken, or wins, ties and losses, as far as they mean something."""
    details = dict(found.details)
    if question.aggregate != "mean":
        return found
    if question.kind in {MetricKind.COST, MetricKind.LATENCY}:
        return replace(found, details=details | _typical_change(question, pairs.sample))
    differences = pairs.sample.differences
    gains = differences if question.values.definition.direction is Direction.HIGHER else -differences
    if question.kind is MetricKind.PREFERENCE:
        details |= votes.vote_details(pairs.sample.treatment)
    elif question.kind is MetricKind.BINARY and pairs.sample.binary:
        details |= {"fixed": int((gains > 0).sum()), "broken": int((gains < 0).sum())}
    elif question.kind in {MetricKind.ORDINAL, MetricKind.SCORE, MetricKind.BINARY}:
        counted = shares(gains)
        details |= {"wins": counted.wins, "ties": counted.ties, "losses": counted.losses}
        if question.kind is MetricKind.ORDINAL:
            details["rank_biserial"] = shares(differences).rank_biserial
            ranked = wilcoxon_pratt(differences, seed=question.seed)
            if isinstance(ranked, float) and pairs.shape is Shape.ROWS:
                details["wilcoxon_p"] = ranked
    return replace(found, details=details)


def _typical_change(question: Question, sample: PairedSample) -> dict[str, float]:
    """The change of a typical row, a share of the control: the geometric mean of the row ratios, with its limits.

    The difference of means is about the bill, which a few dear rows may carry; this is about the usual row. Empty where
    a value is not positive or all ratios are the same.
    """
    if sample.n_clusters < 2 or min(float(sample.control.min()), float(sample.treatment.min())) <= 0:
        return {}
    found = cluster_mean(np.log(sample.treatment) - np.log(sample.control), sample.clusters)
    if not found.varies:
        return {}
    half = question.reading.multiplier(n_units=sample.n_rows, df=found.df) * found.standard_error
    ends = (found.mean, found.mean - half, found.mean + half)
    if max(map(abs, ends)) > LARGEST_LOG_RATIO:
        return {}
    names = ("typical_change", "typical_lower", "typical_upper")
    return {name: float(np.expm1(end)) for name, end in zip(names, ends, strict=True)}
