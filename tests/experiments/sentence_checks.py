"""What the lines of a verdict must say, given the plan and the numbers that they were made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.results.decision import Verdict
from experiments.stats.estimates import Comparison, Interval
from experiments.vocabulary import Direction, VerdictOutcome
from tests.experiments.made_results import CONTROL
from tests.experiments.sentence_reader import AMOUNT, NUMBER, WORDS, amount_of, change_of, limits_of


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


def shown_change(comparison: Comparison, *, relative: bool) -> Interval:
    """Treatment minus control, in the unit the sentence uses."""
    found = comparison.relative if relative else None
    if found is None:
        assert comparison.estimate is not None
        assert comparison.lower is not None
        assert comparison.upper is not None
        found = Interval(comparison.estimate, comparison.lower, comparison.upper)
    return found


def check_sizes(result: Result, line: str) -> None:
    """``B scored +6.1 points (70.4 to 76.5 of 100), very likely between …`` and its kin."""
    for treatment, part in _of_challengers(result, line):
        quality = result.of(treatment, "quality")
        if not quality.ok:
            continue
        truth = shown_change(quality, relative=result.plan.primary.relative)
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
    truth = shown_change(goal, relative=goal.unit == "usd" and goal.relative is not None)
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


def check_open(result: Result, line: str) -> None:
    """``B looks 4.0 points better, but anything from −1.5 to +5.5 points fits the data.``"""
    end = rf"(?:{AMOUNT}(?: (?:{WORDS}))?|no change)"
    for name, part in _of_challengers(result, line):
        found = re.match(rf"looks ({AMOUNT}) (better|worse), but anything from ({end}) to ({end})", part)
        if found is None:
            continue
        quality = result.of(name, "quality")
        truth = shown_change(quality, relative=result.plan.primary.relative)
        gain = truth if quality.direction is Direction.HIGHER else truth.flipped()
        assert amount_of(found[1]).is_about(abs(gain.estimate)), line
        assert found[2] == ("better" if gain.estimate >= 0 else "worse"), line
        low, high = sorted(limits_of(found[3], found[4]), key=lambda limit: limit.value)
        assert low.is_about(truth.lower), (line, truth)
        assert high.is_about(truth.upper), (line, truth)


def check_futile(result: Result, line: str) -> None:
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


def check_limits(result: Result, line: str) -> None:
    """``B's first limit is 340 ms slower (very likely at least 210 ms), more than the 100 ms you allow.``"""
    for name in result.analysis.challengers:
        for rail in result.plan.guardrails:
            what = rf"{re.escape(name)}'s {rail.metric.replace('_', ' ')} is ({AMOUNT}) ({WORDS})"
            for found in re.finditer(what, line):
                _check_limit(result, line, line[found.start() :], found, result.of(name, rail.metric))


def _check_limit(result: Result, line: str, part: str, found: re.Match[str], limit: Comparison) -> None:
    truth = shown_change(limit, relative=limit.margin_relative)
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


def check_quality(result: Result, line: str) -> None:
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


def check_headline(result: Result) -> None:
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
