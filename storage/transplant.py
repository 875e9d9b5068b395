"""Move what one database holds into another in one transaction of the other: all of it arrives, or nothing."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select
from sqlmodel import SQLModel

from storage import tables
from storage.audit import AuditLog
from storage.store import Transaction

STAYS = frozenset({"audit_event", "worker", "setting", "api_key", "model_price", "preview"})
"""Tables about an installation rather than about work; audit events are not copied but appended anew."""
_BATCH = 500


def create_tables(engine: Engine) -> None:
    """Make all tables of this program in an empty database that will not outlive the process.

    Without the steps of the schema's history, which only one thread of a process may walk through at a time.
    """
    SQLModel.metadata.create_all(engine)


def is_unused(tx: Transaction) -> bool:
    """True while there is no prompt, test set, experiment or quality check, archived ones included."""
    return all(
        tx.session.execute(select(kind).limit(1)).first() is None
        for kind in (tables.Prompt, tables.Dataset, tables.Experiment, tables.QualityCheck)
    )


def transplant(source: Transaction, target: Transaction) -> int:
    """How many rows were copied; ids stay, and the source's audit events join the target's chain with their times.

    Raises:
        sqlalchemy.exc.IntegrityError: a name or an id is taken in the target (``Store.begin`` makes it a Conflict).
    """
    count = 0
    for table in SQLModel.metadata.sorted_tables:
        if table.name in STAYS:
            continue
        query = select(table).execution_options(yield_per=_BATCH)
        for rows in source.session.connection().execute(query).mappings().partitions():
            target.session.connection().execute(insert(table), [dict(row) for row in rows])
            count += len(rows)
    for event in source.audit.all():
        AuditLog(target.session, lambda at=event.at: at).append(  # type: ignore[misc]
            event.actor, event.action, event.subject, event.details
        )
    return count
