"""How the answers of a run came out, per variant: what the checks of the evidence need to know of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from experiments.loading.runs.blueprint import Arm, Blueprint
from experiments.vocabulary import OutputStatus, ResponseClass
from storage.records import RunRecord
from storage.store import Transaction

if TYPE_CHECKING:
    from experiments.results.comparisons.answer_classes import AnswerCounts

LABEL_TOKENS = 16
"""A token limit up to this is set for one label or letter on purpose; such answers end at it."""
LIMITS = ("max_tokens", "max_completion_tokens")
REFUSED = (ResponseClass.REFUSAL, ResponseClass.CONTENT_FILTER)


def answer_counts(tx: Transaction, blueprint: Blueprint, run: RunRecord) -> tuple[AnswerCounts, ...]:
    """One entry per variant in the order of the experiment, the control first."""
    from experiments.results.comparisons.answer_classes import AnswerCounts

    classes: dict[str, Counter[str]] = {arm.id: Counter() for arm in blueprint.arms}
    for row in tx.runs.counts(run.id):
        if row["status"] == OutputStatus.OK and row["variant_id"] in classes:
            classes[row["variant_id"]][str(row["response_class"])] += int(row["count"])
    without_text = tx.runs.cut_without_text(run.id)
    counts = []
    for arm in blueprint.arms:
        found, starved = classes[arm.id], without_text.get(arm.id, 0)
        counts.append(
            AnswerCounts(
                variant=arm.name,
                answers=found.total(),
                empty=found[ResponseClass.EMPTY] + starved,
                cut=found[ResponseClass.CUT_AT_LENGTH] - starved,
                refused=sum(found[name] for name in REFUSED),
                not_json=found[ResponseClass.BAD_JSON],
                label_sized=_label_sized(arm),
            )
        )
    return tuple(counts)


def measures_refusals(blueprint: Blueprint) -> bool:
    """Whether a scorer of the experiment counts refusals: they are what it is about then, not a fault."""
    return any(use.scorer == "refusal" for use in blueprint.scorer_uses)


def _label_sized(arm: Arm) -> bool:
    limits: Iterable[object] = () if arm.content is None else (arm.content.parameters.get(name) for name in LIMITS)
    return any(isinstance(limit, int) and limit <= LABEL_TOKENS for limit in limits)
