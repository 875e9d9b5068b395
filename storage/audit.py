"""The append-only log of changes: each row carries the hash of the row before it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from experiments.vocabulary import Clock, canonical_json
from storage import tables
from storage.records import AuditRecord, to_record

GENESIS = "0" * 64
_LOCK_NUMBER = 4_200_001


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Result of walking the chain: ``broken_at`` is the first sequence number that does not fit, None when all do."""

    events: int
    head: str
    broken_at: int | None


class AuditLog:
    """The audit log of one transaction."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def append(self, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> AuditRecord:
        """Write one event at the end of the chain, in the same transaction as what it tells of."""
        if self._session.get_bind().dialect.name == "postgresql":
            # Two writers must not read the same head; on SQLite a write transaction is alone anyway.
            self._session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
        last = self._session.exec(
            select(tables.AuditEvent).order_by(col(tables.AuditEvent.sequence).desc()).limit(1)
        ).first()
        sequence = (last.sequence if last else 0) + 1
        previous = last.hash if last else GENESIS
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
        return to_record(AuditRecord, row)

    def newest(self, limit: int = 100, *, subject: str | None = None) -> list[AuditRecord]:
        """The newest events, newest first."""
        query = select(tables.AuditEvent)
        if subject is not None:
            query = query.where(tables.AuditEvent.subject == subject)
        query = query.order_by(col(tables.AuditEvent.sequence).desc()).limit(limit)
        return [to_record(AuditRecord, row) for row in self._session.exec(query)]

    def all(self) -> Generator[AuditRecord]:
        """All events in order, streamed."""
        query = select(tables.AuditEvent).order_by(col(tables.AuditEvent.sequence)).execution_options(yield_per=1000)
        rows = self._session.exec(query)
        try:
            for row in rows:
                yield to_record(AuditRecord, row)
        finally:
            rows.close()

    def verify(self) -> ChainReport:
        """Walk the whole chain and recompute every hash."""
        previous, count = GENESIS, 0
        with closing(self.all()) as events:
            for event in events:
                count += 1
                expected = event_hash(
                    event.sequence,
                    event.at,
                    actor=event.actor,
                    action=event.action,
                    subject=event.subject,
                    details=event.details,
                    previous=previous,
                )
                if event.sequence != count or event.previous_hash != previous or event.hash != expected:
                    return ChainReport(count, previous, event.sequence)
                previous = event.hash
        return ChainReport(count, previous, None)


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
