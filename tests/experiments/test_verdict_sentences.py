"""Every sentence of a verdict is read back against the numbers it stands beside: direction, sign, bounds, unit, name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import HealthCheck as Rush
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.analysis import Analysis
from experiments.comparisons.arms import ArmValue
from experiments.comparisons.compare import as_comparison
from experiments.comparisons.targets import Target, targets_of
from experiments.decision import Verdict, decide
from experiments.gate_reports import junit_xml, markdown_summary
from experiments.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric, SwapGoal
from experiments.stats.equivalence import tost
from experiments.stats.estimates import Comparison, Estimate, Interval, NotEstimable, State
from experiments.stats.sequential import Reading
from experiments.vocabulary import Design, Direction, MetricKind, VerdictOutcome
from tests.experiments.sentence_reader import AMOUNT, NUMBER, WORDS, amount_of, change_of, limits_of

CONTROL = "A"
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


@dataclass(frozen=True)
class Result:
    """A plan with an analysis of random numbers, and the verdict on it."""

    plan: Plan
    analysis: Analysis
    verdict: Verdict

    @property
    def lines(self) -> tuple[str, ...]:
        return self.verdict.headline, self.verdict.detail, self.verdict.sentence, *self.verdict.reasons

    def of(self, treatment: str, metric: str) -> Comparison:
        return next(c for c in self.analysis.comparisons if (c.treatment, c.metric) == (treatment, metric))


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
            comparisons.append(_comparison(outcome, target, definitions[target.metric], treatment))
    analysis = _analysis(plan, challengers, comparisons, complete=draw(st.booleans()))
    return Result(plan, analysis, decide(plan, analysis))


def _comparison(
    outcome: Estimate | NotEstimable, target: Target, definition: MetricDefinition, treatment: str
) -> Comparison:
    return as_comparison(
        outcome,
        target=target,
        definition=definition,
        control=CONTROL,
        treatment=treatment,
        reading=Reading(0.05),
    )


def _analysis(plan: Plan, challengers: list[str], comparisons: list[Comparison], *, complete: bool) -> Analysis:
    costs = {"A": 2e-4, **dict.fromkeys(challengers, 3e-4)}
    return Analysis(
        plan_hash=plan.hash(),
        design=Design.PAIRED,
        live=False,
        control=CONTROL,
        challengers=tuple(challengers),
        comparisons=tuple(comparisons),
        between=(),
        health=(),
        agreement=(),
        judges=(),
        arms=tuple(ArmValue("cost_usd", "mean", name, "usd", 400, cost) for name, cost in costs.items()),
        standings=(),
        omnibus=None,
        chances_best={},
        n_units=400,
        minimum_units=30,
        n_seen=400,
        n_values=800,
        target=400,
        complete=complete,
        sequential=False,
        shows_effects=True,
        how_read="the result is read once",
        seed=0,
    )


# --- what a line says, read back ------------------------------------------------------------------------------------


def _raw(comparison: Comparison, *, relative: bool) -> Interval:
    """Treatment minus control, in the unit the sentence uses."""
    found = comparison.relative if relative else None
    if found is None:
        assert comparison.estimate is not None
        assert comparison.lower is not None
        assert comparison.upper is not None
        found = Interval(comparison.estimate, comparison.lower, comparison.upper)
    return found


def _check_sizes(result: Result, line: str) -> None:
    """``B scored +6.1 points (70.4 to 76.5 of 100), very likely between …`` and its kin."""
    for treatment, part in _of_challengers(result, line):
        quality = result.of(treatment, "quality")
        if not quality.ok:
            continue
        truth = _raw(quality, relative=result.plan.primary.relative)
        size = re.match(rf"scored ({AMOUNT})(?: \((?:({NUMBER}) to ({AMOUNT}))?)?", part)
        if size is None and result.plan.intent == "swap":
            _check_goal(result.of(treatment, "goal"), line, part)
            continue
        if size is None:
            size = re.match(rf"is ({AMOUNT} (?:{WORDS}))(?: \([\d.,]+ %\))?[.,] ", part)
        if size is None:
            size = re.match(
                rf"was preferred in [\d.]+ of 100 comparisons, ties counted half \(({AMOUNT}) from even", part
            )
        if size is None:
            continue
        assert change_of(size[1]).is_about(truth.estimate), (line, truth)
        if size.re.groups > 1 and size[2]:
            first, second = limits_of(size[2], size[3])
            assert first.is_about(quality.control_mean or 0.0), line
            assert second.is_about(quality.treatment_mean or 0.0), line
        if quality.direction is Direction.LOWER and part.startswith("scored"):
            assert "lower is better" in part, line
        _check_range(line, part, change_of(size[1]).value, truth)


def _check_goal(goal: Comparison, line: str, part: str) -> None:
    """``is as good and 31 % cheaper``, ``It is 31 % cheaper.``"""
    found = re.match(rf"is (?:as good and )?({AMOUNT} (?:{WORDS}))\.", part)
    if found is None or not goal.ok:
        return
    truth = _raw(goal, relative=goal.unit == "usd" and goal.relative is not None)
    assert change_of(found[1]).is_about(truth.estimate), (line, truth)
    gain = goal.gain()
    assert gain is not None
    assert gain.lower > 0, line


def _check_range(line: str, part: str, point: float, truth: Interval) -> None:
    end = rf"(?:{AMOUNT}(?: (?:{WORDS}))?|no change)"
    found = re.search(rf"very likely between ({end}) and ({end})", part)
    assert found is not None, line
    low, high = limits_of(found[1], found[2])
    if "more" in found[1] or re.search(WORDS, found[1]) or found[1] == "no change" or re.search(WORDS, found[2]):
        low, high = sorted((low, high), key=lambda limit: limit.value)
    elif part.startswith("is ") and truth.upper < 0:
        # the direction was said before: both are sizes of a loss (or of a saving), the nearer one first
        assert low.is_about(-truth.upper), (line, truth)
        assert high.is_about(-truth.lower), (line, truth)
        return
    assert low.is_about(truth.lower), (line, truth)
    assert high.is_about(truth.upper), (line, truth)
    assert low.value - low.tolerance <= point + low.tolerance, line
    assert point <= high.value + 2 * high.tolerance, line


def _of_challengers(result: Result, line: str) -> Iterator[tuple[str, str]]:
    """(name, rest of the line after it) for every challenger that the line speaks of; ``It`` is the winner."""
    for name in result.analysis.challengers:
        for found in re.finditer(rf"(?<![\w'])({re.escape(name)}) (?=scored|is|was preferred|looks)", line):
            yield name, line[found.end() :]
    if result.verdict.winner in result.analysis.challengers:
        for found in re.finditer(r"\bIt (?=scored|is|was preferred)", line):
            yield str(result.verdict.winner), line[found.end() :]


def _check_open(result: Result, line: str) -> None:
    """``B looks 4.0 points better, but anything from −1.5 to +5.5 points fits the data.``"""
    end = rf"(?:{AMOUNT}(?: (?:{WORDS}))?|no change)"
    for name, part in _of_challengers(result, line):
        found = re.match(rf"looks ({AMOUNT}) (better|worse), but anything from ({end}) to ({end})", part)
        if found is None:
            continue
        quality = result.of(name, "quality")
        truth = _raw(quality, relative=result.plan.primary.relative)
        gain = truth if quality.direction is Direction.HIGHER else truth.flipped()
        assert amount_of(found[1]).is_about(abs(gain.estimate)), line
        assert found[2] == ("better" if gain.estimate >= 0 else "worse"), line
        low, high = sorted(limits_of(found[3], found[4]), key=lambda limit: limit.value)
        assert low.is_about(truth.lower), (line, truth)
        assert high.is_about(truth.upper), (line, truth)


def _check_futile(result: Result, line: str) -> None:
    """What is ruled out lies under what was asked for, and what is not is named."""
    found = re.search(rf"Any (gain|drop) of (.+?) is smaller than ({AMOUNT})", line)
    if found is None:
        return
    quality = result.of(found[2], "quality")
    gain = quality.gain(relative=result.plan.primary.relative)
    assert gain is not None
    assert amount_of(found[3]).is_about(gain.upper), (line, gain)
    asked = re.search(rf"under the (?:drop of )?({AMOUNT}) you asked for", line)
    assert asked is not None
    assert amount_of(asked[1]).is_about(result.plan.primary.smallest_effect), line
    assert amount_of(found[3]).value <= amount_of(asked[1]).value, line
    loss = re.search(rf"(?:any (?:loss|rise) smaller than ({AMOUNT})|it may be ({AMOUNT}) worse)", line)
    assert loss is not None
    assert amount_of(loss[1] or loss[2]).is_about(-gain.lower), (line, gain)
    inside = gain.lower > -result.plan.primary.smallest_effect
    assert inside == (loss[1] is not None), line


def _check_limits(result: Result, line: str) -> None:
    """``B's first limit is 340 ms slower (very likely at least 210 ms), more than the 100 ms you allow.``"""
    for name in result.analysis.challengers:
        for rail in result.plan.guardrails:
            what = rf"{re.escape(name)}'s {rail.metric.replace('_', ' ')} is ({AMOUNT}) ({WORDS})"
            for found in re.finditer(what, line):
                _check_limit(result, line, line[found.start() :], found, result.of(name, rail.metric))


def _check_limit(result: Result, line: str, part: str, found: re.Match[str], limit: Comparison) -> None:
    truth = _raw(limit, relative=limit.margin_relative)
    gain = truth if limit.direction is Direction.HIGHER else truth.flipped()
    assert change_of(f"{found[1]} {found[2]}").is_about(truth.estimate), (line, truth)
    ends = {
        rf"very likely at least ({AMOUNT})\), more than the ({AMOUNT}) you allow": (-gain.upper, "broken"),
        rf"at worst ({AMOUNT}) worse\); your limit was ({AMOUNT})": (-gain.lower, "held"),
        rf"could be ({AMOUNT}) worse; your limit was ({AMOUNT})": (-gain.lower, "unclear"),
        r"at worst (not worse at all)\); your limit was": (None, "held"),
        r"could be (not worse at all); your limit was": (None, "unclear"),
    }
    for pattern, (expected, state) in ends.items():
        told = re.search(pattern, part)
        if told is None:
            continue
        assert limit.margin_state == state, (line, limit.margin_state)
        if expected is None:
            assert gain.lower >= 0, line
            return
        assert amount_of(told[1]).is_about(expected), (line, gain)
        assert amount_of(told[2]).is_about(limit.margin or 0.0), line
        return
    raise AssertionError(f"no limit in: {part}")


def _check_quality(result: Result, line: str) -> None:
    """The quality side of a swap."""
    margin = result.plan.primary.margin or result.plan.primary.smallest_effect
    for name in result.analysis.challengers:
        found = re.search(
            rf"{re.escape(name)}'s quality (is at most|could still be|is very likely at least) ({AMOUNT}) worse; "
            rf"your limit was ({AMOUNT})",
            line,
        )
        if found is None:
            continue
        gain = result.of(name, "quality").gain(relative=result.plan.primary.relative)
        assert gain is not None
        assert amount_of(found[2]).is_about(-gain.upper if "least" in found[1] else -gain.lower), (line, gain)
        assert amount_of(found[3]).is_about(margin), line
        if found[1] == "is at most":
            assert gain.lower > -margin, line


def _check_headline(result: Result) -> None:
    """The headline claims no more than the intervals carry."""
    head, asked = result.verdict.headline, result.plan.primary.smallest_effect
    gains = {
        name: result.of(name, "quality").gain(relative=result.plan.primary.relative)
        for name in result.analysis.challengers
    }
    for name, gain in gains.items():
        if f"{name} is better" in head:
            assert gain is not None
            assert gain.lower > 0, head
            if "maybe" in head:
                assert gain.lower < asked <= gain.estimate, head
            elif "by less" in head:
                assert gain.estimate < asked, head
            elif "breaks" not in head:
                assert gain.lower >= asked, head
        if f"{name} is as good" in head:
            assert gain is not None
            assert gain.lower > -(result.plan.primary.margin or asked), head
    if head.startswith(f"{CONTROL} is better"):
        assert any(gain is not None and gain.upper < 0 for gain in gains.values()), head
    if head == "No difference that matters.":
        assert any(g is not None and -asked < g.lower and g.upper < asked for g in gains.values()), head
    if result.verdict.outcome is VerdictOutcome.SHIP:
        assert str(result.verdict.winner) in head
        assert result.verdict.sentence.startswith(f"Promote {result.verdict.winner}. ")
    if result.verdict.outcome is VerdictOutcome.KEEP_CONTROL:
        assert result.verdict.winner == CONTROL
        assert result.verdict.sentence.startswith(f"Keep {CONTROL}. ")


@given(results())
@settings(max_examples=1500, deadline=None, suppress_health_check=[Rush.too_slow, Rush.data_too_large])
def test_every_sentence_says_what_its_numbers_say(result: Result) -> None:
    _check_headline(result)
    for line in result.lines:
        _check_sizes(result, line)
        _check_open(result, line)
        _check_futile(result, line)
        _check_limits(result, line)
        _check_quality(result, line)
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
        gain, truth = c.gain(), _raw(c, relative=False)
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
    comparison = _comparison(found, targets_of(plan)[0], definition, "B")

    verdict = decide(plan, _analysis(plan, ["B"], [comparison], complete=True))

    up = "gain" if direction is Direction.HIGHER else "drop"
    assert (verdict.outcome, verdict.deciding_rule) == (VerdictOutcome.KEEP_CONTROL, "not_better_by_enough")
    assert verdict.headline == "B is not better by enough."
    assert f"Any {up} of B is smaller than " in verdict.detail
    assert "it may be 6.2 points worse." in verdict.detail
