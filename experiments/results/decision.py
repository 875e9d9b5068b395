"""Plan + analysis → ``Verdict``: ship, keep control, keep collecting, or cannot decide; the first rule that fits.

Order: what makes the evidence unfit, then what speaks against a challenger, then what carries it, else more data.
A false ship needs a false primary result, so at most alpha of experiments without a difference ship; guardrails can
only make it rarer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.plans.plan import AnalysisPlan, Plan
from experiments.plans.plan_limits import check_limits_fit
from experiments.results.analysis import Analysis, analyse
from experiments.results.comparisons.health import HealthCheck
from experiments.results.verdicts import sentences
from experiments.results.verdicts.cases import ChallengerCase, Standing, build_cases
from experiments.results.verdicts.tie_break import ChosenCase, choose_among
from experiments.vocabulary import HealthStatus, VerdictOutcome

if TYPE_CHECKING:
    import pandas as pd

NATURAL_WHILE_COLLECTING = frozenset({"units", "clusters", "duration", "raters", "ratings", "judge"})
"""Checks that fail only because data are still coming, while a plan shows progress only."""
CAUSES = (
    "removed",
    *("control", "analysis", "ratings", "names", "design", "ids", "answers", "values", "limits", "measure"),
    *("error_rates", "unscored"),
)
"""Checks that explain others: too few rows, raters or clusters are named after what lost them."""
NOT_WORTH_IT = 5
"""More units needed than this many times the planned number may be not worth their price."""
WORTH_ANYWAY_USD = 10.0
"""What nobody calls too dear where no budget says what the question is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer. ``winner`` is the variant to serve (the control when it is kept), None while there is no answer.

    ``headline`` and ``detail`` are the two lines of the page, ``sentence`` says it in one for everything else.
    ``deciding_rule`` is a stable word for programs. ``more_units_needed`` is None where more data would not help.
    ``confirm_needed``: better, but by less than was asked for, so a person must confirm.
    """

    outcome: VerdictOutcome
    winner: str | None
    headline: str
    detail: str
    sentence: str
    reasons: tuple[str, ...]
    deciding_rule: str
    more_units_needed: int | None = None
    confirm_needed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "outcome": self.outcome.value,
            "winner": self.winner,
            "headline": self.headline,
            "detail": self.detail,
            "sentence": self.sentence,
            "reasons": list(self.reasons),
            "deciding_rule": self.deciding_rule,
            "more_units_needed": self.more_units_needed,
            "confirm_needed": self.confirm_needed,
        }


def decide(plan: Plan, analysis: Analysis, *, budget_usd: float | None = None) -> Verdict:
    """The verdict of a plan on an analysis made with it. The same inputs give the same bytes.

    ``budget_usd`` is what the experiment may cost: more rows for more than that are called not worth it.

    Raises:
        ValueError: when the analysis was made with another plan.
    """
    if analysis.plan_hash != plan.hash():
        raise ValueError("the analysis was made with another plan")
    failing = _causes_first([check for check in analysis.health if check.status is HealthStatus.FAIL])
    if not analysis.shows_effects:
        blocking = [check for check in failing if check.check not in NATURAL_WHILE_COLLECTING]
        return _unfit(analysis, blocking, []) if blocking else _progress(analysis)
    cases = build_cases(plan, analysis)
    if failing:
        return _unfit(analysis, failing, cases)
    blind = [case for case in cases if case.standing is Standing.BLIND]
    if len(blind) == len(cases):
        return _blind(blind[0])
    shippable = [case for case in cases if case.standing is Standing.SHIP]
    if shippable:
        return _ship(plan, analysis, cases, shippable)
    open_cases = [case for case in cases if case.standing is Standing.OPEN]
    if open_cases:
        worth = WORTH_ANYWAY_USD if budget_usd is None else budget_usd
        return _collect(plan, analysis, cases, open_cases, worth_usd=worth)
    return _keep(plan, analysis, cases)


def analyse_table(table: pd.DataFrame, given: AnalysisPlan) -> tuple[Analysis, Verdict]:
    """Analysis and verdict of any analysis table with its plan file; no database is needed.

    Raises:
        BakeoffError: ``bad_table``, ``unknown_metric`` or ``limit_out_of_range``.
    """
    check_limits_fit(given.plan, given.bounded())
    analysis = analyse(
        table,
        plan=given.plan,
        metrics=given.definitions(),
        control=given.control,
        design=given.design,
        slices=given.slices,
        seed=given.seed,
        live=given.live,
        looks=given.looks,
        split=given.split,
    )
    return analysis, decide(given.plan, analysis)


def _verdict(
    outcome: VerdictOutcome,
    lines: sentences.Lines,
    *,
    rule: str,
    reasons: Sequence[str],
    winner: str | None = None,
    more: int | None = None,
    confirm: bool = False,
) -> Verdict:
    return Verdict(
        outcome=outcome,
        winner=winner,
        headline=lines.headline,
        detail=lines.detail,
        sentence=lines.sentence,
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        deciding_rule=rule,
        more_units_needed=more,
        confirm_needed=confirm,
    )


def _unfit(analysis: Analysis, failing: Sequence[HealthCheck], cases: Sequence[ChallengerCase]) -> Verdict:
    first = failing[0]
    missing = max(1, analysis.minimum_units - analysis.n_units) if first.check == "units" else None
    return _verdict(
        VerdictOutcome.CANNOT_DECIDE,
        sentences.unfit(first, cases),
        rule=f"health:{first.check}",
        reasons=[check.message for check in failing],
        more=missing,
    )


def _causes_first(failing: Sequence[HealthCheck]) -> list[HealthCheck]:
    return sorted(failing, key=lambda check: CAUSES.index(check.check) if check.check in CAUSES else len(CAUSES))


def _progress(analysis: Analysis) -> Verdict:
    lines = sentences.progress(analysis)
    left = max(0, (analysis.target or 0) - analysis.n_seen)
    return _verdict(
        VerdictOutcome.KEEP_COLLECTING, lines, rule="planned_size_not_reached", reasons=[lines.detail], more=left
    )


def _blind(case: ChallengerCase) -> Verdict:
    lines = sentences.blind(case)
    return _verdict(VerdictOutcome.CANNOT_DECIDE, lines, rule=case.rule, reasons=[lines.detail])


def _ship(
    plan: Plan, analysis: Analysis, cases: Sequence[ChallengerCase], shippable: Sequence[ChallengerCase]
) -> Verdict:
    choice: ChosenCase = choose_among(shippable, analysis)
    case = choice.case
    lines = sentences.ship(plan, analysis, case, tie=choice.told, challengers=len(cases))
    reasons = [sentences.told(plan, other) for other in (case, *cases) if other is case or other not in shippable]
    return _verdict(
        VerdictOutcome.SHIP,
        lines,
        rule=case.rule,
        winner=case.treatment,
        reasons=[*reasons[:1], *sentences.limits_told(case), choice.told, *reasons[1:], *_warnings(analysis)],
        more=case.more_units,
        confirm=case.smaller_than_asked,
    )


def _keep(plan: Plan, analysis: Analysis, cases: Sequence[ChallengerCase]) -> Verdict:
    # One that cannot be judged stands before one that is out when it has the larger gain, but it settles nothing.
    out = next(case for case in cases if case.standing is Standing.OUT)
    lines = sentences.keep(plan, analysis, out)
    return _verdict(
        VerdictOutcome.KEEP_CONTROL,
        lines,
        rule=out.rule,
        winner=analysis.control,
        reasons=[*(sentences.told(plan, case) for case in cases), *_warnings(analysis)],
    )


def _collect(
    plan: Plan,
    analysis: Analysis,
    cases: Sequence[ChallengerCase],
    open_cases: Sequence[ChallengerCase],
    *,
    worth_usd: float,
) -> Verdict:
    case = open_cases[0]
    planned = analysis.target or analysis.n_seen
    price = sentences.price_of(analysis, case.more_units or 0)
    many = case.more_units is not None and case.more_units > NOT_WORTH_IT * max(planned, 1)
    hopeless = many and price is not None and price > worth_usd
    lines = sentences.collect(plan, analysis, case, hopeless=hopeless)
    return _verdict(
        VerdictOutcome.KEEP_COLLECTING,
        lines,
        rule=case.rule,
        reasons=[*(sentences.told(plan, other) for other in cases), *_warnings(analysis)],
        more=case.more_units,
    )


def _warnings(analysis: Analysis) -> list[str]:
    return [check.message for check in analysis.health if check.status is HealthStatus.WARN]
