"""The output holds a text."""

from __future__ import annotations

from experiments.scoring.context import ScoringContext
from experiments.scoring.expected_texts import SOURCES, Match, refuse_blank_texts, score_texts, texts_to_find
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(
    kind=MetricKind.BINARY,
    version="2",
    needs={"reference"},
    main="text",
    instead_of_reference=SOURCES,
    check=refuse_blank_texts,
    example={"texts": ["refund", "replacement"], "match": "any"},
)
def contains(
    ctx: ScoringContext,
    *,
    text: str | None = None,
    texts: tuple[str, ...] | None = None,
    column: str | None = None,
    match: Match = "any",
    ignore_case: bool = False,
    negate: bool = False,
) -> Score:
    """1 when the output contains the text, or any (or all) of several texts; without them, the reference.

    Options:
        text: The text to look for.
        texts: Several texts to look for.
        column: Column of the test set that holds them, one a line or as a JSON list.
        match: Whether any or all of several texts must be there.
        ignore_case: Treat A and a as the same letter.
        negate: 1 when it is not there instead.
    """
    output = ctx.output.casefold() if ignore_case else ctx.output

    def holds(wanted: str) -> bool:
        return (wanted.casefold() if ignore_case else wanted) in output

    return score_texts(texts_to_find(ctx, text, texts, column), holds, match=match, negate=negate)
