"""The output starts with a text."""

from __future__ import annotations

from experiments.scoring.context import ScoringContext
from experiments.scoring.expected_texts import SOURCES, refuse_blank_texts, score_texts, texts_to_find
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(
    kind=MetricKind.BINARY,
    version="2",
    needs={"reference"},
    main="text",
    instead_of_reference=SOURCES,
    check=refuse_blank_texts,
    example={"text": "Dear"},
)
def starts_with(
    ctx: ScoringContext,
    *,
    text: str | None = None,
    texts: tuple[str, ...] | None = None,
    column: str | None = None,
    ignore_case: bool = False,
    negate: bool = False,
) -> Score:
    """1 when the output starts with the text or one of several; without them, the reference. Outer spaces do not count.

    Options:
        text: The text to look for.
        texts: Several texts, of which one is enough.
        column: Column of the test set that holds them, one a line or as a JSON list.
        ignore_case: Treat A and a as the same letter.
        negate: 1 when it does not start so instead.
    """
    output = ctx.output.strip().casefold() if ignore_case else ctx.output.strip()

    def holds(wanted: str) -> bool:
        return output.startswith((wanted.casefold() if ignore_case else wanted).strip())

    wanted = texts_to_find(ctx, text, texts, column)
    return score_texts(wanted, holds, match="any", negate=negate, verb=("starts with", "start with"))
