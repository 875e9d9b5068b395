"""How this installation is doing: database, schema, workers, keys, the log of changes, versions."""

from __future__ import annotations

import platform
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from importlib import metadata

from experiments.plans.pricing import shipped_snapshot
from experiments.version import VERSION
from experiments.views.installation.operation import HEARTBEAT_GRACE
from storage.audit_check import ChainReport
from storage.records import ApiKeyRecord, AuditRecord, WorkerRecord
from storage.schema_revision import is_current
from storage.store import Store

_PACKAGES = ("streamlit", "sqlalchemy", "pandas", "scipy", "litellm")
WAL_RESET_FIXED = (3, 51, 3)
"""From this version on SQLite has the fix of its WAL-reset bug (sqlite.org/wal.html#walresetbug)."""


@dataclass(frozen=True, slots=True)
class InstallationView:
    """``database`` is its kind in words; ``versions`` maps programs to their versions, in a good order to read."""

    database: str
    schema_is_current: bool
    workers: tuple[WorkerRecord, ...]
    versions: dict[str, str]
    prices_source: str
    prices_made_on: date
    sqlite_has_wal_bug: bool
    now: datetime


def installation_view(store: Store) -> InstallationView:
    """The state of the installation now."""
    sqlite = store.engine.dialect.name == "sqlite"
    with store.read() as tx:
        now = store.clock()
        workers = tuple(tx.installation.workers_alive(now - HEARTBEAT_GRACE))
    snapshot = shipped_snapshot()
    return InstallationView(
        database=f"SQLite {sqlite3.sqlite_version}" if sqlite else "PostgreSQL",
        schema_is_current=is_current(store.engine),
        workers=workers,
        versions={
            "Bakeoff": VERSION,
            "Python": platform.python_version(),
            **{name: metadata.version(name) for name in _PACKAGES},
        },
        prices_source=snapshot.source,
        prices_made_on=snapshot.made_on,
        sqlite_has_wal_bug=sqlite and sqlite3.sqlite_version_info < WAL_RESET_FIXED,
        now=now,
    )


def api_keys(store: Store) -> list[ApiKeyRecord]:
    """All keys, newest first; their secrets are not kept anywhere."""
    with store.read() as tx:
        return tx.keys.all()


def verify_audit(store: Store) -> ChainReport:
    """The log of changes walked from its first event; every hash is computed anew."""
    return store.verify_audit()


def newest_events(store: Store, *, limit: int = 20) -> list[AuditRecord]:
    """The newest events of the log of changes, newest first."""
    with store.read() as tx:
        return tx.audit.newest(limit)
