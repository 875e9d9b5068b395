"""Queries about API keys; secrets never get here, only their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from storage import tables
from storage.records import ApiKeyRecord, to_record


class Keys:
    """API keys of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, key_id: str) -> ApiKeyRecord | None:
        """The key of that id, or None."""
        row = self._session.get(tables.ApiKey, key_id)
        return to_record(ApiKeyRecord, row) if row else None

    def all(self) -> list[ApiKeyRecord]:
        """All keys, newest first, revoked ones too."""
        query = select(tables.ApiKey).order_by(col(tables.ApiKey.created_at).desc())
        return [to_record(ApiKeyRecord, row) for row in self._session.exec(query)]

    def add(
        self,
        key_id: str,
        *,
        name: str,
        secret_hash: str,
        scopes: Sequence[str],
        actor: str,
        at: datetime,
        expires_at: datetime | None,
    ) -> ApiKeyRecord:
        """A new key."""
        row = tables.ApiKey(
            id=key_id,
            name=name,
            secret_hash=secret_hash,
            scopes=list(scopes),
            created_by=actor,
            created_at=at,
            expires_at=expires_at,
        )
        self._session.add(row)
        self._session.flush()
        return to_record(ApiKeyRecord, row)

    def revoke(self, key_id: str, at: datetime) -> None:
        """The key stops working."""
        self._session.get_one(tables.ApiKey, key_id).revoked_at = at
        self._session.flush()

    def touch(self, key_id: str, day: str) -> None:
        """Note the day on which the key was last used."""
        self._session.get_one(tables.ApiKey, key_id).last_used_on = day
        self._session.flush()
