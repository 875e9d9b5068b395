"""The output is the reference."""

from __future__ import annotations

from experiments.scoring.context import ScoringContext
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(
    kind=MetricKind.BINARY,
    version="2",
    any_answer=True,
    needs={"reference"},
    main="ignore_case",
    example={"ignore_case": True},
)
def exact_match(ctx: ScoringContext, *, ignore_case: bool = False) -> Score:
    """1 when the output equals the reference; spaces around either do not count.

    Options:
        ignore_case: Treat A and a as the same letter.
    """
    assert ctx.reference is not None
    output, reference = ctx.output.strip(), ctx.reference.strip()
    same = output.casefold() == reference.casefold() if ignore_case else output == reference
    return Score(1.0) if same else Score(0.0, "differs from the reference")
