"""What one comparison says for or against its challenger, turned so that up is better."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.results.analysis import Analysis
from experiments.stats.equivalence import margin_state
from experiments.stats.estimates import Comparison, Interval, State
from experiments.vocabulary import Direction, MetricKind


@dataclass(frozen=True, slots=True)
class Effect:
    """A gain with its limits; ``constant`` when every row gives the same difference, so that there is no doubt."""

    gain: Interval
    constant: bool = False


def effect_of(analysis: Analysis, comparison: Comparison, *, relative: bool) -> Effect | None:
    """The gain of a comparison (a share of the control's value when ``relative``); None where there is none.

    A difference that is the same on every row has no interval, but it is known: prompts that are 12 tokens longer
    are 12 tokens longer.
    """
    gain = comparison.gain(relative=relative)
    if gain is not None:
        return Effect(gain)
    if comparison.status is State.ALL_TIES:
        return Effect(Interval(0.0, 0.0, 0.0), True)
    if comparison.status is not State.NO_VARIATION:
        return None
    control: float | None = 0.5
    if comparison.kind is not MetricKind.PREFERENCE:
        control = analysis.arm(comparison.metric, comparison.control, comparison.aggregate)
    treatment = analysis.arm(comparison.metric, comparison.treatment, comparison.aggregate)
    if control is None or treatment is None:
        return None
    difference = treatment - control
    if relative:
        if control <= 0:
            return Effect(Interval(0.0, 0.0, 0.0), True) if difference == 0 else None
        difference /= control
    if abs(difference) <= 1e-12 * (abs(control) + abs(treatment)):
        difference = 0.0
    point = difference if comparison.direction is Direction.HIGHER else -difference
    return Effect(Interval(point, point, point), True)


@dataclass(frozen=True, slots=True)
class Limit:
    """A guardrail's state: ``held``, ``broken``, ``unclear`` (more data), or ``blind`` (no values at all)."""

    comparison: Comparison
    state: str
    effect: Effect | None


def limit_of(analysis: Analysis, comparison: Comparison) -> Limit:
    """The state of one guardrail (or of the quality of a swap) against its margin.

    A change within the margin is allowed even when it is beyond doubt: the margin is what the plan allows.
    """
    margin = comparison.margin or 0.0
    effect = effect_of(analysis, comparison, relative=comparison.margin_relative)
    if effect is None:
        blind = comparison.status in {State.NO_DATA, State.NO_CONTROL, State.ZERO_DENOMINATOR}
        return Limit(comparison, "blind" if blind else "unclear", None)
    if effect.constant:
        held = effect.gain.estimate > -margin or (margin == 0 and effect.gain.estimate == 0)
        return Limit(comparison, "held" if held else "broken", effect)
    return Limit(comparison, margin_state(effect.gain, margin), effect)
