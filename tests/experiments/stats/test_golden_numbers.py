"""Every method against published or hand-derived numbers; rows and tolerances in tests/golden/statistics.jsonl."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from experiments.stats import (
    agreement,
    arm_clusters,
    bayes,
    clustered,
    contributions,
    covariates,
    crossed_raters,
    equal_values,
    equivalence,
    intraclass,
    judge_correction,
    kappas,
    lift,
    means,
    multiplicity,
    omnibus,
    ordinal,
    paired,
    paired_means,
    power,
    preferences,
    proportions,
    quantiles,
    rate_ratios,
    ratios,
    sequential,
    sign_flips,
    srm,
    votes,
)
from experiments.stats.estimates import Interval
from experiments.stats.gwet import gwet_agreement
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums

GOLDEN = Path(__file__).parents[2] / "golden"
ROWS = [json.loads(line) for line in (GOLDEN / "statistics.jsonl").read_text("utf-8").splitlines()]
ONCE = Reading(0.05)


def array(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def limits(found: proportions.ProportionLimits) -> list[float]:
    return [found.lower, found.upper]


def table(given: dict[str, int]) -> paired.PairTable:
    return paired.PairTable(given["both"], given["fixed"], given["broken"], given["neither"])


def sample(given: dict[str, Any]) -> PairedSample:
    differences = array(given["differences"])
    return PairedSample.of(np.zeros(len(differences)), differences)


def two(method: Callable[..., Any], given: dict[str, Any], **more: Any) -> Any:
    return method(tuple(given["control"]), tuple(given["treatment"]), **more)


def welch(given: dict[str, Any]) -> list[float]:
    arms = [means.ArmMean(mean, sd**2 / n, n) for mean, sd, n in (given["control"], given["treatment"])]
    found = means.welch(*arms, reading=ONCE)
    return [found.estimate, found.lower, found.upper, found.p_value]


def mean_pair(given: dict[str, Any]) -> lift.MeanPair:
    (a, va), (b, vb) = ((m, sd**2 / n) for m, sd, n in (given["control"], given["treatment"]))
    return lift.MeanPair(a, b, va, vb)


def delta(means: lift.MeanPair) -> list[float]:
    """Lift and its delta-method error, as gbstats reports them; the limit of Fieller's for small variances."""
    a, b = means.control, means.treatment
    near = lift.fieller(
        lift.MeanPair(a, b, means.control_variance * 1e-6, means.treatment_variance * 1e-6), multiplier=1.0
    )
    return [near.estimate, (near.upper - near.lower) / 2 * 1e3]


def fieller(given: dict[str, Any]) -> list[float]:
    (a, sa), (b, sb) = given["control"], given["treatment"]
    found = lift.fieller(lift.MeanPair(a, b, sa**2, sb**2), multiplier=given["multiplier"])
    return [found.lower, found.upper]


def cuped(given: dict[str, Any]) -> list[float]:
    """Lift and its error as gbstats reports them; the plain difference and its error for the exact case."""
    arms = [UnitSums.from_mapping({"covariate": True, **given[arm]}) for arm in ("control", "treatment")]
    found = covariates.cuped(*arms, reading=ONCE)
    if arms[0].units < 100:
        return [found.estimate, found.details["theta"]]
    theta, centre = found.details["theta"], sum(a.x for a in arms) / sum(a.units for a in arms)
    adjusted = [covariates._adjusted(arm, theta, centre) for arm in arms]
    return delta(lift.MeanPair(adjusted[0].mean, adjusted[1].mean, adjusted[0].variance, adjusted[1].variance))


def critical(given: dict[str, Any]) -> list[float]:
    loadings = np.full(given["challengers"], 0.5**0.5)
    df = given["df"] if given["df"] < 1e6 else np.inf
    return [optimize.brentq(lambda c: 1 - multiplicity._all_below(c, loadings, df) - 0.05, 1.5, 6)]


def dunnett_p(given: dict[str, Any]) -> list[float]:
    groups = [array(given["control"]), *(array(group) for group in given["challengers"])]
    df = sum(len(group) - 1 for group in groups)
    spread = (sum(((group - group.mean()) ** 2).sum() for group in groups) / df) ** 0.5
    errors = [spread / len(group) ** 0.5 for group in groups]
    p_values = [
        2 * stats.t.sf(abs(g.mean() - groups[0].mean()) / np.hypot(e, errors[0]), df)
        for g, e in zip(groups[1:], errors[1:], strict=True)
    ]
    return list(multiplicity.dunnett((errors[0], errors[1:]), p_values, df=df, alpha=0.05).adjusted)


def alpha(given: dict[str, Any]) -> list[float]:
    matrix = array([[np.nan if v is None else v for v in row] for row in given["matrix"]])
    raters, items = np.nonzero(np.isfinite(matrix))
    ratings = agreement.RatingMatrix(items, raters, matrix[raters, items])
    return [agreement.krippendorff_alpha(ratings, given["level"]).alpha.estimate]


def gwet(given: dict[str, Any]) -> list[float]:
    if "table" in given:
        pairs = [(i, j) for i, row in enumerate(given["table"]) for j, n in enumerate(row) for _ in range(n)]
        matrix = array(pairs).T
    else:
        matrix = array([[np.nan if v is None else v for v in row] for row in given["matrix"]])
    raters, items = np.nonzero(np.isfinite(matrix))
    found = gwet_agreement(agreement.RatingMatrix(items, raters, matrix[raters, items]), graded=given["graded"]).value
    return [found.estimate, found.lower, found.upper]


def rater_model(given: dict[str, Any]) -> list[float]:
    votes_ = crossed_raters.CrossedVotes(np.array(given["items"]), np.array(given["raters"]), array(given["values"]))
    found = crossed_raters.rater_model(votes_, reading=sequential.Reading())
    return [found.effect.estimate, found.standard_error]


def kappa(given: dict[str, Any]) -> list[float]:
    counts = np.array(given["table"])
    first = np.repeat(np.arange(len(counts)), counts.sum(axis=1)).astype(float)
    second = np.concatenate([np.repeat(np.arange(len(row)), row) for row in counts]).astype(float)
    return [kappas.cohen_kappa(first, second)]


def icc(given: dict[str, Any]) -> list[float]:
    found = intraclass.intraclass_correlations(array(given["scores"]))
    single = [found.one_way, found.two_way_random, found.two_way_fixed]
    return [*single, found.one_way_mean, found.two_way_random_mean, found.two_way_fixed_mean]


def bradley_terry(given: dict[str, Any]) -> list[list[float]]:
    wins = array(given["wins"])
    found = preferences.fit(preferences.PairCounts(wins, np.zeros_like(wins)), ridge=0)
    return [found.log_worths[1:].tolist(), np.sqrt(np.diag(found.covariance)).tolist()]


def davidson(given: dict[str, Any]) -> list[Any]:
    size = max(pair[1] for pair in given["pairs"])
    wins, ties = np.zeros((size, size)), np.zeros((size, size))
    for i, j, won, lost, tied in given["pairs"]:
        wins[i - 1, j - 1], wins[j - 1, i - 1] = won, lost
        ties[i - 1, j - 1] = ties[j - 1, i - 1] = tied
    found = preferences.fit(preferences.PairCounts(wins, ties), ridge=0)
    worths = np.exp(found.log_worths)
    return [(worths / worths.sum()).tolist(), found.tie]


def powered(given: dict[str, Any]) -> list[float]:
    human, judge, rest = (array(given[name]) for name in ("human", "judge", "rest"))
    labelled = judge_correction.Labelled(human, judge, np.arange(len(human)))
    found = judge_correction.prediction_powered(labelled, rest, np.arange(len(rest)))
    return [found.interval.estimate, found.weight]


def corrected_rate(given: dict[str, Any]) -> list[float]:
    counts = (given["true_yes"], given["yes"], given["true_no"], given["no"])
    found = judge_correction.rogan_gladen(given["positive"], given["n"], judge_correction.Calibration(*counts))
    return [found.interval.estimate, found.standard_error]


def belief(found: bayes.Belief) -> list[float]:
    return [found.chance_better, found.expected_loss]


def needed(given: dict[str, Any]) -> list[float]:
    return [power.units_needed(spread_of(given), given["effect"], power.Error())]


def order_statistics(given: dict[str, Any]) -> list[float]:
    return limits(quantiles.order_statistic_interval(array(given["values"]), given["q"]))


def paired_t(given: dict[str, Any]) -> list[float]:
    found = paired_means.paired_mean(sample(given), reading=ONCE)
    return [found.estimate, found.p_value, found.lower, found.upper]


def cluster_mean(given: dict[str, Any]) -> list[float]:
    found = clustered.cluster_mean(array(given["values"]), np.array(given["clusters"]))
    return [found.mean, found.standard_error]


def ratio_variance(given: dict[str, Any]) -> list[float]:
    sums = UnitSums.of(array(given["y"]), array(given["n"]))
    return [sums.ratio, sums.ratio_variance]


def brunner_munzel(given: dict[str, Any]) -> list[float]:
    found = ordinal.brunner_munzel(array(given["control"]), array(given["treatment"]), reading=ONCE)
    return [found.treatment, found.p_value, found.lower + 0.5, found.upper + 0.5]


def split(given: dict[str, Any]) -> list[float]:
    return [srm.split_check(given["units"], given["weights"], watched=False).p_value]


def tost(given: dict[str, Any]) -> list[float]:
    found = equivalence.tost(given["estimate"], given["error"], given["df"], low=given["low"], high=given["high"])
    return [found.p_value]


def spread_of(given: dict[str, Any]) -> power.Spread:
    if given["spread"] == "repeats":
        *parts, repeats = given["arguments"]
        return power.paired_repeats(*parts, repeats=int(repeats))
    return getattr(power, given["spread"])(*given["arguments"])


def sign_test(given: dict[str, Any]) -> list[float]:
    shares = array([1.0] * given["wins"] + [0.5] * given["ties"] + [0.0] * given["losses"])
    return [votes.sign_test(votes.vote_sample(shares), reading=ONCE).p_value]


def min_p(given: dict[str, Any]) -> list[float]:
    return list(multiplicity.min_p(array(given["columns"]), given["p"], alpha=0.05, seed=1).adjusted)


def bootstrap_median(given: dict[str, Any]) -> list[float]:
    values = array(given["values"])
    arm = quantiles.Observations(values, np.arange(len(values)))
    return [float(quantiles.resampled_quantiles([arm], 0.5, seed=1, resamples=20_000)[0].std())]


def paired_ratio(given: dict[str, Any]) -> list[float]:
    arms = [(array(given[arm][0]), array(given[arm][1])) for arm in ("control", "treatment")]
    found = ratios.paired_ratio(*arms, np.arange(len(arms[0][0])), reading=ONCE)
    return [found.estimate, found.standard_error]


def independent_ratio(given: dict[str, Any]) -> list[float]:
    arms = [UnitSums.of(array(given[arm][0]), array(given[arm][1])) for arm in ("control", "treatment")]
    found = ratios.independent_ratio(*arms, reading=ONCE)
    return [found.estimate, found.lower, found.upper]


def clustered_difference(given: dict[str, Any]) -> list[float]:
    arms = [arm_clusters.ClusteredArm(*map(array, given[arm]), len(given[arm][0])) for arm in ("control", "treatment")]
    found = arm_clusters.clustered_difference(*arms, crossed=False, reading=ONCE)
    return [found.estimate, found.lower, found.upper]


def clustered_placements(given: dict[str, Any]) -> list[float]:
    values = [array(given[arm]) for arm in ("control", "treatment")]
    codes = np.array(given.get("clusters", range(len(values[0]))))
    size = int(codes.max()) + 1
    arms = (values[0], codes), (values[1], codes + size)
    found = arm_clusters.clustered_placements(*arms, size=2 * size, crossed=False, reading=ONCE)
    return [found.estimate, found.standard_error]


def effective(given: dict[str, Any]) -> list[float]:
    weights = array(given["weights"])
    return [contributions.effective_units(float(weights.sum()), float(weights @ weights))]


def watched_or_once(given: dict[str, Any]) -> Reading:
    return Reading(0.05, given.get("horizon"))


def unseen_share(given: dict[str, Any]) -> list[float]:
    return [equal_values.unseen_share(given["n"], reading=watched_or_once(given))]


def equal_range(given: dict[str, Any]) -> list[float]:
    found = equal_values.equal_range(given["difference"], tuple(given["ends"]), given["n"], reading=ONCE)
    return [found.lower, found.upper, found.p_value]


def equal_placements(given: dict[str, Any]) -> list[float]:
    found = equal_values.equal_placements(given["win"], tuple(given["n"]), reading=ONCE)
    return [found.lower, found.upper, found.p_value]


def hidden_variance(given: dict[str, Any]) -> list[float]:
    scale = equal_values.Scale(given["low"], given["high"])
    return [equal_values.hidden_variance(given["n"], scale, reading=ONCE)]


def earlier_arms(given: dict[str, Any]) -> list[UnitSums]:
    values = given.get("y", given["x"])
    return [UnitSums.of(array(y), x=array(x)) for y, x in zip(values, given["x"], strict=True)]


def interval_of(found: Interval | None) -> list[float]:
    assert found is not None
    return [found.estimate, found.lower, found.upper]


def mover_limits(given: dict[str, Any]) -> list[float]:
    (x0, n0), (x1, n1) = given["control"], given["treatment"]
    w0, w1 = proportions.wilson(x0, n0), proportions.wilson(x1, n1)
    pairs = (x0 / n0, x1 / n1), (w0.lower, w1.lower), (w0.upper, w1.upper)
    return [float(limit) for limit in rate_ratios.mover_limits(*pairs, given["phi"])]


def paired_statistic(given: dict[str, Any]) -> list[float]:
    cells = [given[cell] for cell in ("both", "fixed", "broken", "neither")]
    return [float(rate_ratios.paired_statistic(*cells, given["ratio"]))]


def independent_statistic(given: dict[str, Any]) -> list[float]:
    return [float(rate_ratios.independent_statistic(*given["control"], *given["treatment"], given["ratio"]))]


def corrected_difference(given: dict[str, Any]) -> list[float]:
    calibration = judge_correction.Calibration(given["true_yes"], given["yes"], given["true_no"], given["no"])
    found = judge_correction.corrected_difference(given["difference"], given["error"], calibration)
    return [found.interval.estimate, found.standard_error]


METHODS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "wilson": lambda g: limits(proportions.wilson(g["x"], g["n"])),
    "clopper_pearson": lambda g: limits(proportions.clopper_pearson(g["x"], g["n"])),
    "at_most": lambda g: [proportions.at_most(g["x"], g["n"])],
    "newcombe_independent": lambda g: limits(two(proportions.newcombe_independent, g)),
    "miettinen_nurminen": lambda g: limits(two(proportions.miettinen_nurminen, g)),
    "farrington_manning": lambda g: [two(proportions.farrington_manning, g, difference=g["difference"])],
    "score_test": lambda g: [two(proportions.score_test, g)],
    "boschloo": lambda g: [two(proportions.boschloo, g)],
    "mcnemar_exact": lambda g: [paired.mcnemar_exact(table(g))],
    "mcnemar_mid_p": lambda g: [paired.mcnemar_mid_p(table(g))],
    "mcnemar_asymptotic": lambda g: [paired.mcnemar_asymptotic(table(g))],
    "newcombe_paired": lambda g: limits(paired.newcombe_paired(table(g))),
    "tango": lambda g: limits(paired.tango(table(g))),
    "cluster_mean": cluster_mean,
    "paired_t": paired_t,
    "sign_flip": lambda g: [sign_flips.sign_flip(sample(g)).p_value],
    "wilcoxon_pratt": lambda g: [ordinal.wilcoxon_pratt(array(g["differences"]))],
    "brunner_munzel": brunner_munzel,
    "welch": welch,
    "fieller_small_variance": lambda g: delta(mean_pair(g)),
    "fieller": fieller,
    "ratio_variance": ratio_variance,
    "cuped": cuped,
    "order_statistic_interval": order_statistics,
    "tost": tost,
    "always_valid_multiplier": lambda g: [
        sequential.always_valid_multiplier(g["n"], alpha=g["alpha"], horizon=g["horizon"])
    ],
    "holm": lambda g: list(multiplicity.holm(g["p"])),
    "benjamini_hochberg": lambda g: list(multiplicity.benjamini_hochberg(g["p"])),
    "dunnett_critical": critical,
    "dunnett_p": dunnett_p,
    "cochran_q": lambda g: [(f := omnibus.cochran_q(array(g["table"]))).statistic, f.p_value],
    "friedman": lambda g: [(f := omnibus.friedman(array(g["table"]))).statistic, f.p_value],
    "srm": split,
    "krippendorff_alpha": alpha,
    "cohen_kappa": kappa,
    "fleiss_kappa": lambda g: [kappas.fleiss_kappa(array(g["counts"]))],
    "intraclass": icc,
    "bradley_terry": bradley_terry,
    "davidson": davidson,
    "prediction_powered": powered,
    "rogan_gladen": corrected_rate,
    "independent_belief": lambda g: belief(two(bayes.independent_belief, g)),
    "normal_belief": lambda g: belief(bayes.normal_belief(g["gain"], g["error"], smallest_effect=g["effect"])),
    "units_needed": needed,
    "sign_test": sign_test,
    "min_p": min_p,
    "rank_biserial": lambda g: [ordinal.shares(array(g["differences"])).rank_biserial],
    "always_valid_p": lambda g: [sequential.always_valid_p(g["z"], g["n"], alpha=g["alpha"], horizon=g["horizon"])],
    "bootstrap_median": bootstrap_median,
    "paired_ratio": paired_ratio,
    "independent_ratio": independent_ratio,
    "clustered_difference": clustered_difference,
    "independent_lift": lambda g: interval_of(two(rate_ratios.independent_lift, g, score=g["score"], alpha=0.05)),
    "paired_rate_lift": lambda g: interval_of(rate_ratios.paired_rate_lift(table(g), score=True, alpha=0.05)),
    "mover_limits": mover_limits,
    "paired_statistic": paired_statistic,
    "independent_statistic": independent_statistic,
    "unseen_share": unseen_share,
    "equal_range": equal_range,
    "equal_placements": equal_placements,
    "hidden_variance": hidden_variance,
    "explained": lambda g: [covariates.explained(*earlier_arms(g))],
    "before_differs_p": lambda g: [covariates.before_differs_p(*earlier_arms(g), reading=ONCE)],
    "clustered_placements": clustered_placements,
    "effective_units": effective,
    "cap_of": lambda g: [contributions.cap_of(array(g["values"]), g["quantile"])],
    "corrected_difference": corrected_difference,
    "non_inferiority": lambda g: [equivalence.non_inferiority(g["gain"], g["error"], g["df"], margin=g["margin"])],
    "intraclass_correlation": lambda g: [clustered.intraclass_correlation(array(g["values"]), np.array(g["clusters"]))],
    "paired_belief": lambda g: belief(bayes.paired_belief(table(g))),
    "chances_best": lambda g: list(bayes.chances_best(array(g["means"]), array(g["covariance"]), seed=1)),
    "rater_model": rater_model,
    "gwet": gwet,
    "power_at": lambda g: [power.power_at(spread_of(g), g["units"], g["effect"], power.Error())],
    "detectable_effect": lambda g: [power.detectable_effect(spread_of(g), g["units"], power.Error())],
    "unit_factors": lambda g: [power.split_factor(g["ratio"]), power.covariate_factor(g["correlation"])],
    "design_effect": lambda g: [power.design_effect(g["size"], g["correlation"], size_variation=g["variation"])],
}


def flat(values: Any) -> list[float]:
    return [x for value in values for x in (flat(value) if isinstance(value, list) else [value])]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['method']}: {row['case']}" for row in ROWS])
def test_the_method_gives_the_published_number(row: dict[str, Any]) -> None:
    found = flat(METHODS[row["method"]](row["input"]))

    expected = flat(row["expected"])
    assert found[: len(expected)] == pytest.approx(expected, abs=row["tolerance"], rel=1e-12)


def test_every_method_has_two_golden_rows_at_least() -> None:
    counts = Counter(row["method"] for row in ROWS)

    assert {method: count for method, count in counts.items() if count < 2} == {}
    assert set(counts) == set(METHODS)


def test_every_source_is_described() -> None:
    described = set(re.findall(r"`([^`]+)`", (GOLDEN / "SOURCES.md").read_text("utf-8")))

    assert {row["source"] for row in ROWS} - described == set()
