"""Back up and restore: one portable file for both databases, made while everything goes on.

The file is gzip of JSON lines: a header, then every row of every table in an order that restores. A backup of SQLite
restores into PostgreSQL and the other way round.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, insert, select, update
from sqlmodel import SQLModel

from experiments.errors import BakeoffError, Conflict
from experiments.vocabulary import RunState
from storage import schema, tables
from storage.anchors import Anchor
from storage.audit_check import check_log
from storage.engine import is_sqlite
from storage.live_tables import GatewayCallRow, ShadowAskRow
from storage.store import Store

FORMAT = "bakeoff-backup-1"
RESTORED = "Restored from a backup, so nothing that costs money goes on until somebody resumes it"
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was written or read. ``paused`` counts the runs that a restore holds back."""

    rows: int
    tables: int
    audit_head: str
    paused: int = 0


def backup(store: Store, target: Path) -> BackupReport:
    """Write one consistent state of the whole database to ``target``; an existing file is refused.

    Raises:
        Conflict: ``file_exists``; BakeoffError ``cannot_write``.
    """
    if target.exists():
        raise Conflict("file_exists", f"{target.name} exists already.", "Choose another name.")
    partial = target.with_name(target.name + ".partial")
    rows = 0
    try:
        with store.read() as tx, gzip.open(partial, "wt", encoding="utf-8", compresslevel=5) as file:
            connection = tx.session.connection()
            if not is_sqlite(connection):
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            _, head = tx.audit.head()
            _write(file, {"format": FORMAT, "schema": schema.head_revision(), "audit_head": head})
            for table in _tables():
                for values in _rows(connection, table):
                    _write(file, {"table": table.name, "row": values})
                    rows += 1
            _write(file, {"end": rows})
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BakeoffError(
            "cannot_write", f"The backup could not be written: {error.strerror}.", "Nothing was left behind."
        ) from None
    return BackupReport(rows, len(_tables()), head)


def restore(store: Store, source: Path) -> BackupReport:
    """Fill an empty database from a backup; all of it, or nothing.

    The rows of an older program go into tables as they were then, which are upgraded afterwards. Work that would cost
    money does not start by itself: runs are paused, waiting tries and silent answers end.

    Raises:
        BakeoffError: ``not_a_backup``, ``newer_schema``, ``broken_backup``; Conflict ``not_empty``.
    """
    lines = _read(source)
    header = next(lines, {})
    if header.get("format") != FORMAT:
        raise BakeoffError("not_a_backup", f"{source.name} is not a backup of Bakeoff.")
    with store.begin() as tx:
        connection = tx.session.connection()
        empty = _empty_tables(connection, header["schema"])
        count = _fill(connection, empty, lines)
        schema.bring_to(connection, schema.head_revision())
        chain = check_log(tx.session)
        if chain.broken_at is not None or chain.head != header["audit_head"]:
            raise BakeoffError("broken_backup", "The audit chain in the backup does not fit.", "Nothing was restored.")
        paused = _hold_back(connection, tx.clock())
    if store.anchors is not None:
        store.anchors.note(Anchor(chain.events, chain.head), restored=True)
    return BackupReport(count, len(empty), chain.head, paused)


def _hold_back(connection: Connection, at: datetime) -> int:
    """Leave it to a person what goes on: the database that was backed up may be at work on the same runs."""
    run, preview, ask, call = (tables.table_of(k) for k in (tables.Run, tables.Preview, ShadowAskRow, GatewayCallRow))
    connection.execute(update(call).where(call.c.score_state == "judging").values(score_state="done"))
    connection.execute(
        update(preview)
        .where(preview.c.state == "queued")
        .values(state="failed", ended_at=at, answer={"kind": "interrupted", "message": RESTORED})
    )
    connection.execute(
        update(ask).where(ask.c.state == "waiting").values(state="skipped", reason=RESTORED, ended_at=at)
    )
    held = connection.execute(
        update(run)
        .where(run.c.state.in_((RunState.QUEUED, RunState.RUNNING)))
        .values(state=RunState.PAUSED, state_reason=RESTORED, lease_owner=None, lease_until=None)
    )
    return held.rowcount


def _empty_tables(connection: Connection, revision: str) -> dict[str, Table]:
    """The tables at the schema of the backup, by name, with this program's types for the columns that are still there.

    Raises:
        BakeoffError: ``newer_schema``; Conflict ``not_empty``, also where the tables are newer than the backup.
    """
    schema.bring_to(connection, revision)
    if schema.current_revision(connection) != revision:
        raise _not_empty("The database to restore into has newer tables than the backup.")
    then = MetaData()
    then.reflect(connection)
    types = {(table.name, column.name): column.type for table in _tables() for column in table.columns}
    tables = {name: table for name, table in then.tables.items() if name != "alembic_version"}
    for table in tables.values():
        for column in table.columns:
            column.type = types.get((table.name, column.name), column.type)
        if connection.execute(select(table).limit(1)).first() is not None:
            raise _not_empty("The database to restore into is not empty.")
    return tables


def _tables() -> list[Table]:
    assert schema.table_names()
    return list(SQLModel.metadata.sorted_tables)


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BATCH)
    for row in connection.execute(query):
        yield {
            name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
            for name, value in row._mapping.items()
        }


def _not_empty(message: str) -> Conflict:
    return Conflict("not_empty", message, "Point BAKEOFF_DATABASE_URL at a new one.")


def _fill(connection: Connection, tables: dict[str, Table], lines: Iterator[dict[str, Any]]) -> int:
    current: Table | None = None
    batch: list[dict[str, Any]] = []
    count, ended = 0, False
    for line in lines:
        if "end" in line:
            ended = line["end"] == count
            break
        table = tables[line["table"]]
        if table is not current or len(batch) >= _BATCH:
            _insert(connection, current, batch)
            current, batch = table, []
        batch.append(_typed(table, line["row"]))
        count += 1
    _insert(connection, current, batch)
    if not ended:
        raise BakeoffError("broken_backup", "The backup ends too early.", "Nothing was restored; use another copy.")
    return count


def _insert(connection: Connection, table: Table | None, batch: list[dict[str, Any]]) -> None:
    if table is not None and batch:
        connection.execute(insert(table), batch)


def _typed(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value)
        if value is not None and type(table.c[name].type).__name__ == "UtcDateTime"
        else value
        for name, value in values.items()
    }


def _write(file: Any, value: dict[str, Any]) -> None:  # noqa: ANN401
    file.write(json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n")


def _read(source: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(source, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)
    except FileNotFoundError:
        raise BakeoffError("no_such_file", f"There is no file {source.name}.") from None
    except (OSError, EOFError, ValueError):
        raise BakeoffError("not_a_backup", f"{source.name} is damaged or is not a backup of Bakeoff.") from None
