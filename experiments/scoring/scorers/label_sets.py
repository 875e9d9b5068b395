"""Several labels at once: those the model chose against the right ones."""

from __future__ import annotations

from typing import Literal

from experiments.scoring.context import ScoringContext
from experiments.scoring.labels import label_set
from experiments.scoring.overlap import f_measure
from experiments.scoring.reasons import quote_some
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(kind=MetricKind.SCORE, version="2", needs={"reference"}, main="measure", example={"measure": "recall"})
def label_sets(ctx: ScoringContext, *, measure: Literal["f1", "precision", "recall"] = "f1") -> Score:
    """0 to 1: agreement of the labels in the output with those in the reference, for this row.

    Either is a JSON list, or labels parted by commas, semicolons, bars or lines; case, quotes and marks do not count.
    An empty list in both is full agreement, an empty one in either none; write it as [] because a blank reference
    counts as none. The mean over rows is the sample-averaged measure; macro averages over labels need the whole run.

    Options:
        measure: Share of the right labels found (recall), of the chosen ones right (precision), or both (f1).

    Source: precision, recall and F1 per sample: Tsoumakas, Katakis 2007, section 4.
    """
    assert ctx.reference is not None
    chosen, right = label_set(ctx.output), label_set(ctx.reference)
    if not chosen or not right:
        return Score(float(chosen == right), None if chosen == right else "one of the two holds no label")
    hits = len(chosen & right)
    precision, recall = hits / len(chosen), hits / len(right)
    value = {"precision": precision, "recall": recall, "f1": f_measure(precision, recall)}[measure]
    told = [f"missing {quote_some(sorted(right - chosen))}"] if right - chosen else []
    told += [f"wrong {quote_some(sorted(chosen - right))}"] if chosen - right else []
    return Score(value, "; ".join(told) or None)
