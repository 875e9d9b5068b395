"""The schema and its upgrades: bring a database to this program's state, or say why that cannot be."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlmodel import SQLModel

from experiments.errors import BakeoffError
from storage import live_tables, rating_tables, tables
from storage.engine import WRITES
from storage.refusals import translated

_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps its context in the process: two upgrades in two threads would share it."""
_FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> str:
    """Bring the schema to the newest revision and return its name; does nothing when it is there already.

    The upgrade is one transaction, so one that is killed, or that ends without what this program needs, leaves the old
    schema.

    Raises:
        BakeoffError: ``newer_schema`` when the database was written by a newer program; ``schema_differs``.
    """
    head = head_revision()
    with translated(), engine.execution_options(**{WRITES: True}).connect() as connection, connection.begin():
        if current_revision(connection) != head:
            bring_to(connection, head)
    return head


def bring_to(connection: Connection, revision: str) -> None:
    """Bring the schema to a revision in the connection's transaction; to the newest, it is checked as well.

    A revision is only a name in the database: one that was set by hand, or by a program of a side branch, says nothing
    of the tables.

    Raises:
        BakeoffError: ``newer_schema`` for one that this program does not know; ``schema_differs``.
    """
    refuse_unknown(current_revision(connection))
    refuse_unknown(revision)
    config = _config()
    config.attributes["connection"] = connection
    with _ONE_AT_A_TIME:
        try:
            command.upgrade(config, revision)
        except (OperationalError, ProgrammingError) as error:
            if not _names_a_table(error):
                raise
            raise _differs([str(error.orig).splitlines()[0]]) from None
    if revision == head_revision():
        missing = [line for line in differences(connection) if line.startswith("add_")]
        if missing:
            raise _differs(missing)


def check(engine: Engine) -> list[str]:
    """What differs between the database and this program, one line each; empty when nothing does."""
    with translated(), engine.connect() as connection:
        current = current_revision(connection)
        refuse_unknown(current)
        if current != head_revision():
            return [f"the schema is at revision {current or 'none'}, this program needs {head_revision()}"]
        return differences(connection)


def differences(connection: Connection) -> list[str]:
    """What differs between the tables and this program's, whatever revision they are said to have; one line each."""
    context = MigrationContext.configure(connection, opts={"compare_type": False})
    return [_described(difference) for difference in compare_metadata(context, SQLModel.metadata)]


def current_revision(connection: Connection) -> str | None:
    """Revision of the database; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """Newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def table_names() -> list[str]:
    """All tables, those that others refer to first."""
    assert tables.Prompt is not None
    assert rating_tables.RatingSession is not None
    assert live_tables.LivePhase is not None
    return [table.name for table in SQLModel.metadata.sorted_tables]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def refuse_unknown(revision: str | None) -> None:
    """Raise BakeoffError ``newer_schema`` for a revision that this program does not know; None is an empty database."""
    if revision is None:
        return
    try:
        known = ScriptDirectory.from_config(_config()).get_revision(revision)
    except CommandError:
        known = None
    if known is None:
        raise BakeoffError(
            "newer_schema",
            "The database was written by a newer Bakeoff.",
            "Start that version, or restore an older backup.",
        )


def _names_a_table(error: OperationalError | ProgrammingError) -> bool:
    """Whether a step of the history met tables that are not those it starts from."""
    signs = ("no such table", "no such column", "already exists", "duplicate column", "does not exist")
    return any(sign in str(error.orig) for sign in signs)


def _differs(lines: list[str]) -> BakeoffError:
    return BakeoffError(
        "schema_differs",
        f"The tables are not those of the revision that the database names: {'; '.join(lines[:3])}.",
        "Nothing was changed. Restore a backup into a new database (bakeoff db restore).",
    )


def _described(difference: object) -> str:
    if isinstance(difference, tuple) and difference:
        names = [str(getattr(part, "name", part)) for part in difference[1:] if part is not None]
        return f"{difference[0]}: {' '.join(names)}"
    return str(difference)
