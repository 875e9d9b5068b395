"""Bulk inserts of answers that were produced elsewhere, and of scores computed anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import col

from storage import rating_tables, tables
from storage.records import ExampleRecord, to_record
from storage.store import Transaction

_BATCH = 500


def insert_outputs(
    tx: Transaction,
    outputs: Sequence[Mapping[str, Any]],
    scores: Sequence[Mapping[str, Any]],
    ratings: Sequence[Mapping[str, Any]],
) -> None:
    """Insert rows in batches; ids are the caller's."""
    for table, rows in ((tables.Output, outputs), (tables.ScoreRow, scores), (tables.Rating, ratings)):
        for start in range(0, len(rows), _BATCH):
            tx.session.execute(insert(table), [dict(row) for row in rows[start : start + _BATCH]])


def insert_votes(tx: Transaction, raters: Sequence[Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]]) -> None:
    """Insert the raters of a session, then their decisions, in batches; ids are the caller's."""
    for table, rows in ((rating_tables.Rater, raters), (rating_tables.RatingTask, tasks)):
        for start in range(0, len(rows), _BATCH):
            tx.session.execute(insert(table), [dict(row) for row in rows[start : start + _BATCH]])


def insert_scores(tx: Transaction, scores: Sequence[Mapping[str, Any]]) -> None:
    """Insert scores in batches."""
    insert_outputs(tx, [], scores, [])


def outputs_to_score(tx: Transaction, run_id: str) -> Iterator[tuple[dict[str, Any], ExampleRecord, set[str]]]:
    """(columns of an output, its example, fingerprints of the scores it has) for each final result of a run."""
    after = ""
    while True:
        query = (
            select(tables.Output)
            .where(col(tables.Output.run_id) == run_id, col(tables.Output.id) > after)
            .order_by(col(tables.Output.id))
            .limit(_BATCH)
        )
        outputs = [row.model_dump() for row in tx.session.execute(query).scalars()]
        if not outputs:
            return
        after = outputs[-1]["id"]
        examples = _examples(tx, {o["example_id"] for o in outputs})
        scored = _fingerprints(tx, outputs[0]["id"], after, run_id)
        for output in outputs:
            yield output, examples[output["example_id"]], scored.get(output["id"], set())


def _examples(tx: Transaction, ids: set[str]) -> dict[str, ExampleRecord]:
    query = select(tables.ExampleRow).where(col(tables.ExampleRow.id).in_(ids))
    return {row.id: to_record(ExampleRecord, row) for row in tx.session.execute(query).scalars()}


def _fingerprints(tx: Transaction, first: str, last: str, run_id: str) -> dict[str, set[str]]:
    query = (
        select(col(tables.ScoreRow.output_id), col(tables.ScoreRow.fingerprint))
        .join(tables.Output, col(tables.Output.id) == col(tables.ScoreRow.output_id))
        .where(col(tables.Output.run_id) == run_id, col(tables.ScoreRow.output_id).between(first, last))
    )
    found: dict[str, set[str]] = {}
    for output_id, fingerprint in tx.session.execute(query):
        found.setdefault(output_id, set()).add(fingerprint)
    return found
