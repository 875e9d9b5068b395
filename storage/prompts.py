"""Queries about prompts and their versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from experiments.vocabulary import new_id
from storage import tables
from storage.records import PromptRecord, VersionRecord, to_record


class Prompts:
    """Prompts and versions of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_name(self, name: str) -> PromptRecord | None:
        """The prompt of that name, or None."""
        row = self._session.exec(select(tables.Prompt).where(tables.Prompt.name == name)).first()
        return to_record(PromptRecord, row) if row else None

    def get(self, prompt_id: str) -> PromptRecord:
        """The prompt of that id."""
        return to_record(PromptRecord, self._session.get_one(tables.Prompt, prompt_id))

    def all(self) -> list[PromptRecord]:
        """All prompts that are not archived, by name."""
        query = select(tables.Prompt).where(col(tables.Prompt.archived_at).is_(None)).order_by(tables.Prompt.name)
        return [to_record(PromptRecord, row) for row in self._session.exec(query)]

    def add(self, name: str, *, actor: str, at: datetime, description: str = "") -> PromptRecord:
        """A new prompt."""
        row = tables.Prompt(id=new_id(), name=name, description=description, created_by=actor, created_at=at)
        self._session.add(row)
        self._session.flush()
        return to_record(PromptRecord, row)

    def versions(self, prompt_id: str) -> list[VersionRecord]:
        """All versions, newest first."""
        query = (
            select(tables.PromptVersion)
            .where(tables.PromptVersion.prompt_id == prompt_id)
            .order_by(col(tables.PromptVersion.number).desc())
        )
        return [to_record(VersionRecord, row) for row in self._session.exec(query)]

    def version(self, version_id: str) -> VersionRecord:
        """The version of that id."""
        return to_record(VersionRecord, self._session.get_one(tables.PromptVersion, version_id))

    def models(self) -> set[str]:
        """Every model that some version names."""
        return set(self._session.exec(select(tables.PromptVersion.model).distinct()))

    def versions_by_id(self, version_ids: Iterable[str]) -> dict[str, VersionRecord]:
        """Versions by id; unknown ids are left out."""
        query = select(tables.PromptVersion).where(col(tables.PromptVersion.id).in_(list(version_ids)))
        return {row.id: to_record(VersionRecord, row) for row in self._session.exec(query)}

    def version_number(self, prompt_id: str, number: int) -> VersionRecord | None:
        """The version with that number, or None."""
        row = self._session.exec(
            select(tables.PromptVersion).where(
                tables.PromptVersion.prompt_id == prompt_id, tables.PromptVersion.number == number
            )
        ).first()
        return to_record(VersionRecord, row) if row else None

    def version_with_hash(self, prompt_id: str, content_hash: str) -> VersionRecord | None:
        """The version of this prompt with that content, or None."""
        row = self._session.exec(
            select(tables.PromptVersion).where(
                tables.PromptVersion.prompt_id == prompt_id, tables.PromptVersion.content_hash == content_hash
            )
        ).first()
        return to_record(VersionRecord, row) if row else None

    def add_version(
        self,
        prompt_id: str,
        *,
        content_hash: str,
        kind: str,
        messages: list[dict[str, str]],
        model: str,
        parameters: Mapping[str, Any],
        note: str,
        actor: str,
        at: datetime,
    ) -> VersionRecord:
        """A new version, numbered after the newest."""
        newest = self._session.exec(
            select(func.max(tables.PromptVersion.number)).where(tables.PromptVersion.prompt_id == prompt_id)
        ).one()
        row = tables.PromptVersion(
            id=new_id(),
            prompt_id=prompt_id,
            number=(newest or 0) + 1,
            content_hash=content_hash,
            kind=kind,
            messages=messages,
            model=model,
            parameters=dict(parameters),
            note=note,
            created_by=actor,
            created_at=at,
        )
        self._session.add(row)
        self._session.flush()
        return to_record(VersionRecord, row)
