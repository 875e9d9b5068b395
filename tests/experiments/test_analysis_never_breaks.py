"""Whatever stands in a table, and whatever the plan asks: an answer with finite numbers, or one sentence that says why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.errors import BakeoffError
from experiments.plans.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric
from experiments.results.analysis import analyse
from experiments.results.comparisons.judges import JudgeEvidence
from experiments.results.decision import decide
from experiments.results.live_analysis import LiveSums, analyse_sums
from experiments.results.peeking import Look
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import Design, Direction, MetricKind, VerdictOutcome
from tests.experiments.analysis_tables import normal_scores, run, text
from tests.experiments.analysis_tables import plan as plan_on

ROOT = Path(__file__).parents[2]
VALUES = {
    "yes and no": lambda r, n: r.integers(0, 2, n).astype(float),
    "normal": lambda r, n: r.normal(size=n),
    "grades": lambda r, n: r.integers(1, 6, n).astype(float),
    "constant": lambda r, n: np.full(n, r.choice([0.0, 0.3, 1.0, -2.0, 1e50])),
    "missing": lambda r, n: np.where(r.random(n) < 0.4, np.nan, r.random(n)),
    "infinite": lambda r, n: np.where(r.random(n) < 0.1, np.inf, r.random(n)),
    "large": lambda r, n: r.normal(size=n) * 1e58,
    "beyond all": lambda r, n: r.normal(size=n) * 1e300,
    "tiny": lambda r, n: r.random(n) * 1e-300,
    "skewed": lambda r, n: np.exp(4 * r.normal(size=n)),
    "one outlier": lambda r, n: np.where(np.arange(n) == 0, 1e12, r.random(n)),
    "almost equal": lambda r, n: 1e20 + r.normal(size=n),
    "mixed": lambda r, n: r.choice([0.0, 1.0, 1e9, -1e9, 0.1], n),
    "shares": lambda r, n: r.choice([0.0, 0.5, 1.0], n),
}
NAMES = ("A", "B", "日本語", "a|b\n", "=1+1")


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, Design, dict[str, MetricDefinition]]:
    """Rows of up to three metrics and four variants, with gaps, repetitions, raters, clusters, odd names."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    design = draw(st.sampled_from(Design))
    n = draw(st.sampled_from([1, 2, 3, 6, 14, 31, 60]))
    names = NAMES[: draw(st.sampled_from([1, 2, 2, 2, 3, 4]))]
    parts = []
    for metric in ("m", "n", "cost_usd"):
        for variant in names:
            if draw(st.integers(0, 9)) == 0:
                continue
            units = [f"{variant if design is Design.INDEPENDENT else ''}u{i}" for i in range(n)]
            value = VALUES[draw(st.sampled_from(sorted(VALUES)))](rng, n)
            parts.append(pd.DataFrame({"variant": variant, "unit_id": units, "metric": metric, "value": value}))
    empty = pd.DataFrame({"variant": [], "unit_id": [], "metric": [], "value": []}, dtype=object)
    table = pd.concat(parts, ignore_index=True) if parts else empty
    times, column = draw(st.sampled_from([(1, None), (1, None), (2, "repetition"), (3, "rater_id"), (7, "rater_id")]))
    table = pd.concat([table.assign(**({column: k} if column else {})) for k in range(times)], ignore_index=True)
    if times > 1 and len(table):
        table["value"] = rng.permutation(table["value"])
    return _with_columns(table, rng, draw, names), design, _definitions(draw)


def _with_columns(
    table: pd.DataFrame, rng: np.random.Generator, draw: st.DrawFn, names: tuple[str, ...]
) -> pd.DataFrame:
    n = len(table)
    chosen = draw(
        st.sets(st.sampled_from(["cluster_id", "status", "denominator", "covariate", "opponent", "language"]))
    )
    if "cluster_id" in chosen:
        table["cluster_id"] = [len(unit) + int(unit[-1]) % 4 for unit in table["unit_id"]]
    if "status" in chosen:
        table["status"] = rng.choice(["ok", "error", "refused", "skipped"], n, p=[0.8, 0.1, 0.05, 0.05])
    if "denominator" in chosen:
        table["denominator"] = rng.choice([0.0, 1.0, 2.0, -1.0, np.nan], n)
    if "covariate" in chosen:
        table["covariate"] = rng.choice([0.0, 1.0, 1e9, np.nan], n)
    if "opponent" in chosen:
        table["opponent"] = rng.choice(names, n)
    table["language"] = rng.choice(np.array(["de", "en", "", None], dtype=object), n)
    return table


def _definitions(draw: st.DrawFn) -> dict[str, MetricDefinition]:
    kinds, directions = st.sampled_from(MetricKind), st.sampled_from(Direction)
    units = st.sampled_from(["points", "score", "usd", "ms", "tokens", "bananas"])
    return {name: MetricDefinition(name, draw(kinds), draw(directions), draw(units)) for name in ("m", "n")}


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of every kind."""
    primary = PrimaryMetric(
        metric="m",
        smallest_effect=draw(st.sampled_from([0.03, 1e-9, 1e9])),
        relative=draw(st.booleans()),
        aggregate=draw(st.sampled_from(["mean", "mean", "p50", "p95"])),  # type: ignore[arg-type]
    )
    rails = [
        Guardrail(metric=name, margin=draw(st.sampled_from([0.0, 0.1, 100.0])), relative=draw(st.booleans()))
        for name in draw(st.sets(st.sampled_from(["n", "cost_usd"])))
    ]
    return Plan(
        intent=draw(st.sampled_from(["improve", "improve", "swap"])),  # type: ignore[arg-type]
        primary=primary,
        guardrails=tuple(rails),
        secondary=draw(st.sampled_from([(), ("n",)])),
        stopping=draw(st.sampled_from(["fixed", "sequential", "hybrid"])),  # type: ignore[arg-type]
        planned_units=draw(st.sampled_from([None, 5, 50])),
        minimum_units=draw(st.sampled_from([None, 2])),
        failed_rows=draw(st.sampled_from(["exclude", "zero"])),  # type: ignore[arg-type]
        alpha=draw(st.sampled_from([0.05, 0.01, 0.2])),
    )


@settings(deadline=None, max_examples=80)
@given(tables(), plans(), st.sampled_from(["A", "nobody"]), st.lists(st.sampled_from([3, 20, 40]), max_size=2))
def test_any_table_under_any_plan_gives_finite_numbers_or_one_sentence(
    made: tuple[pd.DataFrame, Design, dict[str, MetricDefinition]], plan: Plan, control: str, looks: list[int]
) -> None:
    table, design, metrics = made
    labels = table[["variant", "unit_id", "value"]].sample(frac=0.7, random_state=1)

    def once(given_table: pd.DataFrame) -> str:
        analysis = analyse(
            given_table,
            plan=plan,
            metrics=metrics,
            control=control,
            design=design,
            slices=["language"],
            looks=looks,
            judges=[JudgeEvidence("m", "judge@1", labels)],
        )
        verdict = decide(plan, analysis)
        assert verdict.outcome in VerdictOutcome
        assert verdict.sentence.strip()
        assert verdict.deciding_rule
        kept = analysis.as_look()
        assert Look.from_json(json.loads(json.dumps(kept.to_json(), allow_nan=False))) == kept
        return json.dumps([analysis.to_json(), verdict.to_json()], allow_nan=False, ensure_ascii=False)

    try:
        first = once(table)
    except BakeoffError as refusal:
        assert "\n" not in str(refusal)
        return
    assert once(table) == first


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=4),
    st.sampled_from([0, 1, 2, 3, 40, 300]),
    st.sampled_from(MetricKind),
    plans(),
)
def test_any_sums_under_any_plan_give_finite_numbers(
    seed: int, drawn: list[str], n: int, kind: MetricKind, plan: Plan
) -> None:
    rng = np.random.default_rng(seed)
    arms = {}
    for name, how in zip(NAMES, drawn, strict=False):
        value = VALUES[how](rng, n)
        value = value[np.isfinite(value) & (np.abs(value) < 1e60)]
        requests = rng.integers(1, 4, len(value)).astype(float) if seed % 2 else None
        arms[name] = UnitSums.of(value, requests, rng.random(len(value)) if seed % 3 else None, missing=seed % 5)
    metrics = {name: MetricDefinition(name, kind, Direction.HIGHER) for name in ("m", "n")}
    exposed = {name: sums.units + sums.missing for name, sums in arms.items()}
    live = LiveSums({"m": arms, "n": arms}, exposed, crossed=seed % 3, days=9.0, slices={"plan=pro": {"m": arms}})

    analysis = analyse_sums(live, plan=plan, metrics=metrics, control="A")

    assert decide(plan, analysis).sentence.strip()
    json.dumps(analysis.to_json(), allow_nan=False)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 6), st.sampled_from(["yes and no", "normal", "grades"]))
def test_answering_the_same_rows_again_adds_no_rows(seed: int, repeats: int, how: str) -> None:
    """The same answer k times is known no better than once: repetitions never count as rows."""
    rng = np.random.default_rng(seed)
    held = {variant: VALUES[how](rng, 40) for variant in "AB"}
    units = [f"u{i}" for i in range(40)]
    once = pd.concat(
        [pd.DataFrame({"variant": v, "unit_id": units, "metric": "m", "value": x}) for v, x in held.items()]
    )
    again = pd.concat([once.assign(repetition=k) for k in range(repeats)], ignore_index=True)
    metrics = {"m": MetricDefinition("m", MetricKind.SCORE, Direction.HIGHER, "score")}
    plan = Plan(primary=PrimaryMetric(metric="m", smallest_effect=0.03))

    one, many = (analyse(t, plan=plan, metrics=metrics, control="A").comparisons[0] for t in (once, again))

    assert (one.n_units, one.n_clusters) == (many.n_units, many.n_clusters) == (40, 40)
    assert one.lower == pytest.approx(many.lower, rel=1e-9)
    assert one.p_value == pytest.approx(many.p_value, rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["normal", "grades", "skewed"]))
def test_copies_of_rows_in_one_cluster_add_no_certainty(seed: int, how: str) -> None:
    """Each row five times over, told apart by name only, with its original as cluster: the interval stays as wide."""
    rng = np.random.default_rng(seed)
    held = {variant: VALUES[how](rng, 24) for variant in "AB"}

    def table(copies: int) -> pd.DataFrame:
        parts = [
            pd.DataFrame(
                {
                    "variant": variant,
                    "unit_id": [f"u{i}-{k}" for i in range(24)],
                    "cluster_id": [f"u{i}" for i in range(24)],
                    "metric": "m",
                    "value": value,
                }
            )
            for variant, value in held.items()
            for k in range(copies)
        ]
        return pd.concat(parts, ignore_index=True)

    metrics = {"m": MetricDefinition("m", MetricKind.SCORE, Direction.HIGHER, "score")}
    plan = Plan(primary=PrimaryMetric(metric="m", smallest_effect=0.03))
    one, five = (analyse(table(k), plan=plan, metrics=metrics, control="A").comparisons[0] for k in (1, 5))

    assert one.n_clusters == five.n_clusters == 24
    assert five.estimate == pytest.approx(one.estimate)
    assert five.upper - five.lower >= (one.upper - one.lower) * (1 - 1e-6)


def test_the_same_plan_and_table_give_the_same_bytes_in_another_process() -> None:
    code = (
        "from tests.experiments.analysis_tables import normal_scores, plan, run, text\n"
        "print(text(run(normal_scores(40, gain=0.4, variants='ABC'), plan('score'))), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True, env={"PYTHONHASHSEED": "1"}
    )

    here = text(run(normal_scores(40, gain=0.4, variants="ABC"), plan_on("score")))
    assert done.stdout.decode() == here
