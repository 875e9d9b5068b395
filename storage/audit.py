"""The append-only log of changes: each row carries the hash of the row before it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from experiments.errors import BakeoffError
from experiments.vocabulary import Clock, canonical_json
from storage import tables
from storage.anchors import Anchor
from storage.records import AuditRecord, to_record

GENESIS = "0" * 64
_LOCK_NUMBER = 4_200_001


class AuditLog:
    """The audit log of one transaction; ``written`` is the newest event that the transaction wrote."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self.written: Anchor | None = None

    def append(self, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> AuditRecord:
        """Write one event at the end of the chain, in the same transaction as what it tells of."""
        if self._session.get_bind().dialect.name == "postgresql":
            # Two writers must not read the same head; on SQLite a write transaction is alone anyway.
            self._session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
        number, previous = self.head()
        sequence = number + 1
        at = self._clock()
        plain = dict(details or {})
        row = tables.AuditEvent(
            sequence=sequence,
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            details=plain,
            previous_hash=previous,
            hash=event_hash(
                sequence, at, actor=actor, action=action, subject=subject, details=plain, previous=previous
            ),
        )
        self._session.add(row)
        self._session.flush()
        self.written = Anchor(sequence, row.hash)
        return to_record(AuditRecord, row)

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest event; 0 and ``GENESIS`` before the first. Reads nothing else of it."""
        event = tables.AuditEvent
        query = select(event.sequence, event.hash).order_by(col(event.sequence).desc()).limit(1)
        number, digest = self._session.exec(query).first() or (0, GENESIS)
        return number, digest

    def newest(self, limit: int = 100, *, subject: str | None = None) -> list[AuditRecord]:
        """The newest events, newest first. Raises BakeoffError ``damaged_log`` when one cannot be read."""
        query = select(tables.AuditEvent)
        if subject is not None:
            query = query.where(tables.AuditEvent.subject == subject)
        query = query.order_by(col(tables.AuditEvent.sequence).desc()).limit(limit)
        try:
            return [to_record(AuditRecord, row) for row in self._session.exec(query)]
        except ValueError:
            raise BakeoffError(
                "damaged_log", "An event of the audit log was changed and cannot be read.", "See: bakeoff audit verify"
            ) from None

    def all(self) -> Generator[AuditRecord]:
        """All events in order, streamed."""
        query = select(tables.AuditEvent).order_by(col(tables.AuditEvent.sequence)).execution_options(yield_per=1000)
        rows = self._session.exec(query)
        try:
            for row in rows:
                yield to_record(AuditRecord, row)
        finally:
            rows.close()


def event_hash(
    sequence: int,
    at: datetime,
    *,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any],
    previous: str,
) -> str:
    """SHA-256 that binds an event to the one before it."""
    body = canonical_json(
        [sequence, at.isoformat(timespec="microseconds"), actor, action, subject, dict(details), previous]
    )
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
