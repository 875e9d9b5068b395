"""The output names its sources, and only those it was given."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.json_text import texts_of
from experiments.scoring.reasons import quote_some
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

_NUMBERS = re.compile(r"\[(\^?[1-9]\d{0,3}(?:\s?[,;–-]\s?\^?\d{1,4}){0,20})\]")
_NUMBER_OR_RANGE = re.compile(r"(\d{1,4})(?:\s?[–-]\s?(\d{1,4}))?")
_URL = re.compile(r"\bhttps?://[^\s<>\"'`|\\^{}\[\]]{1,2000}+", re.IGNORECASE)
_SOURCE_NUMBER = re.compile(r"^\s*\[?\^?(\d{1,4})[\].:)]", re.MULTILINE)
_LONGEST_RANGE = 100


@scorer(kind=MetricKind.BINARY, main="style", example={"style": "number", "sources_column": "sources", "at_least": 1})
def citations(
    ctx: ScoringContext,
    *,
    style: Literal["any", "number", "url"] = "any",
    sources_column: str | None = None,
    at_least: Annotated[int, Field(ge=1)] = 1,
) -> Score:
    """1 when the output cites as [1], [2, 3], [4-6] or by web address, and nothing beyond the allowed sources.

    Of the sources a web address counts whatever its scheme, "www.", fragment and last slash; a number counts when a
    source begins with it, as in [1] or 1., or else when there are that many sources.

    Options:
        style: Which form counts.
        sources_column: Column with the allowed sources, one a line or as a JSON list; without it all are allowed.
        at_least: How many different sources must be cited.
    """
    numbers = cited_numbers(ctx.output) if style != "url" else set()
    addresses = {_same_address(url) for url in _URL.findall(ctx.output)} if style != "number" else set()
    if sources_column is not None:
        sources = texts_of(ctx.row[sources_column] or "")
        foreign = sorted(numbers - _source_numbers(sources))
        if foreign:
            return Score(0.0, f"cites {', '.join(f'[{n}]' for n in foreign[:5])}, which is no source")
        unknown = sorted(addresses - {_same_address(url) for url in _URL.findall("\n".join(sources))})
        if unknown:
            return Score(0.0, f"cites {quote_some(unknown)}, which is no source")
    n = len(numbers) + len(addresses)
    return Score(1.0) if n >= at_least else Score(0.0, f"cites {n} sources, at least {at_least} wanted")


def cited_numbers(text: str) -> set[int]:
    """The numbers in square brackets: [1], [2, 3] and the range [4-6]."""
    found: set[int] = set()
    for bracket in _NUMBERS.findall(text):
        for first, last in _NUMBER_OR_RANGE.findall(bracket.replace("^", "")):
            low, high = int(first), int(last or first)
            found.update(range(low, high + 1) if 0 <= high - low <= _LONGEST_RANGE else (low, high))
    return found


def _source_numbers(sources: list[str]) -> set[int]:
    numbered = {int(n) for n in _SOURCE_NUMBER.findall("\n".join(sources))}
    return numbered or set(range(1, len(sources) + 1))


def _same_address(url: str) -> str:
    """The address without scheme, www., fragment, closing marks and last slash, so that ways to write it are one."""
    bare = url.split("#", 1)[0].rstrip(".,;:!?*_)]}'\"»”’/")
    return re.sub(r"^https?://(?:www\.)?", "", bare, flags=re.IGNORECASE)
