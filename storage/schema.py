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

    The whole upgrade is one transaction, so a killed one leaves the old schema.

    Raises:
        BakeoffError: ``newer_schema`` when the database was written by a newer program.
    """
    head = head_revision()
    with (
        _ONE_AT_A_TIME,
        translated(),
        engine.execution_options(**{WRITES: True}).connect() as connection,
        connection.begin(),
    ):
        current = current_revision(connection)
        if current == head:
            return head
        _refuse_newer(current)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head


def check(engine: Engine) -> list[str]:
    """What differs between the database and this program, one line each; empty when nothing does."""
    with translated(), engine.connect() as connection:
        current = current_revision(connection)
        _refuse_newer(current)
        if current != head_revision():
            return [f"the schema is at revision {current or 'none'}, this program needs {head_revision()}"]
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


def _refuse_newer(revision: str | None) -> None:
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


def _described(difference: object) -> str:
    if isinstance(difference, tuple) and difference:
        names = [str(getattr(part, "name", part)) for part in difference[1:] if part is not None]
        return f"{difference[0]}: {' '.join(names)}"
    return str(difference)
