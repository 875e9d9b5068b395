"""The texts that ``contains``, ``starts_with`` and ``ends_with`` look for, wherever they are written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from experiments.scoring.context import ScoringContext
from experiments.scoring.json_text import texts_of
from experiments.scoring.reasons import quote, quote_some
from experiments.scoring.right_answers import right_answers
from experiments.vocabulary import Score

SOURCES = ("text", "texts", "column")
Match = Literal["any", "all"]


def refuse_blank_texts(options: Mapping[str, Any]) -> None:
    """Raises ValueError when a text to look for is blank: every output would hold it."""
    given = [options["text"]] if options["text"] is not None else options["texts"]
    if given is not None and (not given or not all(text.strip() for text in given)):
        raise ValueError("a text to look for is empty")


def texts_to_find(
    ctx: ScoringContext, text: str | None, texts: tuple[str, ...] | None, column: str | None
) -> list[str]:
    """The texts of the one source that is given, else the reference; of a column one a line or a JSON list."""
    if text is not None:
        return [text]
    if texts is not None:
        return list(texts)
    if column is not None:
        return texts_of(ctx.row[column] or "")
    assert ctx.reference is not None
    return [answer.strip() for answer in right_answers(ctx.reference)]


def score_texts(
    wanted: list[str],
    holds: Callable[[str], bool],
    *,
    match: Match,
    negate: bool,
    verb: tuple[str, str] = ("contains", "contain"),
) -> Score:
    """1 when any (or all) of the wanted texts hold, turned round by ``negate``; the reason names the texts."""
    missing = [text for text in wanted if not holds(text)]
    present = len(missing) < len(wanted) if match == "any" else not missing
    if present != negate:
        return Score(1.0)
    if negate:
        lacking = set(missing)
        return Score(0.0, f"{verb[0]} {quote_some([text for text in wanted if text not in lacking])}")
    if len(wanted) == 1:
        return Score(0.0, f"does not {verb[1]} {quote(wanted[0])}")
    return Score(0.0, f"does not {verb[1]} {'any of ' if match == 'any' else ''}{quote_some(missing)}")
