"""What a database refuses, as something a person can act on; a mistake of ours stays the error it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, StatementError

from experiments.errors import BakeoffError, Conflict, Unavailable

COMES_BACK = frozenset({"database_busy", "database_unavailable", "disk_full", "old_schema", "damaged_database"})
"""Codes of refusals after which the same writes may be taken later."""


@contextmanager
def translated() -> Iterator[None]:
    """Runs what is inside.

    Raises:
        Conflict: ``changed_meanwhile`` when a rule of the tables was broken by somebody else's change.
        Unavailable: ``database_busy``, ``disk_full`` or ``database_unavailable``.
        BakeoffError: ``old_schema`` or ``damaged_database``; what a column or the engine refuses to store.
    """
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            "changed_meanwhile",
            "Somebody else changed the same thing at this moment.",
            "Nothing was changed; try again.",
        ) from error
    except StatementError as error:
        if isinstance(error.orig, BakeoffError):  # a value was refused on its way into the statement
            raise error.orig from None
        if not isinstance(error, DatabaseError):
            raise
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: DatabaseError) -> BakeoffError | None:
    text = str(error.orig)
    if "not a database" in text or "malformed" in text:
        return BakeoffError(
            "damaged_database",
            "The database file is damaged, or is no database.",
            "Move it away and restore a backup: bakeoff db restore FILE",
        )
    if not isinstance(error, OperationalError):
        return None
    if "locked" in text or "busy" in text:
        return Unavailable("database_busy", "The database stayed busy for too long.", "Nothing was changed; try again.")
    if "disk is full" in text or "No space left" in text:
        return Unavailable(
            "disk_full",
            "The disk of the database is full.",
            "Nothing was changed; free some space and try again.",
        )
    if "no such table" in text or "no such column" in text:
        return BakeoffError("old_schema", "The database is older than this program.", "Run: bakeoff db upgrade")
    return Unavailable(
        "database_unavailable", "The database cannot be reached.", "Check BAKEOFF_DATABASE_URL and try again."
    )
