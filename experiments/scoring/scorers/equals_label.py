"""The label the model chose is the right one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.scoring.context import ScoringContext
from experiments.scoring.labels import mentioned, normal_label
from experiments.scoring.reasons import quote, quote_some
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

LONGEST_ANSWER = 2000


def _different_labels(options: Mapping[str, Any]) -> None:
    labels = [normal_label(label) for label in options["labels"]]
    if len(set(labels)) < len(labels) or "" in labels:
        raise ValueError("two labels are the same once case and marks are taken off, or one is empty")


@scorer(
    kind=MetricKind.BINARY,
    version="2",
    any_answer=True,
    needs={"reference"},
    main="labels",
    check=_different_labels,
    example={"labels": ["billing", "bug", "other"]},
)
def equals_label(ctx: ScoringContext, *, labels: tuple[str, ...] = ()) -> Score:
    """1 when the output is the reference label; case, quotes, marks and a leading "Label:" do not count.

    With ``labels`` the output may also be a sentence (up to 2,000 characters) that mentions exactly one of them.

    Options:
        labels: All labels there are.
    """
    assert ctx.reference is not None
    if len(ctx.output) > LONGEST_ANSWER:
        return Score(0.0, "the output is too long to be a label")
    expected, answer = normal_label(ctx.reference), normal_label(ctx.output)
    known = [normal_label(label) for label in labels]
    if known and answer not in known:
        named = mentioned(ctx.output, known)
        if len(named) > 1:
            return Score(0.0, f"names several labels: {quote_some(named)}")
        answer = named[0] if named else answer
    if answer == expected:
        return Score(1.0)
    return Score(0.0, f"answered {quote(answer)}, expected {quote(expected)}")
