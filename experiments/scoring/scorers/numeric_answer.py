"""The number a text ends on, against the reference number."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.final_answers import final_numeral
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(
    kind=MetricKind.BINARY,
    version="2",
    any_answer=True,
    needs={"reference"},
    main="tolerance",
    example={"tolerance": 0.01},
)
def numeric_answer(
    ctx: ScoringContext,
    *,
    tolerance: Annotated[float, Field(ge=0)] = 1e-6,
    relative_tolerance: Annotated[float, Field(ge=0)] = 0.0,
) -> Score:
    r"""1 when the number that the output gives as its answer equals the number of the reference.

    The answer is the number in \boxed{}, after ####, after "answer is", "Answer:" or a line's "A:", else the last
    number. Thousands separators, currencies, percent, fractions, powers of ten and "2.5 million" are read; 50% equals
    50 and 0.5. A decimal comma is read where it cannot group thousands: 12,5 is 12.5, but 1,234 is 1234. An output
    without a number scores 0; a reference without one gives no score.

    Options:
        tolerance: Largest difference that still counts as equal.
        relative_tolerance: The same as a share of the reference; the larger of the two holds.
    """
    assert ctx.reference is not None
    expected = final_numeral(ctx.reference)
    if expected is None:
        return Score(None, "the reference holds no number")
    answer = final_numeral(ctx.output)
    if answer is None:
        return Score(0.0, "no number in the output")
    if answer.matches(expected, tolerance=tolerance, relative_tolerance=relative_tolerance):
        return Score(1.0)
    return Score(0.0, f"answered {answer.value:.10g}, expected {expected.value:.10g}")
