"""The first of the four kinds of error: what the person or program that asked can fix.

The others: one failed item of a batch is a stored ``vocabulary.Failure``; a number that the data cannot carry is
``stats.estimates.NotEstimable``; a production fetch never raises but answers with a reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence


class BakeoffError(Exception):
    """Bad input or a broken precondition, told in one sentence.

    ``code`` is a stable snake_case word for programs, ``message`` says what and where, ``hint`` what to do.
    None of them holds a path of the server, SQL, a secret or a traceback. ``status`` is the HTTP status.
    """

    status = 400

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, and the hint after it."""
        return f"{self.message} {self.hint}".strip()


class NotFound(BakeoffError):
    """A name that does not exist."""

    status = 404


class Forbidden(BakeoffError):
    """The actor may not do this."""

    status = 403


class Unauthenticated(BakeoffError):
    """Nobody knows who asks: a key, a link or a login is needed."""

    status = 401


class Gone(BakeoffError):
    """It was there and is over."""

    status = 410


class Conflict(BakeoffError):
    """Someone else changed it in the meantime, or the rules of its state do not allow it."""

    status = 409


class TooLarge(BakeoffError):
    """Beyond a stated limit."""

    status = 413


class Unavailable(BakeoffError):
    """The database cannot be reached or takes nothing now; the same request may do later."""

    status = 503


class StoppedByBudget(BakeoffError):
    """The budget stop was reached; everything finished is kept."""

    status = 402


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for a name that does not exist: the nearest known one, or the first few there are."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"Known: {', '.join(known[:10])}{more}." if known else "There are none yet."
