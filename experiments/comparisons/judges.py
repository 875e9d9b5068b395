"""Automatic judges held to account: how far they agree with people, and the effect corrected by what people said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.comparisons.health import HealthCheck, failed, passed, warned
from experiments.comparisons.question import Study
from experiments.comparisons.raters import LEVELS
from experiments.comparisons.unit_table import MetricValues
from experiments.stats.agreement import Agreement, Ratings, krippendorff_alpha
from experiments.stats.clustered import Codes, Floats, totals, yes_no
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
from experiments.vocabulary import Design, MetricKind

if TYPE_CHECKING:
    import pandas as pd

FEWEST_LABELS = 50
FEWEST_EACH = 10
BELOW_PEOPLE = 0.1
FLOOR = 0.4
"""Agreement beyond chance that a judge needs where nobody knows how far people agree among themselves."""


@dataclass(frozen=True)
class JudgeEvidence:
    """What is known of a metric's judge. ``labels`` are people's values of the same outputs.

    ``labels`` has the columns ``variant, unit_id, value`` and may have ``rater_id``; None or empty means that nobody
    checked the judge. ``position_bias`` is the share of comparisons that change when the sides are swapped.
    """

    metric: str
    judge: str
    labels: pd.DataFrame | None = None
    position_bias: float | None = None


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """A judge against people. ``agreement`` is the share of equal answers for yes and no, alpha for grades.

    ``beyond_chance`` is Krippendorff's alpha of judge and people, ``between_people`` that of people among themselves.
    ``usable`` says whether the judge may decide; ``reason`` why not. ``corrected`` holds the effect per challenger and
    ``rates`` the share of yes per variant, both as people would see them.
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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        numbers = ("agreement", "beyond_chance", "between_people", "sensitivity", "specificity", "position_bias")
        return {
            "metric": self.metric,
            "judge": self.judge,
            "human_items": self.human_items,
            **{name: number(getattr(self, name)) for name in numbers},
            "usable": self.usable,
            "reason": self.reason,
            "corrected": [{"treatment": name, **interval.to_json()} for name, interval in self.corrected],
            "rates": [{"variant": name, **interval.to_json()} for name, interval in self.rates],
        }


@dataclass(frozen=True, slots=True)
class _Labels:
    variant: Codes
    unit: Codes
    human: Floats
    judge: Floats
    between_people: float | None


def judge_card(
    study: Study, evidence: JudgeEvidence, comparisons: Sequence[Comparison], *, floor: float | None
) -> JudgeCard:
    """The judge's card with the corrected effect of every challenger."""
    values = study.table.metrics.get(evidence.metric)
    labels = None if values is None else _labels(study, values, evidence)
    if values is None or labels is None or not len(labels.human):
        nobody = "nobody has rated outputs that this judge scored"
        return JudgeCard(
            evidence.metric, evidence.judge, 0, None, None, None, None, None, evidence.position_bias, False, nobody
        )
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
    reason = _reason(labels, calibration, agreement, beyond, floor=floor) or _contradiction(comparisons, corrected)
    known = calibration is not None and calibration.yes > 0 and calibration.no > 0
    return JudgeCard(
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
    )


def _rates(study: Study, values: MetricValues, labels: _Labels) -> list[tuple[str, Interval]]:
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
        return passed("judge", f"The judge of {card.metric} agrees with people{agreed}.")
    told = f"The automatic judge of {card.metric} is not reliable here: {card.reason}."
    return failed("judge", told) if deciding else warned("judge", told)


def _reason(
    labels: _Labels,
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
    raw = {c.treatment: c.estimate for c in comparisons if c.slice is None and c.ok and c.better != "unclear"}
    for treatment, interval in corrected:
        estimate = raw.get(treatment)
        if estimate is not None and estimate * interval.estimate < 0:
            return f"corrected by what people said, the effect of {treatment} turns around"
    return ""


def _labels(study: Study, values: MetricValues, evidence: JudgeEvidence) -> _Labels | None:
    """People's mean and the judge's value for every output that has both."""
    if evidence.labels is None or not len(evidence.labels):
        return None
    import pandas as pd

    table = evidence.labels
    variants = {name: code for code, name in enumerate(study.table.variants)}
    units = {name: code for code, name in enumerate(study.table.unit_names)}
    variant = table["variant"].map(lambda name: variants.get(str(name), -1)).to_numpy(dtype=np.intp)
    unit = table["unit_id"].map(lambda name: units.get(str(name), -1)).to_numpy(dtype=np.intp)
    human = pd.to_numeric(table["value"], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = (variant >= 0) & (unit >= 0) & np.isfinite(human)
    rater = np.zeros(len(table), dtype=np.intp)
    if "rater_id" in table.columns:
        rater = pd.factorize(table["rater_id"])[0].astype(np.intp)
    cell = variant[known] * study.table.n_units + unit[known]
    order = np.lexsort((human[known], cell))
    cells, position = np.unique(cell[order], return_inverse=True)
    people = totals(position, human[known][order]) / np.bincount(position)
    where = (cells // study.table.n_units, cells % study.table.n_units)
    if values.definition.kind is MetricKind.BINARY:
        people = np.where(people == 0.5, np.nan, people > 0.5)
    judge = values.value[where]
    both = np.isfinite(judge) & np.isfinite(people)
    among = (
        krippendorff_alpha(
            Ratings(position.astype(np.intp), rater[known][order], human[known][order]), LEVELS[values.definition.kind]
        )
        if values.definition.kind in LEVELS and len(position)
        else None
    )
    return _Labels(
        where[0][both],
        where[1][both],
        people[both],
        judge[both],
        among.alpha.estimate if isinstance(among, Agreement) else None,
    )


def _alpha(values: MetricValues, labels: _Labels) -> float | None:
    n = len(labels.human)
    items = np.tile(np.arange(n, dtype=np.intp), 2)
    raters = np.repeat(np.arange(2, dtype=np.intp), n)
    level = LEVELS.get(values.definition.kind, "interval")
    found = krippendorff_alpha(Ratings(items, raters, np.concatenate((labels.human, labels.judge))), level)
    return found.alpha.estimate if isinstance(found, Agreement) else None


def _corrected(
    study: Study, values: MetricValues, labels: _Labels, comparison: Comparison, calibration: Calibration | None
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
    study: Study, values: MetricValues, labels: _Labels, codes: tuple[int, int], *, alpha: float
) -> Corrected | NotEstimable:
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
