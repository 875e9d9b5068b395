"""The pieces that sentences about results are made of; every number in the metric's own unit, no jargon."""

from __future__ import annotations

from collections.abc import Callable

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.results.verdicts.cases import ChallengerCase
from experiments.results.verdicts.effects import Effect, Limit
from experiments.stats.estimates import Comparison
from experiments.vocabulary import Direction, MetricKind
from experiments.wording import ADJECTIVES, amount, between, level, metric_name, number_words, percent

WORTH_TELLING_SAVED = 0.01
FINEST = 4


def limit_words(limit: Limit) -> str:
    """How one limit stands.

    ``B's p95 latency is 340 ms slower (very likely at least 210 ms), more than the 100 ms you allow.``
    """
    comparison, allowed = limit.comparison, _margin_text(limit.comparison)
    name, what = comparison.treatment, metric_words(comparison)
    if limit.effect is None:
        why = comparison.warnings[0] if comparison.warnings else comparison.status.value.replace("_", " ")
        return f"{name}'s {what} cannot be checked against its limit yet: {why}."
    gain = limit.effect.gain
    change = _change_text(comparison, gain.estimate)
    if limit.effect.constant:
        return f"{name}'s {what} is {change} on every row; your limit was {allowed}."
    if limit.state == "broken":
        least = _change_text(comparison, gain.upper, bare=True)
        return f"{name}'s {what} is {change} (very likely at least {least}), more than the {allowed} you allow."
    worst = f"{_change_text(comparison, gain.lower, bare=True)} worse" if gain.lower < 0 else "not worse at all"
    if limit.state == "held":
        return f"{name}'s {what} is {change} (at worst {worst}); your limit was {allowed}."
    return f"{name}'s {what} is {change}, and could be {worst}; your limit was {allowed}."


def metric_words(comparison: Comparison) -> str:
    """A metric's name in a sentence: ``p95 latency``, ``cost``, ``exact match``."""
    return metric_name(comparison.metric, comparison.aggregate)


def unit_word(analysis: Analysis) -> str:
    """What is counted: rows, rated items, or users."""
    if analysis.design.value == "independent":
        return "user"
    rated = any(c.kind is MetricKind.PREFERENCE and c.slice is None for c in analysis.comparisons[:1])
    return "item" if rated else "row"


def score_words(plan: Plan, case: ChallengerCase) -> str:
    """What the challenger did, without its name: ``scored +6.1 points (70.4 to 76.5 of 100)``.

    Numbers with a sign are treatment minus control, whichever way is better, as in every table; units that have
    adjectives (``340 ms faster``) need no sign.
    """
    comparison, change = case.primary, change_words(plan, case, effect_of_case(case).gain.estimate)
    a, b = comparison.control_mean, comparison.treatment_mean
    if comparison.kind is MetricKind.PREFERENCE and b is not None:
        return f"was preferred in {_of_100(b)} comparisons, ties counted half ({change} from even)"
    if (comparison.method or "").startswith("brunner_munzel") and b is not None:
        return f"was rated higher in {_of_100(b)} pairs of users, ties counted half ({change} from even)"
    if comparison.unit in ADJECTIVES:
        return f"is {change}{_share_beside(plan, comparison)}"
    notes = [] if a is None or b is None else [f"{level(a, comparison.unit).removesuffix(' of 100')} to "]
    notes = [notes[0] + level(b, comparison.unit)] if notes and b is not None else []
    notes += ["lower is better"] if comparison.direction is Direction.LOWER else []
    return f"scored {change}" + (f" ({'; '.join(notes)})" if notes else "")


def change_words(plan: Plan, case: ChallengerCase, gain: float) -> str:
    """A gain (up is better) as a change of the metric: ``−6.1 points``, ``340 ms faster``, ``+8 %``."""
    comparison = case.primary
    if comparison.unit in ADJECTIVES:
        return f"{gain_text(plan, case, abs(gain), sign=False)} {_direction_word(comparison, gain)}"
    return gain_text(plan, case, gain if comparison.direction is Direction.HIGHER else -gain)


def range_words(plan: Plan, case: ChallengerCase) -> str:
    """``very likely between +4.2 and +8.0 points``, in the direction of ``score_words``."""
    if effect_of_case(case).constant:
        return "the same on every row"
    return f"very likely {range_text(plan, case)}"


def truth_words(plan: Plan, case: ChallengerCase) -> str:
    """``True gain very likely between …``; a change where smaller numbers are the better ones."""
    if effect_of_case(case).constant:
        return "It is the same on every row."
    signed = case.primary.unit not in ADJECTIVES and case.primary.direction is Direction.LOWER
    return f"True {'change' if signed else 'gain'} {range_words(plan, case)}."


def asked_words(plan: Plan, case: ChallengerCase, *, finer: int = 0) -> str:
    """The smallest gain worth having: ``+3.0 points``, ``20 ms``, ``drop of 5.0 points`` where lower is better."""
    size = plan.primary.smallest_effect
    if case.primary.unit in ADJECTIVES:
        return gain_text(plan, case, size, sign=False, finer=finer)
    if case.primary.direction is Direction.LOWER:
        return f"drop of {gain_text(plan, case, size, sign=False, finer=finer)}"
    return gain_text(plan, case, size, finer=finer)


def futile_words(plan: Plan, case: ChallengerCase) -> str:
    """What is ruled out, and what is not, of a challenger that is not better by what was asked for.

    ``Any gain of B is smaller than +2.4 points, under the +3.0 points you asked for; it may be 6.2 points worse.``
    """
    gain, name = effect_of_case(case).gain, case.treatment
    drops = case.primary.unit not in ADJECTIVES and case.primary.direction is Direction.LOWER
    up, down = ("drop", "rise") if drops else ("gain", "loss")
    signed = case.primary.unit not in ADJECTIVES and not drops
    best, asked = told_apart(
        lambda finer: gain_text(plan, case, gain.upper, sign=signed, finer=finer),
        lambda finer: asked_words(plan, case, finer=finer),
    )
    worst, _ = told_apart(
        lambda finer: gain_text(plan, case, -gain.lower, sign=False, finer=finer),
        lambda finer: gain_text(plan, case, plan.primary.smallest_effect, sign=False, finer=finer),
    )
    told = f"Any {up} of {name} is smaller than {best}"
    if case.rule == "too_small_to_matter":
        return f"{told} and any {down} smaller than {worst}, under the {asked} you asked for."
    return f"{told}, under the {asked} you asked for; it may be {worst} worse."


def told_apart(first: Callable[[int], str], second: Callable[[int], str]) -> tuple[str, str]:
    """Both texts with as many digits as it takes to see that they differ."""
    for finer in range(FINEST):
        texts = first(finer), second(finer)
        if texts[0] not in texts[1]:
            break
    return texts


def _of_100(share: float) -> str:
    return f"{number_words(100 * share, decimals=1)} of 100"


def _share_beside(plan: Plan, comparison: Comparison) -> str:
    """`` (31 %)`` beside an amount of money, which says little without what it is a part of."""
    if plan.primary.relative or comparison.unit != "usd" or comparison.relative is None:
        return ""
    return f" ({percent(abs(comparison.relative.estimate))})"


def quality_words(plan: Plan, case: ChallengerCase) -> str:
    """The quality side of a swap.

    ``B's exact match is at most 1.2 points worse; your limit was 2.0 points.``
    """
    margin = plan.primary.margin or plan.primary.smallest_effect
    allowed, gain = gain_text(plan, case, margin, sign=False), effect_of_case(case).gain
    what = f"{case.treatment}'s {metric_words(case.primary)}"
    if gain.upper < -margin:
        least = gain_text(plan, case, -gain.upper, sign=False)
        return f"{what} is very likely at least {least} worse; your limit was {allowed}."
    if gain.lower >= 0:
        return f"{what} is not worse; your limit was {allowed}."
    worst = gain_text(plan, case, -gain.lower, sign=False)
    if gain.lower <= -margin:
        return f"{what} could still be {worst} worse; your limit was {allowed}."
    return f"{what} is at most {worst} worse; your limit was {allowed}."


def effect_of_case(case: ChallengerCase) -> Effect:
    """The effect of a case that has one. Raises ValueError otherwise."""
    if case.effect is None:
        raise ValueError("a case without an effect has no size to tell")
    return case.effect


def joined(*parts: str) -> str:
    """The parts that are not empty, as one line."""
    return " ".join(part for part in parts if part)


def range_text(plan: Plan, case: ChallengerCase) -> str:
    """Both limits of the change, in the direction of ``change_words``.

    ``between +4.2 and +8.0 points``, ``between 39 ms and 44 ms`` where the direction was said, and ``between 5 ms
    slower and 30 ms faster`` where it is open.
    """
    gain, unit = effect_of_case(case).gain, case.primary.unit
    if unit in ADJECTIVES and (gain.lower > 0 or gain.upper < 0):
        near, far = sorted((abs(gain.lower), abs(gain.upper)))
        return f"between {gain_text(plan, case, near, sign=False)} and {gain_text(plan, case, far, sign=False)}"
    if unit in ADJECTIVES:
        ends = [change_words(plan, case, end) if end else "no change" for end in (gain.lower, gain.upper)]
        return f"between {ends[0]} and {ends[1]}"
    shown = gain if case.primary.direction is Direction.HIGHER else gain.flipped()
    if plan.primary.relative:
        return f"between {percent(shown.lower, sign=True)} and {percent(shown.upper, sign=True)}"
    return between(shown, unit)


def gain_text(plan: Plan, case: ChallengerCase, gain: float, *, sign: bool = True, finer: int = 0) -> str:
    """A number of the deciding metric in its own unit, or as a share where the plan asks for one."""
    if plan.primary.relative:
        return percent(gain, sign=sign, finer=finer)
    return amount(gain, case.primary.unit, sign=sign, finer=finer)


def settles(plan: Plan, case: ChallengerCase) -> str:
    """The difference that more units would settle: the present one, at least the smallest worth having."""
    size = max(abs(effect_of_case(case).gain.estimate), plan.primary.smallest_effect)
    return gain_text(plan, case, size, sign=False)


def _raw_gain(comparison: Comparison) -> float:
    gain = comparison.gain()
    return 0.0 if gain is None else gain.estimate


def _absolute_change(comparison: Comparison, gain: float) -> str:
    """``31 % cheaper``, ``340 ms slower``, ``12 tokens shorter``."""
    relative = comparison.gain(relative=True)
    size = amount(abs(gain), comparison.unit)
    if comparison.unit == "usd" and relative is not None:
        size = percent(abs(relative.estimate))
    return f"{size} {_direction_word(comparison, gain)}"


def _direction_word(comparison: Comparison, gain: float) -> str:
    less = (gain >= 0) == (comparison.direction is Direction.LOWER)
    return ADJECTIVES.get(comparison.unit, ("lower", "higher"))[0 if less else 1]


def _change_text(comparison: Comparison, gain: float, *, bare: bool = False) -> str:
    """A change as large as ``gain`` in the words of the metric; a share when its margin is one."""
    size = percent(abs(gain)) if comparison.margin_relative else amount(abs(gain), comparison.unit)
    if bare:
        return size
    # The sentence begins with the metric's name: "B's cost is 4 % higher", but "B's latency is 340 ms slower".
    word = _direction_word(comparison, gain)
    return f"{size} {({'cheaper': 'lower', 'more expensive': 'higher'}).get(word, word)}"


def _margin_text(comparison: Comparison) -> str:
    margin = comparison.margin or 0.0
    return percent(margin) if comparison.margin_relative else amount(margin, comparison.unit)


def goal_words(case: ChallengerCase) -> str:
    """What a swap gains: ``31 % cheaper``."""
    if case.goal is None or case.goal_effect is None:
        return "better on the goal"
    if case.goal.unit in ADJECTIVES:
        return _absolute_change(case.goal, case.goal_effect.gain.estimate)
    return f"better on {metric_words(case.goal)}"


def limits_words(case: ChallengerCase) -> str:
    """One sentence on all limits of a challenger that keeps them; empty without any."""
    if not case.limits:
        return ""
    return "No limit you set is broken." if len(case.limits) > 1 else "The limit you set is kept."


def cost_words(analysis: Analysis, case: ChallengerCase) -> str:
    """``, and is 4 % cheaper`` where the cost was compared and differs beyond doubt."""
    for comparison in analysis.overall("cost_usd"):
        if comparison.treatment != case.treatment or comparison is case.primary or comparison.better == "unclear":
            continue
        if comparison.relative is not None:
            return f", and is {_absolute_change(comparison, _raw_gain(comparison))}"
    return ""


def cheaper_control(analysis: Analysis, case: ChallengerCase) -> str:
    """``: it is cheaper`` where the control is, and where the costs were compared beyond doubt."""
    control, treatment = (analysis.arm("cost_usd", name) for name in (analysis.control, case.treatment))
    compared = [c.better for c in analysis.overall("cost_usd") if c.treatment == case.treatment and c.ok]
    if control is None or treatment is None or control >= treatment or (compared and "control" not in compared):
        return ""
    return ": it is cheaper"


def shrunk_words(case: ChallengerCase, challengers: int) -> str:
    """A warning that the best of several looks better than it is, where that makes 5 % or more; else empty."""
    comparison = case.primary
    if challengers < 2 or comparison.shrunk_estimate is None or comparison.estimate is None:
        return ""
    shown = abs(comparison.shrunk_estimate)
    if shown >= 0.95 * abs(comparison.estimate):
        return ""
    likely = amount(shown, comparison.unit)
    return f"The best of several usually looks better than it is: likely nearer {likely}."


def sharper_words(case: ChallengerCase) -> str:
    """How much of the spread the users' own values from before explained, where that makes 1 % or more; else empty."""
    saved = case.primary.details.get("variance_saved")
    if not isinstance(saved, float) or saved < WORTH_TELLING_SAVED:
        return ""
    likened = number_words(1 / (1 - saved), decimals=1) if saved < 1 else "many"
    explained = f"The users' own values from before explain {percent(saved)} of the spread"
    return f"{explained}, as if {likened} times as many users were in."
