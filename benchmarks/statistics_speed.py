"""How fast are the statistics, beside others on the same data in the same run? Best CPU milliseconds of a few passes.

python -m benchmarks.statistics_speed

Others are scipy, and statsmodels, evalica and choix where they are installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from experiments.plans.plan import SYSTEM_METRICS, Guardrail, MetricDefinition, Plan, PrimaryMetric
from experiments.results.analysis import analyse
from experiments.results.comparisons.families import dunnett_of_sums
from experiments.results.comparisons.independent import outcome_from_sums
from experiments.stats.bootstrap import resampled_sums
from experiments.stats.clustered import cluster_sums
from experiments.stats.preferences import PairCounts, fit, rank
from experiments.stats.quantiles import Observations, quantile_difference
from experiments.stats.samples import PairedSample
from experiments.stats.sequential import Reading
from experiments.stats.sign_flips import sign_flip
from experiments.stats.summaries import UnitSums, sums_by_arm
from experiments.vocabulary import Direction, MetricKind

RNG = np.random.default_rng(0)
ONCE, WATCHED = Reading(0.05), Reading(0.05, 10_000)


@dataclass(frozen=True)
class Row:
    """One line: what, the limit in ms (None: no limit), ours, and a baseline in the same run."""

    name: str
    limit_ms: float | None
    ours: Callable[[], Any]
    others: tuple[tuple[str, Callable[[], Any] | None], ...] = ()
    passes: int = 5

    def line(self) -> str:
        """The row of the Markdown table."""
        ours = best_ms(self.ours, self.passes)
        limit = "–" if self.limit_ms is None else f"{self.limit_ms:g}"
        mark = "" if self.limit_ms is None or ours <= self.limit_ms else " (over)"
        taken = [(name, best_ms(work, 2)) for name, work in self.others if work is not None]
        told = "; ".join(f"{name} {ms:.3g} ({ms / ours:.2g} ×)" for name, ms in taken) or "–"
        return f"| {self.name} | {limit} | {ours:.3g}{mark} | {told} |"


def best_ms(work: Callable[[], Any], passes: int) -> float:
    taken = []
    for _ in range(passes):
        started = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - started))
    return min(taken)


def rows() -> list[Row]:
    a, b = RNG.normal(10, 3, 5000), RNG.normal(10.1, 3, 5000)
    arms = [UnitSums.of(values) for values in (a, b)]
    five = [UnitSums.of(RNG.normal(10, 3, 5000)) for _ in range(5)]

    def summary() -> None:
        for reading in (ONCE, WATCHED):
            outcome_from_sums(arms[0], arms[1], kind=MetricKind.SCORE, guardrail=False, reading=reading)

    def five_variants() -> None:
        found = [
            outcome_from_sums(five[0], arm, kind=MetricKind.SCORE, guardrail=False, reading=ONCE) for arm in five[1:]
        ]
        family = dunnett_of_sums(five, [f.p_value for f in found], alpha=0.05)  # type: ignore[union-attr]
        for arm in five[1:]:
            outcome_from_sums(five[0], arm, kind=MetricKind.SCORE, guardrail=False, reading=Reading(family.alpha_each))

    users, values = RNG.integers(0, 50_000, 1_000_000), RNG.random(1_000_000)
    arm_of = (users % 2).astype(np.intp)

    def million() -> None:
        sums = sums_by_arm(arm_of, users, values, n_arms=2, n_units=50_000)
        outcome_from_sums(sums[0], sums[1], kind=MetricKind.COST, guardrail=False, reading=ONCE)

    def million_by_scipy() -> None:
        totals = np.bincount(users, weights=values)
        stats.ttest_ind(totals[::2], totals[1::2], equal_var=False).confidence_interval()

    difference = RNG.normal(0.05, 1, 1000)
    sample = PairedSample.of(np.zeros(1000), difference)

    def scipy_flips() -> None:
        stats.permutation_test(
            (difference,), np.mean, permutation_type="samples", n_resamples=9999, rng=np.random.default_rng(1)
        )

    clusters = RNG.integers(0, 1000, 100_000)
    latency = [np.exp(RNG.normal(6, 0.5, 100_000)) for _ in "AB"]

    def cluster_means() -> None:
        by = cluster_sums(latency[1] - latency[0], clusters)
        drawn = resampled_sums(np.column_stack((by.sums, by.sizes)), seed=1)
        np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])

    def cluster_p95() -> None:
        quantile_difference(
            *(Observations(values, clusters) for values in latency), 0.95, paired=True, reading=ONCE, seed=1
        )

    first = RNG.integers(0, 10, 100_000)
    second = (first + RNG.integers(1, 10, 100_000)) % 10
    share = (RNG.random(100_000) < 1 / (1 + np.exp(0.1 * (second - first)))).astype(float)
    share[RNG.random(100_000) < 0.1] = 0.5
    items = RNG.integers(0, 1000, 100_000)

    def bradley_terry() -> None:
        found = fit(PairCounts.of(first, second, share, 10))
        _ = [found.interval(i) for i in range(10)]  # type: ignore[union-attr]

    table, plan, metrics = whole_table()

    def whole() -> None:
        analyse(table, plan=plan, metrics=metrics, control="A", slices=["language", "plan"])

    return [
        Row(
            "Two variants from sums: test, interval, always-valid p",
            1,
            summary,
            (("scipy, test alone", lambda: scipy_welch(a, b)), ("statsmodels, from rows", statsmodels_welch(a, b))),
        ),
        Row("Five variants from sums, Dunnett", 4, five_variants),
        Row(
            "Two variants from a million request rows (50,000 users)",
            15,
            million,
            (("bincount and scipy, means only", million_by_scipy),),
        ),
        Row(
            "10,000 sign flips of 1,000 rows, test and interval",
            70,
            lambda: sign_flip(sample),
            (("scipy's permutation_test, test alone", scipy_flips),),
        ),
        Row(
            "Cluster bootstrap of a mean, 10,000 × 100,000 rows, 1,000 clusters",
            600,
            cluster_means,
            (("statsmodels, cluster-robust instead", statsmodels_clusters(latency[1] - latency[0], clusters)),),
            3,
        ),
        Row("The same of the difference of two p95", 600, cluster_p95, passes=3),
        Row(
            "Bradley–Terry, 100,000 votes × 10, ties, intervals",
            5,
            bradley_terry,
            (
                ("evalica, no intervals", evalica_worths(first, second, share)),
                ("choix, no ties, no intervals", choix_worths(first, second, share)),
            ),
        ),
        Row(
            "The same, 1,000 resamples of items, ranks",
            800,
            lambda: rank(items, first, second, share, 10, seed=1),
            passes=2,
        ),
        Row(
            "Whole analysis: 2 variants × 1,000 rows × 5 metrics, 2 slice columns",
            1000,
            whole,
            passes=3,
        ),
    ]


def scipy_welch(a: np.ndarray, b: np.ndarray) -> None:
    found = stats.ttest_ind_from_stats(a.mean(), a.std(ddof=1), len(a), b.mean(), b.std(ddof=1), len(b), False)
    assert found.pvalue >= 0


Work = Callable[[], Any] | None


def installed(name: str) -> Any | None:
    """The package of that name, None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def statsmodels_welch(a: np.ndarray, b: np.ndarray) -> Work:
    found = installed("statsmodels.stats.weightstats") if installed("statsmodels") else None
    return None if found is None else lambda: found.ttest_ind(a, b, usevar="unequal")


def statsmodels_clusters(values: np.ndarray, clusters: np.ndarray) -> Work:
    found = installed("statsmodels.api") if installed("statsmodels") else None
    if found is None:
        return None
    ones = np.ones((len(values), 1))
    return lambda: found.OLS(values, ones).fit(cov_type="cluster", cov_kwds={"groups": clusters}).conf_int()


def evalica_worths(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> Work:
    found = installed("evalica")
    if found is None:
        return None
    kinds = np.array([found.Winner.Y, found.Winner.Draw, found.Winner.X], dtype=object)
    winners = kinds[(2 * share).astype(int)].tolist()
    return lambda: found.bradley_terry(first.tolist(), second.tolist(), winners)


def choix_worths(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> Work:
    found = installed("choix")
    if found is None:
        return None
    decided = share != 0.5
    winner, loser = np.where(share == 1, first, second)[decided], np.where(share == 1, second, first)[decided]
    pairs = list(zip(winner.tolist(), loser.tolist(), strict=True))
    return lambda: found.ilsr_pairwise(10, pairs, alpha=0.01)


def whole_table() -> tuple[pd.DataFrame, Plan, dict[str, MetricDefinition]]:
    n, parts = 1000, []
    columns = {"language": RNG.choice(["de", "en", "fr"], n), "plan": RNG.choice(["free", "pro"], n)}
    held = {
        "helpful": lambda: RNG.integers(0, 2, n).astype(float),
        "grade": lambda: RNG.integers(1, 6, n).astype(float),
        "cost_usd": lambda: RNG.gamma(2, 1e-4, n),
        "latency_ms": lambda: RNG.lognormal(6, 0.5, n),
        "completion_tokens": lambda: RNG.poisson(200, n).astype(float),
    }
    for variant in "AB":
        for metric, draw in held.items():
            units = [f"u{i}" for i in range(n)]
            parts.append(
                pd.DataFrame({"variant": variant, "unit_id": units, "metric": metric, "value": draw(), **columns})
            )
    plan = Plan(
        primary=PrimaryMetric(metric="helpful", smallest_effect=0.03),
        guardrails=(
            Guardrail(metric="cost_usd", margin=0.1, relative=True),
            Guardrail(metric="latency_ms", aggregate="p95", margin=200),
        ),
        secondary=("grade", "completion_tokens"),
    )
    metrics = {
        **SYSTEM_METRICS,
        "helpful": MetricDefinition("helpful", MetricKind.BINARY, Direction.HIGHER),
        "grade": MetricDefinition("grade", MetricKind.ORDINAL, Direction.HIGHER, "score"),
    }
    return pd.concat(parts, ignore_index=True), plan, metrics


def main() -> None:
    print(f"`python -m benchmarks.statistics_speed {' '.join(sys.argv[1:])}".rstrip() + "`\n")
    print("| Job | Limit, CPU ms | Ours, CPU ms | Others, CPU ms (times ours) |")
    print("|" + " --- |" * 4)
    for row in rows():
        print(row.line(), flush=True)


if __name__ == "__main__":
    main()
