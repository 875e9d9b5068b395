"""The answer came in time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(kind=MetricKind.BINARY, main="max_ms", example={"max_ms": 3000})
def latency_bound(ctx: ScoringContext, *, max_ms: Annotated[float, Field(gt=0)], first_token: bool = False) -> Score:
    """1 when the answer was complete (or its first token came) within the bound.

    A share of answers in time; for means and percentiles use the metric latency_ms itself.

    Options:
        max_ms: The bound in milliseconds.
        first_token: Measure the time to the first token instead; without streaming there is none, and no score.
    """
    taken = ctx.first_token_ms if first_token else ctx.latency_ms
    if taken is None:
        return Score(None, f"the {'time to the first token' if first_token else 'latency'} was not measured")
    return Score(1.0) if taken <= max_ms else Score(0.0, f"{taken:,.0f} ms; at most {max_ms:,.0f} ms allowed")
