"""Analysis table + plan → analysis: units, not rows, and a named state where the data end."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.errors import BakeoffError
from experiments.plans.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric
from experiments.results.analysis import analyse
from experiments.results.comparisons.health import failed
from experiments.stats.estimates import State
from experiments.vocabulary import Direction, HealthStatus, MetricKind
from tests.experiments.analysis_tables import check, normal_scores, plan, primary, rows, run, yes_no

GSM8K = yes_no(both=67, fixed=79, broken=22, neither=232)


# --- pairs -----------------------------------------------------------------------------------------------------------


def test_400_paired_rows_with_79_fixed_and_22_broken() -> None:
    found = primary(run(GSM8K))

    assert (found.estimate, found.control_mean, found.treatment_mean) == (0.1425, 0.2225, 0.365)
    assert found.method == "mcnemar_newcombe"
    assert (found.lower, found.upper) == (pytest.approx(0.094734, abs=1e-6), pytest.approx(0.189570, abs=1e-6))
    # mid-p: 2 P(X ≤ 22) − P(X = 22) for X ~ Bin(101, 1/2)
    assert found.p_value == pytest.approx(6.424e-9, rel=1e-3)
    assert (found.details["fixed"], found.details["broken"], found.better) == (79, 22, "treatment")


def test_fixed_and_broken_follow_what_is_better() -> None:
    refused = {"correct": MetricDefinition("correct", MetricKind.BINARY, Direction.LOWER)}
    clusters = [f"c{i // 4}" for i in range(400)] * 2

    found = primary(run(GSM8K, metrics=refused))
    clustered = primary(run(GSM8K.assign(cluster_id=clusters)))

    assert (found.details["fixed"], found.details["broken"], found.better) == (22, 79, "control")
    assert found.chance_better is not None
    assert found.chance_better < 0.001
    assert (clustered.method, clustered.details["fixed"], clustered.details["broken"]) == ("paired_cluster_t", 79, 22)


def test_repetitions_are_averaged_inside_their_row() -> None:
    once = normal_scores(60, gain=0.3)
    twice = pd.concat([once.assign(repetition=k) for k in range(3)], ignore_index=True)

    found, single = primary(run(twice, plan("score"))), primary(run(once, plan("score")))

    assert found.n_units == 60
    assert (found.lower, found.upper, found.p_value) == pytest.approx((single.lower, single.upper, single.p_value))


def test_unequal_repetitions_are_fine() -> None:
    table = pd.concat([normal_scores(40), normal_scores(40).query("variant == 'B'").head(7)], ignore_index=True)

    assert primary(run(table, plan("score"))).n_units == 40


def test_yes_and_no_with_repetitions_becomes_a_score() -> None:
    table = pd.concat([GSM8K.assign(repetition=0), GSM8K.assign(repetition=1)], ignore_index=True)

    assert primary(run(table)).method == "paired_t"


def test_rows_of_one_cluster_count_as_one() -> None:
    table = normal_scores(200, gain=0.1)
    table["cluster_id"] = [f"c{int(unit[1:]) // 5}" for unit in table["unit_id"]]

    found = primary(run(table, plan("score")))

    assert (found.n_units, found.n_clusters, found.method) == (200, 40, "paired_cluster_t")


def test_a_copied_dataset_in_the_same_clusters_is_no_more_certain() -> None:
    table = normal_scores(60, gain=0.2)
    table["cluster_id"] = table["unit_id"]
    copied = pd.concat([table, table.assign(unit_id=table["unit_id"] + "#2")], ignore_index=True)

    one, two = primary(run(table, plan("score"))), primary(run(copied, plan("score")))

    assert (one.lower, one.upper) == pytest.approx((two.lower, two.upper))


def test_only_complete_pairs_are_compared_and_the_others_counted() -> None:
    table = normal_scores(100)
    table.loc[(table["variant"] == "B") & (table["unit_id"] == "u3"), "value"] = np.nan
    table["status"] = np.where(table["value"].isna(), "error", "ok")

    found = primary(run(table, plan("score")))

    assert found.n_units == 99
    assert found.n_missing == {"A": 0, "B": 1}


def test_failed_rows_count_as_zero_when_the_plan_says_so() -> None:
    table = yes_no(both=30, fixed=10, broken=5, neither=15)
    failed = (table["variant"] == "B") & table["unit_id"].isin(["u0", "u1", "u2"])
    table["status"] = np.where(failed, "error", "ok")
    table.loc[failed, "value"] = np.nan

    left_out, as_zero = run(table), run(table, plan(failed_rows="zero"))

    assert check(left_out, "error_rates") is HealthStatus.FAIL
    assert check(as_zero, "error_rates") is HealthStatus.OK
    assert primary(as_zero).details["broken"] == 8


def test_relative_margins_are_judged_on_totals() -> None:
    rng = np.random.default_rng(0)
    cost = rng.gamma(2, 1e-4, 300)
    table = pd.concat([rows("cost_usd", {"A": cost, "B": cost * 1.04}), normal_scores(300, gain=1)])
    guarded = plan("score", guardrails=[Guardrail(metric="cost_usd", margin=0.10, relative=True)])

    found = next(c for c in run(table, guarded).comparisons if c.metric == "cost_usd" and c.slice is None)

    assert found.relative is not None
    assert found.relative.estimate == pytest.approx(0.04)
    assert (found.margin_state, found.better) == ("held", "control")


def test_p95_latency_needs_200_rows() -> None:
    rng = np.random.default_rng(0)
    guarded = plan("score", guardrails=[Guardrail(metric="latency_ms", aggregate="p95", margin=200)])

    def state_of(n: int) -> State:
        table = pd.concat(
            [normal_scores(n), rows("latency_ms", {v: rng.lognormal(6, 0.5, n) for v in "AB"})], ignore_index=True
        )
        return next(c.status for c in run(table, guarded).comparisons if c.metric == "latency_ms" and not c.slice)

    assert (state_of(150), state_of(220)) == (State.TOO_FEW_UNITS, State.OK)


# --- named states ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (rows("score", {"A": [1.0], "B": [2.0]}), State.TOO_FEW_UNITS),
        (rows("score", {"A": [150.0] * 40, "B": [150.0] * 40}), State.NO_VARIATION),
        (rows("score", {"A": [1.0] * 40, "B": [np.nan] * 40}), State.NO_DATA),
        (rows("score", {"B": [1.0] * 40, "C": [1.0] * 40}), State.NO_CONTROL),
        (rows("score", {"A": [1.0] * 40}), None),
        (rows("correct", {"A": [1.0] * 40, "B": [1.0] * 40}), State.NO_DATA),
    ],
    ids=["one pair", "no variation", "NaN in one variant", "no control", "one variant", "another metric"],
)
def test_what_the_data_cannot_carry_is_named(table: pd.DataFrame, expected: State | None) -> None:
    analysis = run(table, plan("score"))

    states = {c.status for c in analysis.comparisons}
    assert states == (set() if expected is None else {expected})
    # a difference that is the same on every row is known, though nothing bounds what a further row may bring
    known = 0.0 if expected is State.NO_VARIATION else None
    assert all((c.estimate, c.lower, c.p_value) == (known, None, None) for c in analysis.comparisons)
    json.dumps(analysis.to_json(), allow_nan=False)


def test_no_discordant_row_gives_a_wide_interval_and_p_1() -> None:
    found = primary(run(yes_no(both=30, fixed=0, broken=0, neither=10)))

    assert (found.status, found.estimate, found.p_value) == (State.OK, 0.0, 1.0)
    assert found.lower is not None
    assert found.lower < -0.03


def test_an_infinite_value_is_a_missing_one() -> None:
    table = normal_scores(40)
    table.loc[0, "value"] = np.inf

    assert primary(run(table, plan("score"))).n_units == 39


def test_a_ratio_of_nothing_to_nothing_is_named() -> None:
    table = rows("per_call", {"A": [0.0] * 40, "B": [0.0] * 40}, denominator=[0.0] * 40)

    assert primary(run(table, plan("per_call"))).status is State.ZERO_DENOMINATOR


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="value"), "no column 'value'"),
        (lambda t: t.assign(value=["yes"] * len(t)), "is no number"),
        (lambda t: t.assign(status="done"), "the status 'done'"),
        (lambda t: t.assign(unit_id=None), "has no 'unit_id'"),
        (lambda t: t.assign(cluster_id=["c"] + [None] * (len(t) - 1)), "has no cluster_id"),
        (lambda t: t.assign(cluster_id=range(len(t))), "stands in two clusters"),
        (lambda t: t.assign(at="soon"), "'at' is no time"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(change: Any, message: str) -> None:
    with pytest.raises(BakeoffError, match=message):
        run(change(yes_no(both=5, fixed=5, broken=5, neither=5)))


def test_a_metric_nobody_described_is_refused() -> None:
    with pytest.raises(BakeoffError, match="nobody has described"):
        run(GSM8K, plan("helpful"))


def test_a_ratio_needs_its_denominators() -> None:
    with pytest.raises(BakeoffError, match="no denominator"):
        run(rows("per_call", {"A": [1.0] * 9, "B": [2.0] * 9}), plan("per_call"))


# --- several challengers ---------------------------------------------------------------------------------------------


def test_several_challengers_share_the_error_and_their_intervals_agree() -> None:
    table = normal_scores(120, gain=0.25, variants="ABCD")

    analysis = run(table, plan("score"))

    for treatment in "BCD":
        found = primary(analysis, treatment)
        assert found.adjusted_p_value is not None
        assert found.p_value is not None
        assert found.adjusted_p_value >= found.p_value
        assert (found.adjusted_p_value <= 0.05) == (found.lower > 0 or found.upper < 0)  # type: ignore[operator]
        assert found.shrunk_estimate is not None
        assert abs(found.shrunk_estimate) <= abs(found.estimate or 0)
    assert len(analysis.between) == 3
    assert sum(analysis.chances_best.values()) == pytest.approx(1)
    assert analysis.chances_best["A"] < 0.1
    assert analysis.omnibus is not None
    assert analysis.omnibus.test == "friedman"


def test_many_slices_are_adjusted_as_one_family() -> None:
    table = normal_scores(600)
    table["language"] = [f"l{int(u[1:]) % 12}" for u in table["unit_id"]]

    sliced = [c for c in run(table, plan("score"), slices=["language"]).comparisons if c.slice is not None]

    assert len(sliced) == 12
    assert all(c.adjusted_p_value >= c.p_value for c in sliced)  # type: ignore[operator]


def test_a_slice_under_20_rows_is_named() -> None:
    table = normal_scores(60)
    table["language"] = ["de" if int(u[1:]) < 15 else "en" for u in table["unit_id"]]

    found = {c.slice: c.status for c in run(table, plan("score"), slices=["language"]).comparisons}

    assert found == {None: State.OK, "language=de": State.TOO_FEW_UNITS, "language=en": State.OK}


# --- health ----------------------------------------------------------------------------------------------------------


def test_rows_missing_for_one_variant_block_the_verdict_once_the_run_is_done() -> None:
    table = GSM8K[~((GSM8K["variant"] == "B") & GSM8K["unit_id"].isin([f"u{i}" for i in range(40)]))]

    assert check(run(table), "same_rows") is HealthStatus.FAIL
    assert check(run(table, planned_units=400), "same_rows") is HealthStatus.WARN


def test_metrics_without_a_value_are_told() -> None:
    table = pd.concat([GSM8K, rows("cost_usd", {"A": [1e-4] * 400, "B": [1e-4] * 380 + [np.nan] * 20})])

    analysis = run(table, plan(guardrails=[Guardrail(metric="cost_usd", margin=0.1, relative=True)]))

    assert check(analysis, "missing") is HealthStatus.WARN
    assert check(run(GSM8K), "missing") is HealthStatus.OK


@pytest.mark.parametrize(("limited", "status"), [(False, HealthStatus.OK), (True, HealthStatus.WARN)])
def test_a_cost_that_nobody_recorded_is_told_only_where_the_plan_limits_it(limited: bool, status: HealthStatus) -> None:
    table = pd.concat([GSM8K, rows("cost_usd", {"A": [np.nan] * 400, "B": [np.nan] * 400})])
    limits = [Guardrail(metric="cost_usd", margin=0.1, relative=True)] if limited else []

    assert check(run(table, plan(guardrails=limits)), "missing") is status


def test_a_caller_can_add_checks_that_only_it_can_make() -> None:
    analysis = run(GSM8K, facts=[failed("changed_midway", "The model behind B changed midway.")])

    assert analysis.health[-1].check == "changed_midway"


def test_a_variant_without_any_row_is_missed() -> None:
    analysis = run(GSM8K, variants=["A", "B", "C"])

    assert primary(analysis, "C").status is State.NO_DATA


def test_metrics_are_described_by_kind_alone() -> None:
    lower = MetricDefinition("score", MetricKind.SCORE, Direction.LOWER, "score")

    found = analyse(normal_scores(80, gain=1.0), plan=plan("score"), metrics={"score": lower}, control="A")

    assert primary(found).better == "control"


def test_a_cost_tells_the_bill_and_the_typical_row() -> None:
    rng = np.random.default_rng(4)
    control = rng.lognormal(0, 1.5, 120)
    found = primary(
        run(rows("cost_usd", {"A": control, "B": control * 0.8 * np.exp(rng.normal(0, 0.1, 120))}), plan("cost_usd"))
    )

    assert found.details["typical_change"] == pytest.approx(-0.2, abs=0.02)
    assert found.details["typical_lower"] < -0.2 < found.details["typical_upper"] < 0
    assert found.relative is not None


def test_free_answers_have_no_typical_change() -> None:
    found = primary(run(rows("cost_usd", {"A": [0.0, *[1.0] * 40], "B": [*[1.0] * 40, 2.0]}), plan("cost_usd")))

    assert "typical_change" not in found.details


def test_a_difference_carried_by_a_few_rows_says_so() -> None:
    rng = np.random.default_rng(1)
    heavy = rng.lognormal(0, 2.5, 60)
    found = primary(run(rows("score", {"A": np.zeros(60), "B": heavy}), plan("score")))

    assert found.method == "t_and_sign_flip"
    assert any("a few rows carry much of the difference" in warning for warning in found.warnings)


def test_a_percentile_that_may_be_zero_has_no_relative_change() -> None:
    values = np.concatenate((np.zeros(11), np.linspace(1, 2, 9)))
    shifted = np.random.default_rng(0).permutation(values) + 3
    median = Plan(primary=PrimaryMetric(metric="latency_ms", smallest_effect=1, aggregate="p50"))

    faster, slower = (
        primary(run(rows("latency_ms", {"A": a, "B": b}), median)) for a, b in ((shifted, values), (values, shifted))
    )

    assert (faster.estimate, slower.estimate) == (-3.0, 3.0)
    assert slower.relative is None
    assert faster.relative is None
