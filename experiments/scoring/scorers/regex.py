"""The output matches a regular expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.scoring.context import ScoringContext
from experiments.scoring.patterns import Pattern, PatternTooSlow, found
from experiments.scoring.reasons import one_line, quote
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


def _one_source(options: Mapping[str, Any]) -> None:
    if (options["pattern"] is None) == (options["column"] is None):
        raise ValueError("give either 'pattern' or 'column'")


@scorer(kind=MetricKind.BINARY, main="pattern", check=_one_source, example={"pattern": "(?i)next step"})
def regex(
    ctx: ScoringContext,
    *,
    pattern: Pattern | None = None,
    column: str | None = None,
    full: bool = False,
    ignore_case: bool = False,
    negate: bool = False,
) -> Score:
    """1 when the regular expression matches somewhere in the output. A search that takes over 250 ms gives no score.

    Options:
        pattern: The regular expression, in Python's syntax.
        column: Column of the test set that holds it instead.
        full: It must match the whole output, outer spaces aside.
        ignore_case: Treat A and a as the same letter.
        negate: 1 when it does not match instead.
    """
    expression = pattern if pattern is not None else ctx.row[column or ""] or ""
    try:
        matched = found(
            f"(?i){expression}" if ignore_case else expression, ctx.output.strip() if full else ctx.output, whole=full
        )
    except PatternTooSlow as error:
        return Score(None, str(error))
    except ValueError as error:
        return Score(None, one_line(f"the pattern in the column {quote(str(column))} {error}"))
    if matched != negate:
        return Score(1.0)
    return Score(0.0, f"{'matches' if negate else 'does not match'} {quote(expression)}")
