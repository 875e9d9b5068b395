"""What a verdict says to people: winner, size, range, target, exceptions; no jargon, every number in its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.results.comparisons.health import HealthCheck
from experiments.results.verdicts.cases import ChallengerCase
from experiments.results.verdicts.effects import Effect
from experiments.results.verdicts.futility import LEAST_CHANCE
from experiments.results.verdicts.phrases import (
    asked_words,
    cheaper_control,
    cost_words,
    effect_of_case,
    futile_words,
    gain_text,
    goal_words,
    joined,
    limit_words,
    limits_words,
    metric_words,
    quality_words,
    range_text,
    range_words,
    score_words,
    settles,
    sharper_words,
    shrunk_words,
    truth_words,
    unit_word,
)
from experiments.wording import count, dollars, lower_is_better, percent

WORTH_TELLING = 5
"""More rows than this many times those there are would not be a sensible next step after a win."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Headline and second line of the page, and one sentence for everything else."""

    headline: str
    detail: str
    sentence: str


def unfit(check: HealthCheck, cases: Sequence[ChallengerCase]) -> Lines:
    """The evidence cannot carry a verdict; the check says why and what to do."""
    headline = "Do not decide yet."
    if check.check == "units":
        headline = "Not enough rows to tell."
    ahead = cases[0] if cases and cases[0].effect is not None and cases[0].effect.gain.estimate > 0 else None
    if check.check == "judge" and ahead is not None:
        headline = f"{ahead.treatment} is ahead, but the automatic judge is not reliable here."
    return Lines(headline, check.message, f"{headline} {check.message}")


def progress(analysis: Analysis) -> Lines:
    """The plan reads the result once, at its planned size; until then there is only progress."""
    headline = "Still collecting."
    unit = unit_word(analysis)
    detail = (
        f"{analysis.n_seen:,} of {count(analysis.target or 0, unit)} are in. "
        "The plan reads the result once, when all of them are."
    )
    return Lines(headline, detail, f"{headline} {detail}")


def blind(case: ChallengerCase) -> Lines:
    """A deciding metric has no values."""
    headline = "Do not decide yet."
    if case.limit is not None:
        what = f"{metric_words(case.limit.comparison)} was never measured, so its limit cannot be checked."
    else:
        why = case.primary.warnings[0] if case.primary.warnings else "it has no values"
        what = f"{metric_words(case.primary)} cannot be compared: {why}."
    detail = what[0].upper() + what[1:]
    return Lines(headline, detail, f"{headline} {detail}")


def ship(plan: Plan, analysis: Analysis, case: ChallengerCase, *, tie: str, challengers: int) -> Lines:
    """The challenger may be promoted."""
    name, effect = case.treatment, effect_of_case(case)
    if plan.intent == "swap":
        goal = goal_words(case)
        headline = f"{name} is as good and {goal}. You can promote it."
        kept = (quality_words(plan, case), limits_words(case), tie)
        return Lines(headline, joined(*kept), joined(f"Promote {name}. It is {goal}.", *kept))
    asked = asked_words(plan, case)
    if case.smaller_than_asked:
        headline = f"{name} is better, but by less than you asked for."
    elif effect.gain.lower >= plan.primary.smallest_effect:
        headline = f"{name} is better. You can promote it."
    else:
        headline = f"{name} is better, maybe by less than you asked for."
    scored, range_ = score_words(plan, case), range_words(plan, case)
    shrunk = shrunk_words(case, challengers)
    least = f"a {asked}" if asked.startswith("drop") else asked
    detail = f"{name} {scored}. {truth_words(plan, case)} You asked for at least {least}."
    if case.more_units and case.more_units <= WORTH_TELLING * max(1, analysis.n_seen):
        more = count(case.more_units, f"more {unit_word(analysis)}", f"more {unit_word(analysis)}s")
        detail += f" About {more}{_price_words(analysis, case.more_units)} would settle it."
    confirm = f"That is less than the {asked} you asked for, so please confirm." if case.smaller_than_asked else ""
    sentence = f"Promote {name}. It {scored}, {range_}{cost_words(analysis, case)}."
    return Lines(
        headline,
        joined(detail, sharper_words(case), shrunk, tie),
        joined(sentence, limits_words(case), confirm, shrunk, tie),
    )


def keep(plan: Plan, analysis: Analysis, case: ChallengerCase) -> Lines:
    """The control stays."""
    name, control = case.treatment, analysis.control
    detail = told(plan, case)
    sentence = f"Keep {control}. {detail}"
    if case.limit is not None:
        ahead = case.effect is not None and case.effect.gain.lower > 0
        headline = f"{name} is better, but it breaks one of your limits." if ahead else f"Keep {control}."
    elif case.rule in {"too_small_to_matter", "not_better_by_enough"}:
        headline = f"{name} is not better by enough."
        if case.rule == "too_small_to_matter":
            headline = "No difference that matters."
        detail = joined(detail, f"Keep {control}{cheaper_control(analysis, case)}.")
    elif case.rule == "futile":
        headline = f"{name} will not be shown to be better at your budget. Keep {control}."
        detail = joined(detail, _futile_words(plan, analysis, case))
        sentence = f"Keep {control}. {detail}"
    elif case.rule == "goal_not_met":
        headline = f"{name} does not bring what the swap was for. Keep {control}."
    else:
        headline = f"{control} is better. Keep {control}."
    return Lines(headline, joined(detail, sharper_words(case)), sentence)


def collect(plan: Plan, analysis: Analysis, case: ChallengerCase, *, hopeless: bool) -> Lines:
    """More data would tell."""
    unit = unit_word(analysis)
    headline = f"Not enough {unit}s to tell."
    if case.rule.startswith("limit_unclear"):
        ahead = "as good" if plan.intent == "swap" else "ahead"
        headline = f"{case.treatment} is {ahead}, but a limit is not shown to hold yet."
    more = ""
    if case.more_units:
        settled = f"a difference of {settles(plan, case)}" if case.rule == "not_enough_evidence" else "it"
        price = _price_words(analysis, case.more_units)
        more = f"About {count(case.more_units, f'more {unit}', f'more {unit}s')}{price} would settle {settled}."
    elif case.limit is not None and case.limit.effect is not None:
        more = f"More {unit}s will not help if it stays like this."
    detail = joined(told(plan, case), more, "That is probably not worth it; choose on cost." if hopeless else "")
    return Lines(headline, joined(detail, sharper_words(case)), f"No call yet. {detail}")


def _futile_words(plan: Plan, analysis: Analysis, case: ChallengerCase) -> str:
    left = count((analysis.target or 0) - analysis.n_seen, f"further {unit_word(analysis)}")
    return (
        f"The {left} of the plan will not change this: even with the {asked_words(plan, case)} you asked for, the "
        f"chance to show it is below {percent(LEAST_CHANCE)}."
    )


def _price_words(analysis: Analysis, units: int) -> str:
    price = price_of(analysis, units)
    return "" if price is None else f" (about {dollars(price)})"


def price_of(analysis: Analysis, units: int) -> float | None:
    """US dollars for so many more rows of all variants; None where a cost is unknown, and for live traffic."""
    names = (analysis.control, *analysis.challengers)
    costs = [analysis.arm("cost_usd", name) for name in names]
    known = [cost for cost in costs if cost is not None]
    if analysis.live or len(known) < len(costs) or not analysis.n_seen:
        return None
    repeats = max(1.0, analysis.n_values / (analysis.n_seen * len(names)))
    return units * repeats * sum(known)


def told(plan: Plan, case: ChallengerCase) -> str:
    """One sentence on one challenger: what its rule rests on."""
    name, rule = case.treatment, case.rule
    if case.limit is not None:
        return limit_words(case.limit)
    if case.effect is None:
        why = case.primary.warnings[0] if case.primary.warnings else case.primary.status.value.replace("_", " ")
        return f"{name} cannot be compared on {metric_words(case.primary)}: {why}."
    if rule in {"goal_not_met", "goal_not_shown"} and case.goal is not None:
        return f"{name} is not shown to be better on {metric_words(case.goal)}, which the swap is for."
    if plan.intent == "swap":
        return quality_words(plan, case)
    return _size_told(plan, case, case.effect)


def _size_told(plan: Plan, case: ChallengerCase, effect: Effect) -> str:
    name, gain = case.treatment, effect.gain
    drops = bool(lower_is_better(case.primary.direction, case.primary.unit))
    if effect.constant and gain.estimate == 0:
        return f"{name} and {case.primary.control} gave the same value on every row."
    if case.rule in {"too_small_to_matter", "not_better_by_enough"}:
        return futile_words(plan, case)
    if case.rule in {"not_enough_evidence", "futile"}:
        size = gain_text(plan, case, abs(gain.estimate), sign=False)
        fits = range_text(plan, case).removeprefix("between ").replace(" and ", " to ")
        fits += " (lower is better)" if drops else ""
        looks = "better" if gain.estimate >= 0 else "worse"
        return f"{name} looks {size} {looks}, but anything from {fits} fits the data."
    return f"{name} {score_words(plan, case)}, {range_words(plan, case)}."


def limits_told(case: ChallengerCase) -> list[str]:
    """One sentence for every limit of the challenger."""
    return [limit_words(limit) for limit in case.limits]
