"""A result read for the page: signs, units, badges, and words where there is no number."""

import pytest

from experiments.plans.plan import Guardrail, Plan, PrimaryMetric
from pages.components.result.lines import (
    difference_words,
    evened_out_lines,
    forest_panels,
    judgement_of,
    score_lines,
    slice_columns,
    slice_comparisons,
    slice_panel,
    without_number,
)

PLAN = Plan(primary=PrimaryMetric(metric="helpful", smallest_effect=0.03))


def _comparison(**changes):
    return {
        "metric": "helpful", "aggregate": "mean", "role": "primary", "slice": None, "control": "A", "treatment": "B",
        "status": "ok", "estimate": 0.061, "lower": 0.042, "upper": 0.08, "relative": None, "better": "treatment",
        "control_mean": 0.70, "treatment_mean": 0.76, "unit": "points", "direction": "higher", "margin": None,
        "margin_relative": False, "margin_state": None, "n_units": 300, "warnings": [], **changes,
    }  # fmt: skip


def _cost(**changes):
    values = {
        "metric": "cost_usd", "role": "guardrail", "unit": "usd", "direction": "lower", "estimate": 0.0002, "lower": 0.0001,
        "upper": 0.0003, "relative": {"estimate": 0.12, "lower": 0.08, "upper": 0.16}, "margin": 0.1,
        "margin_relative": True, "margin_state": "broken", "better": "control", "control_mean": 0.0015,
        "treatment_mean": 0.0017,
    }  # fmt: skip
    return _comparison(**{**values, **changes})


def _result(*comparisons):
    return {"comparisons": list(comparisons), "arms": []}


def test_a_difference_has_its_sign_and_its_limits():
    assert difference_words(_comparison()) == "+6.1 points"
    assert difference_words(_comparison(), interval=True) == "+4.2 to +8.0"
    assert difference_words(_comparison(estimate=-0.02)) == "−2.0 points"


def test_cost_is_told_as_a_share_and_lower_is_better():
    line = score_lines(_result(_cost()), "B")[0]

    assert (line.name, line.difference, line.limits) == ("cost per 1,000", "+12 %", "+8.0 to +16")
    assert (line.control, line.treatment) == ("$1.50", "$1.70")


@pytest.mark.parametrize(
    ("state", "better", "badge"),
    [
        ("broken", "control", ("worse", "Breaks limit")),
        ("held", "unclear", ("unclear", "Limit held")),
        ("held", "treatment", ("better", "Limit held")),
        ("unclear", "unclear", ("unclear", "Limit unclear")),
    ],
)
def test_a_limit_says_whether_it_holds(state, better, badge):
    line = score_lines(_result(_cost(margin_state=state, better=better)), "B")[0]

    assert (line.judgement, line.verdict) == badge


def test_what_cannot_be_estimated_has_a_reason_and_no_number():
    line = score_lines(_result(_comparison(status="too_few_units", estimate=None, lower=None, upper=None)), "B")[0]

    assert (line.difference, line.limits, line.note, line.verdict) == ("–", "", "too few rows", "No number")


def test_a_panel_has_one_unit_and_right_is_better():
    panels = forest_panels(_result(_comparison(), _cost()), "B", PLAN)

    assert [panel.unit for panel in panels] == ["points", "%"]
    points, cost = panels[0].rows[0], panels[1].rows[0]
    assert (points.estimate, points.mark) == (pytest.approx(6.1), pytest.approx(3.0))
    assert (cost.estimate, cost.lower, cost.upper) == (pytest.approx(-12), pytest.approx(-16), pytest.approx(-8))
    assert cost.mark == pytest.approx(-10)


def test_slices_of_few_rows_are_named_but_not_drawn():
    slices = [
        _comparison(slice="language=de", n_units=60, better="control"),
        _comparison(slice="language=en", n_units=200),
        _comparison(slice="language=es", n_units=12),
        _comparison(slice="language=", n_units=0, status="no_data", estimate=None, lower=None, upper=None),
    ]
    result = _result(_comparison(), *slices)
    found = slice_comparisons(result, "B", "language")

    assert slice_columns(result) == ["language"]
    assert [c["slice"] for c in found] == ["language=en", "language=de", "language=es", "language="]
    panel = slice_panel(found, PLAN)
    assert panel is not None
    assert [row.label for row in panel.rows] == ["en  (200)", "de  (60)"]
    assert without_number(found) == ["Too few rows: es (12)", "Not measured: (empty)"]
    assert [judgement_of(c) for c in found[:2]] == ["better", "worse"]


def test_a_plan_with_limits_marks_them_on_their_own_rows():
    plan = Plan(
        primary=PrimaryMetric(metric="helpful", smallest_effect=0.03),
        guardrails=[Guardrail(metric="latency_ms", margin=200)],
    )
    latency = _cost(
        metric="latency_ms", unit="ms", margin=200.0, margin_relative=False, estimate=120.0, lower=80.0, upper=160.0
    )

    row = forest_panels(_result(latency), "B", plan)[0].rows[0]

    assert (row.estimate, row.mark) == (-120.0, -200.0)


def test_slices_evened_out_stand_beside_what_was_measured():
    slices = [
        _comparison(slice="language=de", estimate=0.12, lower=0.02, upper=0.22),
        _comparison(slice="language=", estimate=0.02, lower=-0.03, upper=0.07),
        _comparison(slice="language=de", estimate=0.5, lower=0.4, upper=0.6, treatment="C"),
    ]
    pooled = {
        "language=de": {"estimate": 0.08, "lower": 0.01, "upper": 0.15},
        "language=": {"estimate": 0.03, "lower": -0.02, "upper": 0.08},
    }
    difference = {"column": "language", "metric": "helpful", "treatment": "B", "pooled": pooled}

    assert evened_out_lines(_result(_comparison(), *slices), difference) == [
        ["de", "+12.0 points", "+8.0 points", "between +1.0 and +15.0 points"],
        ["(empty)", "+2.0 points", "+3.0 points", "between −2.0 and +8.0 points"],
    ]
