"""Test sets: what there is, and a page of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.loading.find import find_dataset
from storage.store import Store

MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A test set at one version. ``versions`` lists (number, rows, when, who), newest first."""

    name: str
    version: int
    version_id: str
    columns: tuple[str, ...]
    rows: int
    roles: Mapping[str, Any]
    report: Mapping[str, Any]
    source_name: str
    versions: tuple[tuple[int, int, datetime, str], ...]
    experiments: int
    archived: bool


@dataclass(frozen=True, slots=True)
class RowView:
    """One row: its number from 1 and its cells."""

    number: int
    cells: Mapping[str, str | None]


def list_datasets(store: Store, *, archived: bool = False) -> list[tuple[str, int, int, datetime]]:
    """(name, newest version, rows, when) of all test sets by name; archived ones only when asked for."""
    with store.read() as tx:
        newest = tx.datasets.newest_versions()
        return [
            (d.name, newest[d.id].number, newest[d.id].row_count, newest[d.id].created_at)
            for d in tx.datasets.all(archived=archived)
            if d.id in newest
        ]


def get_dataset(store: Store, reference: str) -> DatasetView:
    """A test set by ``NAME`` or ``NAME@VERSION``. Raises NotFound."""
    with store.read() as tx:
        dataset, version = find_dataset(tx, reference)
        return DatasetView(
            name=dataset.name,
            version=version.number,
            version_id=version.id,
            columns=tuple(version.columns),
            rows=version.row_count,
            roles=dataset.roles,
            report=version.report,
            source_name=version.source_name,
            versions=tuple(
                (v.number, v.row_count, v.created_at, v.created_by) for v in tx.datasets.versions(dataset.id)
            ),
            experiments=tx.datasets.experiments_using(dataset.id),
            archived=dataset.archived_at is not None,
        )


def dataset_rows(store: Store, version_id: str, *, first: int = 1, limit: int = 50) -> list[RowView]:
    """Rows from number ``first`` on, at most 100 of them."""
    with store.read() as tx:
        found = tx.datasets.examples(version_id, after_position=first - 2, limit=min(limit, MOST_ROWS))
        return [RowView(e.position + 1, e.cells) for e in found]
