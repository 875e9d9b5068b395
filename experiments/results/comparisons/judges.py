"""Automatic judges held to account: how far they agree with people, and the effect corrected by what people said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.results.comparisons.health import HealthCheck, failed, passed, warned
from experiments.results.comparisons.judge_evidence import Beside, JudgeEvidence, Labels, labels_of
from experiments.results.comparisons.judge_faults import FEWEST_LABELS, JudgeFault, faults_of, length_bias, next_step
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.raters import LEVELS
from experiments.results.comparisons.unit_table import MetricValues
from experiments.stats.agreement import Agreement, RatingMatrix, krippendorff_alpha
from experiments.stats.clustered import yes_no
from experiments.stats.estimates import Comparison, Interval, NotEstimable, number
from experiments.stats.judge_correction import (
    Calibration,
    Corrected,
    Labelled,
    corrected_difference,
    prediction_powered,
    rogan_gladen,
    same_for_both,
)
from experiments.stats.proportions import ProportionLimits
from experiments.vocabulary import Design, MetricKind
from experiments.wording import metric_name

FEWEST_EACH = 10
BELOW_PEOPLE = 0.1
FLOOR = 0.4
"""Agreement beyond chance that a judge needs where nobody knows how far people agree among themselves."""
DISQUALIFYING = frozenset({"favours_variant", "injection", "position", "unreadable"})
"""Faults that bend a comparison of variants, however well the judge agrees with people on the whole."""


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """A judge against people. ``agreement`` is the share of equal answers for yes and no, alpha for grades.

    ``beyond_chance`` is Krippendorff's alpha of judge and people, ``between_people`` that of people among themselves.
    ``sensitivity_limits`` and ``specificity_limits`` are 95 % Wilson limits. ``length_bias`` is a rank correlation (see
    ``judge_faults.length_bias``), the other facts about its votes are shares. ``usable`` says whether the judge may
    decide, ``reason`` why not, ``faults`` what it does wrong, ``next_step`` what to do about it. ``corrected`` holds
    the effect per challenger and ``rates`` the share of yes per variant, both as people would see them.
    """

    metric: str
    judge: str
    human_items: int
    agreement: float | None
    beyond_chance: float | None
    between_people: float | None
    sensitivity: float | None
    specificity: float | None
    position_bias: float | None
    usable: bool
    reason: str
    corrected: tuple[tuple[str, Interval], ...] = ()
    rates: tuple[tuple[str, Interval], ...] = ()
    sensitivity_limits: ProportionLimits | None = None
    specificity_limits: ProportionLimits | None = None
    length_bias: float | None = None
    self_consistency: float | None = None
    unreadable: float | None = None
    faults: tuple[JudgeFault, ...] = ()
    next_step: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        numbers = ("agreement", "beyond_chance", "between_people", "sensitivity", "specificity", "position_bias")
        return {
            "metric": self.metric,
            "judge": self.judge,
            "human_items": self.human_items,
            **{name: number(getattr(self, name)) for name in numbers},
            "sensitivity_interval": _limits_json(self.sensitivity_limits),
            "specificity_interval": _limits_json(self.specificity_limits),
            "length_bias": number(self.length_bias),
            "self_consistency": number(self.self_consistency),
            "unreadable": number(self.unreadable),
            "usable": self.usable,
            "reason": self.reason,
            "faults": [fault.to_json() for fault in self.faults],
            "next_step": self.next_step,
            "corrected": [{"treatment": name, **interval.to_json()} for name, interval in self.corrected],
            "rates": [{"variant": name, **interval.to_json()} for name, interval in self.rates],
        }


def judge_card(
    study: Study, evidence: JudgeEvidence, comparisons: Sequence[Comparison], *, floor: float | None
) -> JudgeCard:
    """The judge's card with the corrected effect of every challenger."""
    values = study.table.metrics.get(evidence.metric)
    labels = None if values is None else labels_of(study, values, evidence)
    if values is None or labels is None or not len(labels.human):
        return _unchecked(study, evidence, values)
    binary = yes_no(labels.human) and yes_no(labels.judge)
    calibration = Calibration.of(labels.human, labels.judge) if binary else None
    beyond = _alpha(values, labels)
    agreement = float((labels.human == labels.judge).mean()) if binary else beyond
    corrected = [
        (comparison.treatment, interval)
        for comparison in comparisons
        if comparison.metric == evidence.metric and comparison.slice is None and comparison.ok
        for interval in [_corrected(study, values, labels, comparison, calibration)]
        if interval is not None
    ]
    mine = [c for c in comparisons if c.metric == evidence.metric]
    reason = _reason(labels, calibration, agreement, beyond, floor=floor) or _contradiction(mine, corrected)
    known = calibration is not None and calibration.yes > 0 and calibration.no > 0
    limits = calibration.limits() if calibration is not None and known else (None, None)
    card = JudgeCard(
        metric=evidence.metric,
        judge=evidence.judge,
        human_items=len(labels.human),
        agreement=agreement,
        beyond_chance=beyond,
        between_people=labels.between_people,
        sensitivity=calibration.sensitivity if calibration and known else None,
        specificity=calibration.specificity if calibration and known else None,
        position_bias=evidence.position_bias,
        usable=not reason,
        reason=reason,
        corrected=tuple(corrected),
        rates=tuple(_rates(study, values, labels)) if binary else (),
        sensitivity_limits=limits[0],
        specificity_limits=limits[1],
    )
    beside = Beside(study, evidence, values, labels, calibration)
    return _with_behaviour(card, beside, confirmed=not reason and _confirmed(mine, corrected))


def _confirmed(comparisons: Sequence[Comparison], corrected: Sequence[tuple[str, Interval]]) -> bool:
    """Whether people's labels carry every effect: a kinder judge made none of them then."""
    known = dict(corrected)
    effects = [c for c in comparisons if c.slice is None]
    ranges = [known.get(c.treatment) for c in effects]
    return all(r is not None and (r.lower > 0 or r.upper < 0) for r in ranges) and all(
        c.ok and c.better != "unclear" for c in effects
    )


def _unchecked(study: Study, evidence: JudgeEvidence, values: MetricValues | None) -> JudgeCard:
    nobody = "nobody has rated outputs that this judge scored"
    card = JudgeCard(
        evidence.metric, evidence.judge, 0, None, None, None, None, None, evidence.position_bias, False, nobody
    )
    return card if values is None else _with_behaviour(card, Beside(study, evidence, values, None, None))


def _with_behaviour(card: JudgeCard, beside: Beside, *, confirmed: bool = False) -> JudgeCard:
    """The card with what the judge does wrong; a fault that bends comparisons takes it the right to decide.

    Being kinder to one variant bends nothing where people's labels carry the effect (``confirmed``).
    """
    behaviour = beside.evidence.behaviour
    faults = faults_of(beside)
    length = length_bias(beside)
    bending = DISQUALIFYING - {"favours_variant"} if confirmed else DISQUALIFYING
    reason = card.reason or next((f.message for f in faults if f.name in bending), "")
    return replace(
        card,
        usable=not reason,
        reason=reason,
        length_bias=None if length is None else length[0],
        self_consistency=behaviour.self_consistency if behaviour else None,
        unreadable=behaviour.unreadable if behaviour else None,
        faults=faults,
        next_step=next_step(faults, items=card.human_items, usable=not reason, reason=reason),
    )


def _limits_json(limits: ProportionLimits | None) -> dict[str, float] | None:
    return None if limits is None else {"lower": limits.lower, "upper": limits.upper}


def _rates(study: Study, values: MetricValues, labels: Labels) -> list[tuple[str, Interval]]:
    """The share of yes per variant behind the judge's, each by the labels of that variant's own outputs."""
    found = []
    for name in study.table.variants:
        code = study.table.code(name)
        mine = labels.variant == code
        judged = values.value[code][study.mask & np.isfinite(values.value[code])]
        if not mine.any() or not yes_no(judged):
            continue
        rate = rogan_gladen(int(judged.sum()), len(judged), Calibration.of(labels.human[mine], labels.judge[mine]))
        if isinstance(rate, Corrected):
            found.append((name, rate.interval))
    return found


def judge_check(card: JudgeCard, *, deciding: bool) -> HealthCheck:
    """Blocks the verdict when the deciding metric comes from a judge that cannot be relied on."""
    if card.usable:
        agreed = "" if card.agreement is None else f" (agreement {card.agreement:.2f} on {card.human_items})"
        return passed("judge", f"The judge of {metric_name(card.metric)} agrees with people{agreed}.")
    told = f"The automatic judge of {metric_name(card.metric)} is not reliable here: {card.reason}."
    return failed("judge", told) if deciding else warned("judge", told)


def _reason(
    labels: Labels,
    calibration: Calibration | None,
    agreement: float | None,
    beyond: float | None,
    *,
    floor: float | None,
) -> str:
    n = len(labels.human)
    if n < FEWEST_LABELS:
        return f"only {n} of its outputs were rated by people; {FEWEST_LABELS} are needed"
    if calibration is not None:
        if min(calibration.yes, calibration.no) < FEWEST_EACH:
            return (
                f"people said yes to {calibration.yes} of its outputs and no to {calibration.no}; "
                f"{FEWEST_EACH} of each are needed"
            )
        if not calibration.informative():
            return "it may be no better than a coin"
    same = int((labels.human == labels.judge).sum())
    if floor is not None and (agreement is None or agreement < floor):
        return f"it agrees with people on {same} of {n}, below the plan's floor of {100 * floor:.0f} of 100"
    needed = FLOOR if labels.between_people is None else labels.between_people - BELOW_PEOPLE
    if beyond is None or beyond < needed:
        return f"it agrees with people on {same} of {n}, too little beyond chance"
    return ""


def _contradiction(comparisons: Sequence[Comparison], corrected: Sequence[tuple[str, Interval]]) -> str:
    """Where the judge sees a clear effect that people's labels deny, or do not carry.

    A judge that passes some of one variant's bad answers makes an effect of its own, and its agreement with people on
    the whole hides that: so the effect has to hold as people would see it, with the range that their labels leave.
    """
    clear = {c.treatment: c.estimate for c in comparisons if c.slice is None and c.ok and c.better != "unclear"}
    known = dict(corrected)
    for treatment, estimate in clear.items():
        interval = known.get(treatment)
        if interval is None:
            return f"its errors differ between the variants, so its effect of {treatment} cannot be corrected"
        if estimate is None:
            continue
        if estimate * interval.estimate < 0:
            return f"corrected by what people said, the effect of {treatment} turns around"
        if abs(estimate) > max(abs(interval.lower), abs(interval.upper)):
            return f"corrected by what people said, the effect of {treatment} is much smaller"
        if interval.lower <= 0 <= interval.upper:
            return f"corrected by what people said, {treatment} may be no different; more ratings would tell"
    return ""


def _alpha(values: MetricValues, labels: Labels) -> float | None:
    n = len(labels.human)
    items = np.tile(np.arange(n, dtype=np.intp), 2)
    raters = np.repeat(np.arange(2, dtype=np.intp), n)
    level = LEVELS.get(values.definition.kind, "interval")
    found = krippendorff_alpha(RatingMatrix(items, raters, np.concatenate((labels.human, labels.judge))), level)
    return found.alpha.estimate if isinstance(found, Agreement) else None


def _corrected(
    study: Study, values: MetricValues, labels: Labels, comparison: Comparison, calibration: Calibration | None
) -> Interval | None:
    """Prediction-powered on rows where both variants were labelled; else by a calibration that fits both variants."""
    codes = study.table.code(study.control), study.table.code(comparison.treatment)
    if study.design is Design.PAIRED:
        found = _paired(study, values, labels, codes, alpha=study.plan.alpha)
        if isinstance(found, Corrected):
            return found.interval
    if calibration is None or comparison.standard_error is None or comparison.estimate is None:
        return None
    parts = [Calibration.of(labels.human[labels.variant == c], labels.judge[labels.variant == c]) for c in codes]
    if not same_for_both(*parts):
        return None
    whole = corrected_difference(comparison.estimate, comparison.standard_error, calibration, alpha=study.plan.alpha)
    return None if isinstance(whole, NotEstimable) else whole.interval


def _paired(
    study: Study, values: MetricValues, labels: Labels, codes: tuple[int, int], *, alpha: float
) -> Corrected | NotEstimable:
    if values.definition.kind is MetricKind.PREFERENCE:
        return _votes(study, values, labels, codes[1], alpha=alpha)
    human = np.full((2, study.table.n_units), np.nan)
    for row, code in enumerate(codes):
        mine = labels.variant == code
        human[row, labels.unit[mine]] = labels.human[mine]
    difference = values.value[codes[1]] - values.value[codes[0]]
    judged = study.mask & np.isfinite(difference)
    labelled = judged & np.isfinite(human).all(axis=0)
    rest = judged & ~labelled
    clusters = study.table.clusters if study.table.clusters is not None else np.arange(study.table.n_units)
    both = Labelled((human[1] - human[0])[labelled], difference[labelled], clusters[labelled])
    return prediction_powered(both, difference[rest], clusters[rest], alpha=alpha)


def _votes(study: Study, values: MetricValues, labels: Labels, code: int, *, alpha: float) -> Corrected | NotEstimable:
    """The challenger's share of votes above a half, as people would give them."""
    human = np.full(study.table.n_units, np.nan)
    mine = labels.variant == code
    human[labels.unit[mine]] = labels.human[mine] - 0.5
    judged = values.value[code] - 0.5
    known = study.mask & np.isfinite(judged)
    labelled = known & np.isfinite(human)
    rest = known & ~labelled
    clusters = study.table.clusters if study.table.clusters is not None else np.arange(study.table.n_units)
    both = Labelled(human[labelled], judged[labelled], clusters[labelled])
    return prediction_powered(both, judged[rest], clusters[rest], alpha=alpha)
