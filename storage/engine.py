"""Database URL → Engine: SQLite in WAL mode with immediate write transactions, or PostgreSQL through psycopg 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from experiments.errors import BakeoffError
from experiments.plain_text import check_text, check_texts, is_storable

BUSY_TIMEOUT_MS = 20_000
STORED_TEXT = "A text that was to be stored or looked up"
WRITES = "bakeoff_writes"
"""Execution option of a connection that will write: its transaction begins as IMMEDIATE on SQLite."""


def open_engine(url: str) -> Engine:
    """An engine for the URL; nothing is created or connected yet, except the folder of a SQLite file.

    Raises:
        BakeoffError: ``bad_database_url`` when the URL is neither SQLite nor PostgreSQL (psycopg).
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BakeoffError("bad_database_url", "BAKEOFF_DATABASE_URL is not a database URL.", _URL_HINT) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        return _open_sqlite(parsed.database)
    if parsed.drivername == "postgresql+psycopg":
        return _refuse_unstorable(
            create_engine(
                parsed,
                pool_size=10,
                max_overflow=20,
                pool_pre_ping=True,
                json_serializer=_dump_json,
                connect_args={"connect_timeout": 10},
            )
        )
    raise BakeoffError("bad_database_url", f"Bakeoff does not speak {parsed.drivername}.", _URL_HINT)


_URL_HINT = "Use sqlite:///file.db or postgresql+psycopg://user:password@host/name."


def is_sqlite(engine: Engine | Connection) -> bool:
    """True for SQLite, False for PostgreSQL."""
    return engine.dialect.name == "sqlite"


def _dump_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if "\\u0000" in text or not is_storable(text):  # JSON writes \\u0000 for NUL, which PostgreSQL refuses to read
        check_texts(value, what=STORED_TEXT)
    return text


def _refuse_unstorable(engine: Engine) -> Engine:
    """The engine, refusing any text that one of the databases would not take, wherever it comes from."""

    @event.listens_for(engine, "before_cursor_execute")
    def _check(_connection: Any, _cursor: Any, _sql: str, given: Any, _context: Any, many: bool) -> None:  # noqa: ANN401
        for parameters in given if many else (given,):
            for value in parameters.values() if isinstance(parameters, dict) else parameters:
                if isinstance(value, str) and not is_storable(value):
                    check_text(value, what=STORED_TEXT)

    return engine


def _open_sqlite(database: str | None) -> Engine:
    if not database or database == ":memory:":
        raise BakeoffError("bad_database_url", "Bakeoff needs a database file, not memory.", _URL_HINT)
    path = Path(database).expanduser()
    is_new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BakeoffError(
            "database_unavailable",
            f"The folder of the database cannot be made: {error.strerror}.",
            "Check BAKEOFF_HOME and BAKEOFF_DATABASE_URL.",
        ) from None
    engine = create_engine(
        f"sqlite:///{path}",
        json_serializer=_dump_json,
        pool_size=10,
        max_overflow=20,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401
        # The driver's own transaction handling is switched off: it begins too late, and deferred.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "mmap_size=0",
            # SQLite before 3.51.3 can corrupt a WAL that two connections reset at once, so only the one process
            # that holds the checkpoint lock (storage/checkpoints.py) ever moves the WAL into the file.
            "wal_autocheckpoint=0",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        if is_new:
            path.chmod(0o600)  # prompts, answers and hashes of keys are nobody else's; the log takes over the mode

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A read that turns into a write fails with "locked" whatever the timeout; a writer says so at once.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return _refuse_unstorable(engine)
