"""How the models answered, as checks of the evidence: answers without text, cut, refused, or not the JSON asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.results.comparisons.health import HealthCheck, failed, passed, warned
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.stats.proportions import score_test
from experiments.vocabulary import HealthStatus

FEWEST_ANSWERS = 10
"""Below this many answers of a variant a share says nothing."""
MOST = 0.5
"""From this share of one variant's answers on, what is compared is the fault and not the prompt."""
NOTABLE = 0.05
APART = 0.10
DIFFERENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCounts:
    """Answers of one variant by what became of them; failed calls are no answers.

    ``empty`` answers hold no text and call no tool, whatever the reason; ``cut`` ones hold text and reached the token
    limit. ``label_sized`` says that the variant's own limit allows a label only, so that each answer ends there.
    """

    variant: str
    answers: int
    empty: int = 0
    cut: int = 0
    refused: int = 0
    not_json: int = 0
    label_sized: bool = False


@dataclass(frozen=True, slots=True)
class _Fault:
    """One way to answer badly: whether most answers of a variant, or a difference between two, end the comparison."""

    words: str
    cure: str
    count: Callable[[AnswerCounts], int]
    blocks_most: bool = True
    blocks_apart: bool = False
    measurable: bool = False
    """Whether a scorer may count it, so that it is the very thing that is compared."""


_FAULTS = (
    _Fault(
        "hold no text",
        "Read a few; often reasoning uses up the token limit: raise max_tokens, then run again.",
        lambda c: c.empty,
        blocks_apart=True,
    ),
    _Fault(
        "were cut at the token limit",
        "Raise max_tokens of every variant, then run again.",
        lambda c: 0 if c.label_sized else c.cut,
    ),
    _Fault(
        "were refused by the model or its filter",
        "Read a few; another model or wording may answer.",
        lambda c: c.refused,
        measurable=True,
    ),
    _Fault(
        "are not the JSON that was asked for",
        "Read a few; a schema in response_format may help.",
        lambda c: c.not_json,
        blocks_most=False,
    ),
)


def answer_checks(counts: Sequence[AnswerCounts], *, refusals_measured: bool = False) -> list[HealthCheck]:
    """The check ``answers``: one finding per fault that is notable, or one that all is well; empty without answers.

    Half of a variant's answers without text, cut or refused block the verdict: the scores then tell of limits and
    filters, not of prompts. A difference of 10 points in answers without text does so too (score test, p < 0.01).
    Refusals that are ``refusals_measured`` (the plan scores them) are shown and never block.
    """
    enough = [c for c in counts if c.answers >= FEWEST_ANSWERS]
    if not enough:
        return []
    findings = [finding for fault in _FAULTS for finding in _findings(fault, enough, refusals_measured)]
    return findings or [passed("answers", "Answers hold text and were not cut or refused.")]


def refusals_of(study: Study, primary: Target) -> list[HealthCheck]:
    """What a table knows by itself: units with a refused answer of the deciding metric; empty where that is nothing."""
    values = study.table.metrics.get(primary.metric)
    if values is None or not values.refused.any():
        return []
    counts = []
    for name in (study.control, *study.challengers):
        if study.table.has(name):
            code = study.table.code(name)
            answered = study.mask & values.present[code] & ~values.errors[code]
            refused = int((answered & values.refused[code]).sum())
            counts.append(AnswerCounts(variant=name, answers=int(answered.sum()), refused=refused))
    return [check for check in answer_checks(counts) if check.status is not HealthStatus.OK]


def _findings(fault: _Fault, counts: Sequence[AnswerCounts], refusals_measured: bool) -> list[HealthCheck]:
    lost = [fault.count(c) for c in counts]
    shares = [n / c.answers for n, c in zip(lost, counts, strict=True)]
    if max(shares) < NOTABLE:
        return []
    told = ", ".join(f"{n:,} of {c.answers:,} for {c.variant}" for n, c in zip(lost, counts, strict=True))
    message = f"Answers {fault.words}: {told}."
    most = fault.blocks_most and max(shares) >= MOST
    apart = fault.blocks_apart and _apart(lost, counts)
    if (most or apart) and not (refusals_measured and fault.measurable):
        return [failed("answers", f"{message} {fault.cure}")]
    return [warned("answers", message)]


def _apart(lost: Sequence[int], counts: Sequence[AnswerCounts]) -> bool:
    """Whether any variant differs from the first by 10 points and by more than chance."""
    first = (lost[0], counts[0].answers)
    others = [(n, c.answers) for n, c in zip(lost[1:], counts[1:], strict=True)]
    return any(
        abs(first[0] / first[1] - other[0] / other[1]) >= APART and score_test(first, other) < DIFFERENT
        for other in others
    )
