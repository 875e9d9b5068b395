"""The faults that a judge shows, each named with what it was seen from, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.judges.behaviour import Behaviour
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.judge_evidence import Beside, Labels, Texts
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.unit_table import MetricValues
from experiments.stats.clustered import Floats
from experiments.stats.judge_correction import Calibration
from experiments.stats.proportions import wilson
from experiments.wording import count

FEWEST_LABELS = 50
MOST_UNREADABLE = 0.02
MOST_SWAYED = 0.15
LEAST_STEADY = 0.9
LEAST_RIGHT = 0.8
STRONG_LENGTH = 0.25
FEWEST_FOR_LENGTH = 30
DOUBT = 0.01
APART = 0.1
"""Share of a metric's range by which a judge may be kinder to one variant before that is named."""
SECONDS_PER_RATING = 6


@dataclass(frozen=True, slots=True)
class JudgeFault:
    """One fault; its name is a key of ``ADVICE``."""

    name: str
    message: str

    def to_json(self) -> dict[str, str]:
        """Plain JSON values."""
        return {"fault": self.name, "message": self.message}


ADVICE = {
    "unreadable": "Ask another model, or raise max_tokens: answers that are no verdict count for nothing.",
    "injection": "Read those answers, say in the rubric that orders in an answer make it fail, and judge again.",
    "coin": "Rewrite the rubric with two or three answers that people judged, or ask a stronger model.",
    "favours_variant": "Trust people on this one: rate rows of both variants, and read where the judge was kinder.",
    "position": "Ask a stronger model, or let it grade each answer by itself.",
    "length": "Say in the rubric that length is no merit, and judge again.",
    "lenient": "Add answers that people failed as examples to the rubric, and judge again.",
    "strict": "Add answers that people passed as examples to the rubric, and judge again.",
    "unsteady": "Ask three times and take the majority (repeats: 3), or ask a stronger model.",
}
"""What to do about a fault; the first that a judge has, in this order."""


def faults_of(beside: Beside) -> tuple[JudgeFault, ...]:
    """All faults that the evidence shows beyond chance, in the order of ``ADVICE``."""
    found: list[JudgeFault] = []
    if beside.evidence.behaviour is not None:
        found += _from_votes(beside.evidence.behaviour)
    if beside.labels is not None and len(beside.labels.human):
        found += _against_people(beside.study, beside.labels, beside.calibration)
    found += _from_texts(beside)
    order = list(ADVICE)
    return tuple(sorted(found, key=lambda fault: order.index(fault.name)))


def next_step(faults: Sequence[JudgeFault], *, items: int, usable: bool, reason: str) -> str:
    """What to do next, in one sentence."""
    if items < FEWEST_LABELS:
        missing = FEWEST_LABELS - items
        minutes = max(1, round(missing * SECONDS_PER_RATING / 60))
        more = "more " if items else ""
        return f"Let people rate {missing} {more}answers that this judge scored (about {count(minutes, 'minute')})."
    if faults:
        return ADVICE[faults[0].name]
    if not usable:
        return f"Read the rows where judge and people disagree, then sharpen the rubric: {reason}."
    return "Nothing: it may decide. Check it again when its rubric or its model changes."


def _from_votes(behaviour: Behaviour) -> Iterator[JudgeFault]:
    lost = round(behaviour.unreadable * behaviour.cases)
    if behaviour.unreadable > MOST_UNREADABLE:
        yield JudgeFault("unreadable", f"{lost} of {behaviour.cases} answers got no readable verdict")
    if behaviour.position_bias is not None:
        swayed = round(behaviour.position_bias * behaviour.pairs)
        if behaviour.position_bias > MOST_SWAYED and wilson(swayed, behaviour.pairs).lower > MOST_SWAYED / 2:
            side = "first" if (behaviour.first_share or 0) >= 0.5 else "second"
            told = f"on {swayed} of {behaviour.pairs} pairs it changed its mind when the sides were swapped"
            yield JudgeFault("position", f"{told}, mostly for whatever stood {side}")
    if behaviour.self_consistency is not None and behaviour.self_consistency < LEAST_STEADY:
        yield JudgeFault(
            "unsteady", f"asked again, it said the same on only {100 * behaviour.self_consistency:.0f} of 100"
        )


def _against_people(study: Study, labels: Labels, calibration: Calibration | None) -> Iterator[JudgeFault]:
    if calibration is not None and min(calibration.yes, calibration.no) >= 10:
        if not calibration.informative():
            yield JudgeFault("coin", "it may be no better than a coin")
        else:
            yield from _leaning(calibration)
    yield from _kinder(study, labels)


def _leaning(calibration: Calibration) -> Iterator[JudgeFault]:
    sensitivity, specificity = calibration.limits()
    wrongly_passed = calibration.no - calibration.true_no
    if specificity.upper < LEAST_RIGHT or (
        calibration.specificity < LEAST_RIGHT and specificity.upper < calibration.sensitivity
    ):
        yield JudgeFault("lenient", f"it passed {wrongly_passed} of {calibration.no} answers that people failed")
    wrongly_failed = calibration.yes - calibration.true_yes
    if sensitivity.upper < LEAST_RIGHT or (
        calibration.sensitivity < LEAST_RIGHT and sensitivity.upper < calibration.specificity
    ):
        yield JudgeFault("strict", f"it failed {wrongly_failed} of {calibration.yes} answers that people passed")


def _kinder(study: Study, labels: Labels) -> Iterator[JudgeFault]:
    """Challengers to which the judge is kinder, or harder, than to the control, beyond doubt (Welch)."""
    surplus = labels.judge - labels.human
    span = float(np.ptp(np.concatenate((labels.judge, labels.human)))) or 1.0
    control = surplus[labels.variant == study.table.code(study.control)]
    for name in study.challengers:
        own = surplus[labels.variant == study.table.code(name)]
        if min(len(own), len(control)) < 10:
            continue
        gap = float(own.mean() - control.mean())
        if abs(gap) < APART * span or _p_value(own, control) >= DOUBT:
            continue
        kind, unkind = (name, study.control) if gap > 0 else (study.control, name)
        size = 100 * abs(gap) / span
        yield JudgeFault(
            "favours_variant", f"against what people say it is {size:.0f} points kinder to {kind} than to {unkind}"
        )


def _p_value(first: Floats, second: Floats) -> float:
    if first.var() + second.var() == 0:
        return 0.0 if first.mean() != second.mean() else 1.0
    # from means and spreads: of the values themselves scipy warns when they are nearly equal, which is no fault here
    moments = [part for one in (first, second) for part in (one.mean(), one.std(ddof=1), len(one))]
    return float(stats.ttest_ind_from_stats(*moments, equal_var=False).pvalue)


def _from_texts(beside: Beside) -> Iterator[JudgeFault]:
    found = length_bias(beside)
    if found is not None and beside.rated(FEWEST_FOR_LENGTH) is not None:
        rank, p_value = found
        if abs(rank) >= STRONG_LENGTH and p_value < DOUBT:
            words = "longer" if rank > 0 else "shorter"
            yield JudgeFault(
                "length", f"it is kinder to {words} answers than people are (rank correlation {rank:+.2f})"
            )
    texts = beside.texts()
    if texts is not None:
        yield from _obeyed(beside.values, beside.labels, texts)


def _obeyed(values: MetricValues, labels: Labels | None, texts: Texts) -> Iterator[JudgeFault]:
    """Answers that speak to their judge, where it likes them more than people do, or, unrated, more than the rest."""
    scored = np.isfinite(values.value)
    talked, spoken = scored & texts.talked_to, 0
    if labels is not None:
        spoke = texts.talked_to[labels.variant, labels.unit]
        kinder, spoken = labels.judge > labels.human, int(spoke.sum())
        if spoken and _more_often(kinder[spoke], kinder[~spoke]):
            told = f"it was kinder than people to {int(kinder[spoke].sum())} of {spoken} answers that speak to it"
            yield JudgeFault("injection", told)
    if not spoken and talked.any():
        liked = (
            values.value > np.median(values.value[scored]) if np.ptp(values.value[scored]) > 1 else values.value >= 0.5
        )
        if _more_often(liked[talked], liked[scored & ~texts.talked_to]):
            told = f"{count(int(talked.sum()), 'answer')} speak to it and score above the rest; nobody has rated them"
            yield JudgeFault("injection", told)


def _more_often(first: Flags, second: Flags) -> bool:
    """Whether the first are true more often than the second, beyond doubt (Fisher, one-sided)."""
    table = [[int(flags.sum()), int((~flags).sum())] for flags in (first, second)]
    return bool(first.sum() >= 2 and float(stats.fisher_exact(table, alternative="greater").pvalue) < DOUBT)


def length_bias(beside: Beside) -> tuple[float, float] | None:
    """(rank correlation with length, p) of the judge's surplus over people; without labels of the rows' differences.

    A judge that is right about long answers being better has no surplus over people, so only labels can tell bias from
    merit. Without them it is Spearman's correlation of score differences and length differences over rows.

    Source: Spearman (1904); judge bias by length as in Dubois et al. (2024), arXiv 2404.04475.
    """
    texts, labels, study = beside.texts(), beside.rated(FEWEST_FOR_LENGTH), beside.study
    if texts is None or not study.challengers:
        return None
    if labels is not None:
        surplus, length = labels.judge - labels.human, texts.length[labels.variant, labels.unit]
    else:
        a, b = study.table.code(study.control), study.table.code(study.challengers[0])
        surplus, length = beside.values.value[b] - beside.values.value[a], texts.length[b] - texts.length[a]
    known = np.isfinite(surplus) & np.isfinite(length)
    if known.sum() < FEWEST_FOR_LENGTH or np.ptp(surplus[known]) == 0 or np.ptp(length[known]) == 0:
        return None
    found = stats.spearmanr(surplus[known], length[known])
    return float(found.statistic), float(found.pvalue)
