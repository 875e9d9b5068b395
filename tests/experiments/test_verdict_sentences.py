"""Every sentence of a verdict is read back against the numbers it stands beside: direction, sign, bounds, unit, name."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import HealthCheck as Rush
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.plans.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric, SwapGoal
from experiments.results.comparisons.targets import targets_of
from experiments.results.decision import decide
from experiments.results.gate_reports import junit_xml, markdown_summary
from experiments.stats.equivalence import tost
from experiments.stats.estimates import Estimate, Interval, NotEstimable, State
from experiments.vocabulary import Direction, MetricKind, VerdictOutcome
from tests.experiments.made_results import analysis_of, comparison_of
from tests.experiments.sentence_checks import (
    Result,
    check_futile,
    check_headline,
    check_limits,
    check_open,
    check_quality,
    check_sizes,
    shown_change,
)
from tests.experiments.sentence_reader import AMOUNT, amount_of, limits_of

NAMES = ("B", "red-fox", "GPT 4.1 (new)", "v2")
KINDS = (
    (MetricKind.BINARY, "points", 0.5),
    (MetricKind.SCORE, "points", 0.5),
    (MetricKind.SCORE, "score", 3.0),
    (MetricKind.SCORE, "score", 400.0),
    (MetricKind.ORDINAL, "score", 3.0),
    (MetricKind.RATIO, "points", 0.4),
    (MetricKind.COST, "usd", 2e-4),
    (MetricKind.COST, "usd", 0.08),
    (MetricKind.COST, "tokens", 300.0),
    (MetricKind.LATENCY, "ms", 420.0),
    (MetricKind.LATENCY, "ms", 2600.0),
    (MetricKind.PREFERENCE, "points", 0.5),
)


def _estimate(draw: Any, definition: MetricDefinition, level: float, alpha: float) -> Estimate:
    control = 0.5 if definition.kind is MetricKind.PREFERENCE else level * draw(st.floats(0.6, 1.4))
    size = level * draw(st.sampled_from([0.0, 0.003, 0.03, 0.2, 0.6])) * draw(st.floats(-1, 1))
    error = level * draw(st.sampled_from([0.0005, 0.004, 0.03, 0.15])) * draw(st.floats(0.1, 1))
    low, high = (error * draw(st.floats(1.6, 2.4)) for _ in range(2))
    relative = None
    if control > 0 and definition.kind is not MetricKind.PREFERENCE:
        relative = Interval(size / control, (size - 1.1 * low) / control, (size + 1.1 * high) / control)
    return Estimate(
        estimate=size,
        lower=size - low,
        upper=size + high,
        p_value=draw(st.floats(0, 1)),
        standard_error=error,
        control=control,
        treatment=control + size,
        method="paired_t",
        alpha=alpha,
        n_units=400,
        n_clusters=draw(st.sampled_from([12, 400])),
        relative=relative,
    )


@st.composite
def results(draw: Any) -> Result:
    """Random results of every kind, direction, intent and unit, with none, one or two limits, one or two challengers."""
    definitions, levels = {}, {}
    for name in ("quality", "first_limit", "second_limit", "goal"):
        kind, unit, level = draw(st.sampled_from(KINDS))
        lower = kind is not MetricKind.PREFERENCE and draw(st.booleans())
        lower = lower or kind in (MetricKind.COST, MetricKind.LATENCY)
        definitions[name] = MetricDefinition(name, kind, Direction.LOWER if lower else Direction.HIGHER, unit)
        levels[name] = level
    relative = definitions["quality"].kind is not MetricKind.PREFERENCE and draw(st.booleans())
    effect = draw(st.sampled_from([0.002, 0.02, 0.1])) * (1.0 if relative else levels["quality"])
    limits = draw(st.lists(st.sampled_from(["first_limit", "second_limit"]), max_size=2, unique=True))
    guardrails = []
    for name in limits:
        as_share = definitions[name].kind is not MetricKind.PREFERENCE and draw(st.booleans())
        margin = draw(st.sampled_from([0.0, 0.01, 0.1])) * (1.0 if as_share else levels[name])
        guardrails.append(Guardrail(metric=name, margin=margin, relative=as_share))
    plan = Plan(
        intent=draw(st.sampled_from(["improve", "improve", "swap"])),
        primary=PrimaryMetric(metric="quality", smallest_effect=effect, relative=relative),
        swap_goal=SwapGoal(metric="goal"),
        guardrails=tuple(guardrails),
    )
    challengers = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
    comparisons = []
    for target in targets_of(plan):
        for treatment in challengers:
            outcome: Estimate | NotEstimable = _estimate(draw, definitions[target.metric], levels[target.metric], 0.05)
            if draw(st.integers(0, 30)) == 0:
                outcome = NotEstimable(State.TOO_FEW_UNITS, "a difference needs 6 rows, there are 4")
            comparisons.append(comparison_of(outcome, target, definitions[target.metric], treatment))
    analysis = analysis_of(plan, challengers, comparisons, complete=draw(st.booleans()))
    return Result(plan, analysis, decide(plan, analysis))


@given(results())
@settings(max_examples=1500, deadline=None, suppress_health_check=[Rush.too_slow, Rush.data_too_large])
def test_every_sentence_says_what_its_numbers_say(result: Result) -> None:
    check_headline(result)
    for line in result.lines:
        check_sizes(result, line)
        check_open(result, line)
        check_futile(result, line)
        check_limits(result, line)
        check_quality(result, line)
        asked = re.search(rf"You asked for at least (?:a drop of )?({AMOUNT})\.(?: |$)", line)
        if asked is not None:
            assert amount_of(asked[1]).is_about(result.plan.primary.smallest_effect), line


@given(results())
@settings(max_examples=150, deadline=None, suppress_health_check=[Rush.too_slow, Rush.data_too_large])
def test_reports_tell_the_sides_that_the_json_tells(result: Result) -> None:
    results_json = {
        "experiment": "e",
        "simulated": False,
        "verdict": result.verdict.to_json(),
        **result.analysis.to_json(),
        "cost": None,
        "counts": {"rows": 800},
    }
    rows = [line for line in markdown_summary(results_json).splitlines() if line.startswith("| ")][1:]
    cases = Xml.fromstring(junit_xml(results_json)).findall("testsuite/testcase")[1:]
    for c, row, case in zip(result.analysis.comparisons, rows, cases, strict=True):
        if not c.ok:
            continue
        cells = [cell.strip() for cell in row.replace("\\", "").strip("|").split("|")]
        gain, truth = c.gain(), shown_change(c, relative=False)
        assert gain is not None
        assert ("better" in cells[-1]) == (gain.lower > 0 and c.margin_state != "broken") or c.role == "secondary"
        assert ("worse" in cells[-1]) == (gain.upper < 0 and c.margin_state != "broken") or c.role == "secondary"
        ends = re.fullmatch(rf"between ({AMOUNT}) and ({AMOUNT})", cells[5])
        assert ends is not None
        for told, number in zip((amount_of(cells[4]), *limits_of(ends[1], ends[2])), _three(truth), strict=True):
            assert told.is_about(number), (row, truth)
        failed = case.find("failure")
        text = case.findtext("system-out") or (failed.get("message") if failed is not None else "") or ""
        assert cells[4] in text
        assert ("lower is better" in text) == ("lower is better" in row)
        assert ("lower is better" in row) == (c.direction is Direction.LOWER and c.unit in ("points", "score"))


def _three(interval: Interval) -> tuple[float, float, float]:
    return interval.estimate, interval.lower, interval.upper


@given(results())
@settings(max_examples=150, deadline=None, suppress_health_check=[Rush.too_slow, Rush.data_too_large])
def test_the_p_value_of_a_margin_belongs_to_the_interval_beside_it(result: Result) -> None:
    for c in result.analysis.comparisons:
        if c.margin_p_value is not None:
            assert (c.margin_p_value < (1 - c.interval) / 2) == (c.margin_state == "held")


def test_equivalence_by_two_tests_is_an_interval_inside_the_margins() -> None:
    """Schuirmann's two one-sided tests at 2.5 % reject exactly when the 95 % t interval lies inside."""
    from scipy import stats

    for estimate in (0.0, 0.005, 0.01, 0.019, 0.03):
        half = 0.006 * float(stats.t.isf(0.025, 99))
        inside = estimate - half > -0.02 and estimate + half < 0.02
        assert (tost(estimate, 0.006, 99, low=-0.02, high=0.02).p_value < 0.025) is inside


@pytest.mark.parametrize("direction", list(Direction))
def test_a_loss_that_still_fits_is_no_absence_of_a_difference(direction: Direction) -> None:
    turn = 1.0 if direction is Direction.HIGHER else -1.0
    definition = MetricDefinition("quality", MetricKind.BINARY, direction)
    plan = Plan(primary=PrimaryMetric(metric="quality", smallest_effect=0.03))
    ends = sorted((turn * -0.062, turn * 0.024))
    found = Estimate(
        estimate=turn * -0.019, lower=ends[0], upper=ends[1], p_value=0.4, standard_error=0.02, control=0.7,
        treatment=0.7 - turn * 0.019, method="paired_t", alpha=0.05, n_units=400, n_clusters=400,
    )  # fmt: skip
    comparison = comparison_of(found, targets_of(plan)[0], definition, "B")

    verdict = decide(plan, analysis_of(plan, ["B"], [comparison], complete=True))

    up = "gain" if direction is Direction.HIGHER else "drop"
    assert (verdict.outcome, verdict.deciding_rule) == (VerdictOutcome.KEEP_CONTROL, "not_better_by_enough")
    assert verdict.headline == "B is not better by enough."
    assert f"Any {up} of B is smaller than " in verdict.detail
    assert "it may be 6.2 points worse." in verdict.detail
