"""What a test database holds at some moment, to be put into the next test's database instead of being played again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import text

from storage.engine import is_sqlite
from storage.store import Store

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


class Snapshot(NamedTuple):
    """All rows of a database, and what time its clock told."""

    rows: Path | dict[str, bytes]
    now: datetime


class Snapshots:
    """The ends of stories that several tests begin with, one for each kind of database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: dict[tuple[str, bool], Snapshot] = {}

    def begin_with(self, name: str, story: Callable[[Store], Any], store: Store) -> None:
        """Tell the story in this empty store; from the second time on its rows are put in, and its clock is set."""
        key = (name, is_sqlite(store.engine))
        if key not in self._taken:
            story(store)
            rows = self._file_of(store, name) if is_sqlite(store.engine) else _copied_out(store)
            self._taken[key] = Snapshot(rows, store.clock.now)
            return
        rows, store.clock.now = self._taken[key]
        if isinstance(rows, Path):
            _overwrite(store, rows)
        else:
            _copy_in(store, rows)

    def _file_of(self, store: Store, name: str) -> Path:
        file = self._folder / f"{name}.db"
        with closing(sqlite3.connect(store.engine.url.database)) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
        return file


def _overwrite(store: Store, file: Path) -> None:
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(store.engine.url.database)) as target:
        source.backup(target)


def _copied_out(store: Store) -> dict[str, bytes]:
    with store.read() as tx:
        connection = tx.session.connection()
        driver = connection.connection.driver_connection
        found = {}
        for (table,) in connection.execute(text(_TABLES)).all():
            with driver.cursor().copy(f'COPY "{table}" TO STDOUT (FORMAT binary)') as rows:
                found[table] = b"".join(rows)
    return found


def _copy_in(store: Store, tables: dict[str, bytes]) -> None:
    with store.begin() as tx:
        connection = tx.session.connection()
        driver = connection.connection.driver_connection
        # The foreign keys are triggers too: without them the tables can be filled in any order.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, rows in tables.items():
            with driver.cursor().copy(f'COPY "{table}" FROM STDIN (FORMAT binary)') as target:
                target.write(rows)
