"""Queries about test sets, their versions and examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from experiments.vocabulary import new_id
from storage import tables
from storage.records import DatasetRecord, DatasetVersionRecord, ExampleRecord, to_record


class Datasets:
    """Test sets of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_name(self, name: str) -> DatasetRecord | None:
        """The test set of that name, or None."""
        row = self._session.exec(select(tables.Dataset).where(tables.Dataset.name == name)).first()
        return to_record(DatasetRecord, row) if row else None

    def get(self, dataset_id: str) -> DatasetRecord:
        """The test set of that id."""
        return to_record(DatasetRecord, self._session.get_one(tables.Dataset, dataset_id))

    def all(self, *, archived: bool = False) -> list[DatasetRecord]:
        """All test sets by name; archived ones only when asked for."""
        query = select(tables.Dataset).order_by(tables.Dataset.name)
        if not archived:
            query = query.where(col(tables.Dataset.archived_at).is_(None))
        return [to_record(DatasetRecord, row) for row in self._session.exec(query)]

    def add(self, name: str, *, roles: Mapping[str, Any], actor: str, at: datetime) -> DatasetRecord:
        """A new test set without versions."""
        row = tables.Dataset(id=new_id(), name=name, roles=dict(roles), created_by=actor, created_at=at)
        self._session.add(row)
        self._session.flush()
        return to_record(DatasetRecord, row)

    def set_roles(self, dataset_id: str, roles: Mapping[str, Any]) -> None:
        """Replace the roles of the columns."""
        self._session.get_one(tables.Dataset, dataset_id).roles = dict(roles)
        self._session.flush()

    def set_archived(self, dataset_id: str, at: datetime | None) -> None:
        """Hide the test set from lists, or bring it back with None; experiments keep their rows."""
        self._session.get_one(tables.Dataset, dataset_id).archived_at = at
        self._session.flush()

    def versions(self, dataset_id: str) -> list[DatasetVersionRecord]:
        """All versions, newest first."""
        query = (
            select(tables.DatasetVersion)
            .where(tables.DatasetVersion.dataset_id == dataset_id)
            .order_by(col(tables.DatasetVersion.number).desc())
        )
        return [to_record(DatasetVersionRecord, row) for row in self._session.exec(query)]

    def newest_versions(self) -> dict[str, DatasetVersionRecord]:
        """The newest version of each test set, by test set id."""
        newest = (
            select(tables.DatasetVersion.dataset_id, func.max(tables.DatasetVersion.number).label("number"))
            .group_by(tables.DatasetVersion.dataset_id)
            .subquery()
        )
        query = select(tables.DatasetVersion).join(
            newest,
            (tables.DatasetVersion.dataset_id == newest.c.dataset_id)
            & (tables.DatasetVersion.number == newest.c.number),  # type: ignore[arg-type]
        )
        return {row.dataset_id: to_record(DatasetVersionRecord, row) for row in self._session.exec(query)}

    def version(self, version_id: str) -> DatasetVersionRecord:
        """The version of that id."""
        return to_record(DatasetVersionRecord, self._session.get_one(tables.DatasetVersion, version_id))

    def sizes(self, version_ids: Iterable[str]) -> dict[str, tuple[str, int]]:
        """(name of the test set, rows) of each version."""
        query = (
            select(tables.DatasetVersion.id, tables.Dataset.name, tables.DatasetVersion.row_count)
            .join(tables.Dataset, col(tables.Dataset.id) == col(tables.DatasetVersion.dataset_id))
            .where(col(tables.DatasetVersion.id).in_(list(version_ids)))
        )
        return {version_id: (name, rows) for version_id, name, rows in self._session.exec(query)}

    def version_number(self, dataset_id: str, number: int) -> DatasetVersionRecord | None:
        """The version with that number, or None."""
        row = self._session.exec(
            select(tables.DatasetVersion).where(
                tables.DatasetVersion.dataset_id == dataset_id, tables.DatasetVersion.number == number
            )
        ).first()
        return to_record(DatasetVersionRecord, row) if row else None

    def version_with_hash(self, dataset_id: str, content_hash: str) -> DatasetVersionRecord | None:
        """The version of this test set with that content, or None."""
        row = self._session.exec(
            select(tables.DatasetVersion).where(
                tables.DatasetVersion.dataset_id == dataset_id,
                tables.DatasetVersion.content_hash == content_hash,
            )
        ).first()
        return to_record(DatasetVersionRecord, row) if row else None

    def add_version(
        self,
        dataset_id: str,
        *,
        content_hash: str,
        columns: Sequence[str],
        examples: Iterable[tuple[Mapping[str, str | None], str]],
        source_name: str,
        report: Mapping[str, Any],
        actor: str,
        at: datetime,
    ) -> DatasetVersionRecord:
        """A new frozen version; ``examples`` are (cells, content hash) in order."""
        newest = self._session.exec(
            select(func.max(tables.DatasetVersion.number)).where(tables.DatasetVersion.dataset_id == dataset_id)
        ).one()
        row = tables.DatasetVersion(
            id=new_id(),
            dataset_id=dataset_id,
            number=(newest or 0) + 1,
            content_hash=content_hash,
            columns=list(columns),
            row_count=0,
            source_name=source_name,
            report=dict(report),
            created_by=actor,
            created_at=at,
        )
        self._session.add(row)
        self._session.flush()
        row.row_count = self._insert_examples(row.id, examples)
        self._session.flush()
        return to_record(DatasetVersionRecord, row)

    def _insert_examples(self, version_id: str, examples: Iterable[tuple[Mapping[str, str | None], str]]) -> int:
        batch: list[dict[str, Any]] = []
        count = 0
        for cells, content_hash in examples:
            batch.append(
                {
                    "id": new_id(),
                    "dataset_version_id": version_id,
                    "position": count,
                    "cells": dict(cells),
                    "content_hash": content_hash,
                }
            )
            count += 1
            if len(batch) >= 2000:
                self._session.execute(insert(tables.ExampleRow), batch)
                batch = []
        if batch:
            self._session.execute(insert(tables.ExampleRow), batch)
        return count

    def examples(self, version_id: str, *, after_position: int = -1, limit: int | None = None) -> list[ExampleRecord]:
        """Examples in order, from the one after ``after_position``."""
        query = (
            select(tables.ExampleRow)
            .where(tables.ExampleRow.dataset_version_id == version_id, tables.ExampleRow.position > after_position)
            .order_by(tables.ExampleRow.position)  # type: ignore[arg-type]
        )
        if limit is not None:
            query = query.limit(limit)
        return [to_record(ExampleRecord, row) for row in self._session.exec(query)]

    def example_at(self, version_id: str, position: int) -> ExampleRecord | None:
        """The example at a position, or None."""
        found = self.examples(version_id, after_position=position - 1, limit=1)
        return found[0] if found and found[0].position == position else None

    def stream_examples(
        self, version_id: str, *, chunk: int = 500, limit: int | None = None
    ) -> Iterator[ExampleRecord]:
        """All examples in order, read in chunks, so that memory does not grow with the test set."""
        position, left = -1, limit
        while left is None or left > 0:
            size = chunk if left is None else min(chunk, left)
            found = self.examples(version_id, after_position=position, limit=size)
            yield from found
            if len(found) < size:
                return
            position = found[-1].position
            left = None if left is None else left - len(found)

    def experiments_using(self, dataset_id: str) -> int:
        """How many experiments stand on some version of this test set."""
        query = (
            select(func.count())
            .select_from(tables.Experiment)
            .join(tables.DatasetVersion, tables.DatasetVersion.id == tables.Experiment.dataset_version_id)  # type: ignore[arg-type]
            .where(tables.DatasetVersion.dataset_id == dataset_id)
        )
        return self._session.exec(query).one()
