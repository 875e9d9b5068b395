"""The answer was cheap enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(kind=MetricKind.BINARY, needs={"cost_usd"}, main="max_usd", example={"max_usd": 0.002})
def cost_bound(ctx: ScoringContext, *, max_usd: Annotated[float, Field(gt=0)]) -> Score:
    """1 when the answer cost no more than the bound; an unknown price gives no score.

    For the mean cost use the metric cost_usd itself.

    Options:
        max_usd: The bound in US dollars for one answer.
    """
    assert ctx.cost_usd is not None
    return (
        Score(1.0)
        if ctx.cost_usd <= max_usd
        else Score(0.0, f"{ctx.cost_usd:.4g} usd; at most {max_usd:g} usd allowed")
    )
