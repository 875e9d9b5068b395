"""A table → examples with content hashes that depend neither on file format nor on column order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from experiments.datasets.table import Table
from experiments.vocabulary import content_hash


@dataclass(frozen=True, slots=True)
class Example:
    """One input row: ``position`` from 0, its cells by column, and the SHA-256 of those cells.

    Two rows with the same cells have the same hash: told apart by position, they are the same unit.
    """

    position: int
    values: Mapping[str, str | None]
    content_hash: str


def build_examples(table: Table) -> tuple[Example, ...]:
    """The rows of a table as examples, in order; an empty table gives none."""
    examples = []
    for position, row in enumerate(table.rows):
        values = dict(zip(table.columns, row, strict=True))
        examples.append(Example(position, values, content_hash(values)))
    return tuple(examples)


def dataset_hash(examples: Iterable[Example]) -> str:
    """SHA-256 over the examples in their order: the identity of one version of a dataset.

    The same cells in CSV, JSONL, XLSX or Parquet give the same hash, unless a format tells missing from
    empty.
    """
    return content_hash([example.content_hash for example in examples])
