"""Regular expressions that cannot run away: compiled once, searched under a time limit."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import regex as regex_library
from pydantic import AfterValidator

MAX_PATTERN_CHARACTERS = 2000
TIME_LIMIT_S = 0.25


class PatternTooSlow(Exception):
    """The search was stopped at the time limit; the message names it."""


def compiled(pattern: str) -> regex_library.Pattern[str]:
    """The compiled pattern. Raises ValueError with the place of the mistake, or when it is absurdly long."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"the pattern is longer than {MAX_PATTERN_CHARACTERS} characters")
    try:
        return _compiled(pattern)
    except (regex_library.error, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"is no regular expression: {error}") from None


def found(pattern: str, text: str, *, whole: bool = False) -> bool:
    """True when the pattern matches somewhere (or the ``whole`` text).

    Raises:
        PatternTooSlow: after 250 ms.
        ValueError: the pattern does not compile.
    """
    expression = compiled(pattern)
    try:
        # not concurrent: giving up the interpreter's lock for microseconds lets the ledger take it for milliseconds
        match = (expression.fullmatch if whole else expression.search)(text, timeout=TIME_LIMIT_S, concurrent=False)
    except TimeoutError:
        raise PatternTooSlow(f"the pattern took longer than {TIME_LIMIT_S * 1000:.0f} ms") from None
    return match is not None


def _checked(pattern: str) -> str:
    compiled(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_checked)]
"""The type of an option that is a regular expression: refused when the experiment is read, not on each row."""


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> regex_library.Pattern[str]:
    return regex_library.compile(pattern, cache_pattern=False)
