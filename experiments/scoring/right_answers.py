"""What a reference says is right, and in which form texts are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from experiments.scoring.context import ScoringContext
from experiments.vocabulary import Score

Function = Callable[..., Score]


def right_answers(reference: str) -> list[str]:
    """The answers that a reference allows: the texts and numbers of a JSON list, else the reference itself.

    A list that holds anything else (lists, objects) is one answer, as it is written; so is an empty one.
    """
    if not reference.lstrip().startswith("["):
        return [reference]
    from experiments.scoring.json_text import NotJson, parse_json  # most runs have no list, and do without it

    try:
        value = parse_json(reference)
    except NotJson:
        return [reference]
    if not isinstance(value, list) or not value:
        return [reference]
    if not all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in value):
        return [reference]
    return [answer for answer in map(str, value) if answer.strip()] or [reference]


def of_any_answer(function: Function) -> Function:
    """The scorer that takes the best score over all right answers of the reference, and over the reference itself.

    An answer that repeats the list is as right as before lists were understood. Where no answer gives a value, the
    first reason counts; for a wrong one the reason names how many were allowed.
    """

    def score(ctx: ScoringContext, **options: Any) -> Score:  # noqa: ANN401
        assert ctx.reference is not None
        allowed = right_answers(ctx.reference)
        if allowed == [ctx.reference]:
            return function(ctx, **options)
        scores = [function(replace(ctx, reference=answer), **options) for answer in [*allowed, ctx.reference]]
        known = [one for one in scores if one.value is not None]
        if not known:
            return scores[0]
        best = max(known, key=lambda one: one.value or 0.0)
        if best.reason is None:
            return best
        return replace(best, reason=f"{best.reason} (best of {len(allowed)} right answers)")

    return score


def canonical_text(text: str) -> str:
    """The text with composed letters (Unicode NFC) and plain line ends: the same text from another system is equal."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def on_canonical_texts(function: Function) -> Function:
    """The scorer that sees the output, the reference, the row's cells and its own options in their canonical form."""

    def score(ctx: ScoringContext, **options: Any) -> Score:  # noqa: ANN401
        plain = replace(
            ctx,
            output=canonical_text(ctx.output),
            reference=None if ctx.reference is None else canonical_text(ctx.reference),
            row={name: None if cell is None else canonical_text(cell) for name, cell in ctx.row.items()},
        )
        return function(plain, **{name: _canonical(name, value) for name, value in options.items()})

    return score


def _canonical(name: str, value: object) -> object:
    if name == "column" or name.endswith("_column"):
        return value  # the name of a column, not a text that is compared
    if isinstance(value, str):
        return canonical_text(value)
    return tuple(_canonical("", item) for item in value) if isinstance(value, tuple) else value
