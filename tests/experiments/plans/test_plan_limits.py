"""Plans and tables that cannot be meant are refused, or the first cause is named: never "only 0 rows"."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.errors import BakeoffError
from experiments.plans.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric
from experiments.plans.plan_limits import check_limits_fit
from experiments.results.table_analysis import analyse_table
from experiments.vocabulary import Design, Direction, MetricKind
from storage.store import Store
from tests.builders import ADA, made, spec_of
from tests.experiments.analysis_tables import METRICS, normal_scores, plan, rows, yes_no
from tests.experiments.verdict_tables import CANNOT, GSM8K, KEEP, SHIP, verdict, with_cost

# --- refused at the plan -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("primary", "words"),
    [
        ({"metric": "correct", "smallest_effect": 5}, "Write 0.05 for 5 points."),
        ({"metric": "liked", "smallest_effect": 0.6}, "Write 0.006 for 0.6 points."),
        ({"metric": "correct", "smallest_effect": 0.05, "margin": 2}, "Write 0.02 for 2 points."),
        ({"metric": "correct", "smallest_effect": 10, "relative": True}, "Write 0.1 for 10 %"),
        ({"metric": "cost_usd", "smallest_effect": 1.5, "relative": True}, "Write 0.015 for 1.5 %"),
    ],
)
def test_an_effect_beyond_the_range_of_its_metric_is_refused(primary: dict[str, Any], words: str) -> None:
    cost = MetricDefinition("cost_usd", MetricKind.COST, Direction.LOWER, "usd")

    with pytest.raises(BakeoffError) as refusal:
        check_limits_fit(Plan(primary=PrimaryMetric(**primary)), {**METRICS, "cost_usd": cost})

    assert refusal.value.code == "limit_out_of_range"
    assert words in refusal.value.hint
    assert primary["metric"] in refusal.value.message


def test_a_limit_beyond_the_range_of_its_metric_is_refused() -> None:
    with pytest.raises(BakeoffError, match="margin: 3"):
        check_limits_fit(plan("score", guardrails=[Guardrail(metric="correct", margin=3)]), METRICS)


def test_what_a_metric_can_change_by_is_taken() -> None:
    wide = plan("score", effect=5, guardrails=[Guardrail(metric="per_call", margin=2, relative=True)])

    check_limits_fit(wide, METRICS)
    check_limits_fit(plan("correct", effect=1.0), METRICS)
    check_limits_fit(plan("nobody described it", effect=50), METRICS)


def test_every_door_refuses_them(store: Store) -> None:
    with pytest.raises(BakeoffError, match="can never be reached"):
        made(store, spec_of(plan={"primary": {"metric": "has_key", "smallest_effect": 5}}))
    lines = ["example_id,variant,output,score:ok"]
    lines += [f"q{i},{v},text,{i % 2}" for i in range(4) for v in "AB"]
    with pytest.raises(BakeoffError, match="can never be reached"):
        import_outputs(
            store,
            "\n".join(lines).encode(),
            filename="a.csv",
            experiment="e",
            actor=ADA,
            plan=Plan(primary=PrimaryMetric(metric="ok", smallest_effect=5)),
        )
    with pytest.raises(BakeoffError, match="can never be reached"):
        analysed(as_csv(GSM8K), effect="5")


# --- the first cause in a table ------------------------------------------------------------------------------------------


def as_csv(table: pd.DataFrame) -> bytes:
    text: str = table.to_csv(index=False)
    return text.encode()


def analysed(content: bytes, *, metric: str = "correct", kind: str = "binary", effect: str = "0.05", more: str = ""):
    text = (
        f"design: paired\ncontrol: A\nplan:\n  primary: {{metric: {metric}, smallest_effect: {effect}}}\n{more}"
        f"metrics: {{{metric}: {{kind: {kind}}}}}\n"
    )
    return analyse_table(content, filename="t.csv", plan_text=text, plan_name="plan.yaml")


def test_a_misspelled_metric_is_the_first_cause() -> None:
    found = analysed(as_csv(GSM8K), metric="corect")["verdict"]

    assert (found["outcome"], found["deciding_rule"]) == ("cannot_decide", "health:names")
    assert "No row has the metric 'corect'" in found["detail"]
    assert "Did you mean 'correct'?" in found["detail"]
    assert "0 rows" not in found["sentence"]


def test_a_misspelled_control_is_told_which_variants_there_are() -> None:
    table = GSM8K.assign(variant=GSM8K["variant"].map({"A": "control", "B": "new"}))
    content = as_csv(table)
    text = "control: contrl\nplan: {primary: {metric: correct, smallest_effect: 0.05}}\nmetrics: {correct: {kind: binary}}\n"

    found = analyse_table(content, filename="t.csv", plan_text=text, plan_name="plan.yaml")["verdict"]

    assert found["deciding_rule"] == "health:control"
    assert "The control contrl has no results" in found["detail"]
    assert "Did you mean 'control'?" in found["detail"]


def test_ids_that_do_not_meet_are_the_first_cause() -> None:
    table = GSM8K.copy()
    table["unit_id"] = np.where(table["variant"] == "B", "b-" + table["unit_id"], table["unit_id"])

    found = verdict(table, plan())

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:ids")
    assert "A and B share 0 of 400 rows (A alone has 'u0', B alone 'b-u0')" in found.detail
    assert "design: independent" in found.detail


def test_the_same_rows_under_an_independent_design_are_the_first_cause() -> None:
    found = verdict(GSM8K, plan(), design=Design.INDEPENDENT)

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:design")
    assert "400 of 400 units met more than one variant" in found.detail
    assert "design: paired" in found.detail


def test_a_variant_without_any_value_is_the_first_cause() -> None:
    table = GSM8K.copy()
    table["status"] = np.where(table["variant"] == "B", "skipped", "ok")
    table.loc[table["variant"] == "B", "value"] = np.nan

    found = verdict(table, plan())

    assert found.deciding_rule == "health:values"
    assert found.detail.startswith("No row of B has a value of correct: of 400 rows, none of them got one.")


def test_a_relative_limit_on_a_control_of_nothing_is_the_first_cause() -> None:
    table = pd.concat([GSM8K, rows("score", {"A": [0.0] * 400, "B": np.linspace(0, 2, 400)})])
    limited = plan(guardrails=[Guardrail(metric="score", margin=0.1, relative=True)])

    found = verdict(table, limited)

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:limits")
    assert "a share of A's value" in found.detail


def test_a_relative_limit_on_what_is_free_for_everybody_holds() -> None:
    free = with_cost(GSM8K, ratio=0.0, base=1e-300)
    free.loc[free["metric"] == "cost_usd", "value"] = 0.0

    assert verdict(free, plan(guardrails=[Guardrail(metric="cost_usd", margin=0.1, relative=True)])).outcome is SHIP


def test_a_gain_larger_than_any_value_is_the_first_cause() -> None:
    table = rows("score", {"A": np.linspace(0, 0.9, 60), "B": np.linspace(0.05, 1, 60)})

    found = verdict(table, plan("score", effect=5))

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:limits")
    assert "is it 0.05?" in found.detail
    assert verdict(normal_scores(60, gain=-2.0), plan("score", effect=0.5)).outcome is KEEP


# --- extreme numbers -----------------------------------------------------------------------------------------------------

EXTREME = ("1e308", "-1e308", "1e155", "5e-324", "1e-310", "NaN", "Infinity", "-inf", "9e59", "1e16", "-0.0")


@pytest.mark.parametrize("kind", [kind.value for kind in MetricKind])
@pytest.mark.parametrize("place", ["one value", "all values", "effect", "alpha", "margin"])
def test_extreme_numbers_give_a_result_or_a_named_refusal(kind: str, place: str) -> None:
    """Nothing but a BakeoffError may leave, and no result may hold NaN or infinity."""
    rng = np.random.default_rng(3)
    for extreme in EXTREME:
        lines = ["variant,unit_id,metric,value,denominator"]
        for i, variant in itertools.product(range(32), "AB"):
            value = str(rng.integers(0, 2)) if kind in ("binary", "preference") else f"{rng.random():.3f}"
            if place == "all values" or (place == "one value" and (i, variant) == (3, "B")):
                value = extreme
            lines.append(f"{variant},u{i},m,{value},{2 if kind == 'ratio' else ''}")
        more = f"  alpha: {extreme}\n" if place == "alpha" else ""
        if place == "margin":
            more = f"  guardrails: [{{metric: m, aggregate: p50, margin: {extreme}}}]\n"
        effect = extreme if place == "effect" else "0.05"
        try:
            result = analysed("\n".join(lines).encode(), metric="m", kind=kind, effect=effect, more=more)
        except BakeoffError:
            continue
        json.dumps(result, allow_nan=False)


def test_rows_without_a_common_half_are_named_though_some_meet() -> None:
    table = yes_no(both=20, fixed=30, broken=5, neither=45)
    moved = (table["variant"] == "B") & (pd.to_numeric(table["unit_id"].str[1:]) >= 20)
    table.loc[moved, "unit_id"] = "x" + table.loc[moved, "unit_id"]

    assert verdict(table, plan()).deciding_rule == "health:ids"
