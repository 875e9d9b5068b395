"""Queries about quality checks and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from experiments.vocabulary import new_id
from storage.records import CheckRecord, CheckVersionRecord, to_record
from storage.tables import QualityCheck, QualityCheckVersion, table_of

CHECK, VERSION = table_of(QualityCheck).c, table_of(QualityCheckVersion).c


class Checks:
    """Quality checks of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> list[CheckRecord]:
        """All checks that are not archived, by name."""
        query = select(QualityCheck).where(CHECK.archived_at.is_(None)).order_by(CHECK.name)
        return [to_record(CheckRecord, row) for row in self._session.execute(query).scalars()]

    def by_name(self, name: str) -> CheckRecord | None:
        """The check of that name, or None."""
        row = self._session.execute(select(QualityCheck).where(CHECK.name == name)).scalars().first()
        return to_record(CheckRecord, row) if row else None

    def add(self, name: str, *, created_by: str, at: datetime) -> CheckRecord:
        """A new check without any version."""
        row = QualityCheck(id=new_id(), name=name, created_by=created_by, created_at=at)
        self._session.add(row)
        self._session.flush()
        return to_record(CheckRecord, row)

    def versions(self, check_id: str) -> list[CheckVersionRecord]:
        """The versions of a check, newest first."""
        query = select(QualityCheckVersion).where(VERSION.check_id == check_id).order_by(VERSION.number.desc())
        return [to_record(CheckVersionRecord, row) for row in self._session.execute(query).scalars()]

    def add_version(
        self,
        check_id: str,
        *,
        entry: Any,  # noqa: ANN401
        fingerprint: str,
        note: str,
        created_by: str,
        at: datetime,
    ) -> CheckVersionRecord:
        """A new version, numbered after the newest."""
        newest = self._session.execute(select(func.max(VERSION.number)).where(VERSION.check_id == check_id)).scalar()
        row = QualityCheckVersion(
            id=new_id(),
            check_id=check_id,
            number=(newest or 0) + 1,
            entry=entry,
            fingerprint=fingerprint,
            note=note,
            created_by=created_by,
            created_at=at,
        )
        self._session.add(row)
        self._session.flush()
        return to_record(CheckVersionRecord, row)
