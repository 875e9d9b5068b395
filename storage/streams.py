"""Rows for exports, read as they are taken, so that memory does not grow with an experiment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select

from storage.rating_tables import ITEM, RATER, SESSION, TASK, Rater, RatingItem, RatingSession
from storage.store import Transaction
from storage.tables import Attempt, ExampleRow, Output, Rating, Run, ScoreRow, ScorerUse, Variant, table_of

ATTEMPT, EXAMPLE, OUTPUT, RATING, RUN, SCORE, USE, VARIANT = (
    table_of(kind).c for kind in (Attempt, ExampleRow, Output, Rating, Run, ScoreRow, ScorerUse, Variant)
)
EVIDENCE_KINDS = ("full", "import")
_BATCH = 500


def stream_outputs(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every final result (all columns of ``output``) with run, variant, model, variant_position, position and cells."""
    query = (
        select(
            *OUTPUT,
            RUN.number.label("run"),
            VARIANT.name.label("variant"),
            VARIANT.model.label("model"),
            VARIANT.position.label("variant_position"),
            EXAMPLE.position,
            EXAMPLE.cells,
        )
        .join(table_of(Run), RUN.id == OUTPUT.run_id)
        .join(table_of(Variant), VARIANT.id == OUTPUT.variant_id)
        .join(table_of(ExampleRow), EXAMPLE.id == OUTPUT.example_id)
        .where(RUN.experiment_id == experiment_id, RUN.kind.in_(EVIDENCE_KINDS))
        .order_by(RUN.number, EXAMPLE.position, VARIANT.position, OUTPUT.repetition)
    )
    return _rows(tx, query)


def stream_attempts(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every attempt (all columns) with its variant's name and the position of its row, in the order they were made."""
    query = (
        select(*ATTEMPT, VARIANT.name.label("variant"), EXAMPLE.position)
        .join(table_of(Run), RUN.id == ATTEMPT.run_id)
        .join(table_of(Variant), VARIANT.id == ATTEMPT.variant_id)
        .join(table_of(ExampleRow), EXAMPLE.id == ATTEMPT.example_id)
        .where(RUN.experiment_id == experiment_id)
        .order_by(ATTEMPT.id)
    )
    return _rows(tx, query)


def stream_scores(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every score with what it is of; scores of scorer versions out of use are included and say so (``active``)."""
    used = (
        (USE.metric == SCORE.metric) & (USE.fingerprint == SCORE.fingerprint) & (USE.experiment_id == RUN.experiment_id)
    )
    query = (
        select(
            SCORE.metric,
            SCORE.value,
            SCORE.reason,
            SCORE.details,
            SCORE.created_at,
            USE.scorer,
            USE.version,
            USE.active,
            VARIANT.name.label("variant"),
            EXAMPLE.position,
            OUTPUT.repetition,
        )
        .join(table_of(Output), OUTPUT.id == SCORE.output_id)
        .join(table_of(Run), RUN.id == OUTPUT.run_id)
        .join(table_of(Variant), VARIANT.id == OUTPUT.variant_id)
        .join(table_of(ExampleRow), EXAMPLE.id == OUTPUT.example_id)
        .join(table_of(ScorerUse), used)
        .where(RUN.experiment_id == experiment_id)
        .order_by(EXAMPLE.position, VARIANT.position, OUTPUT.repetition, SCORE.metric)
    )
    return _rows(tx, query)


def stream_ratings(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every rating with what it is of."""
    query = (
        select(
            RATING.metric,
            RATING.rater_id,
            RATING.value,
            RATING.comment,
            RATING.created_at,
            VARIANT.name.label("variant"),
            EXAMPLE.position,
            OUTPUT.repetition,
        )
        .join(table_of(Output), OUTPUT.id == RATING.output_id)
        .join(table_of(Variant), VARIANT.id == OUTPUT.variant_id)
        .join(table_of(ExampleRow), EXAMPLE.id == OUTPUT.example_id)
        .where(RATING.experiment_id == experiment_id)
        .order_by(EXAMPLE.position, VARIANT.position, RATING.rater_id)
    )
    return _rows(tx, query)


def stream_votes(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every rating of the experiment's sessions, checks too, with what it is of.

    ``variant`` is that of the first output, ``opponent`` of the second (None for single answers); ``purpose`` is
    ``rating``, ``gold`` or ``repeat``. Gold items written by hand have neither variant nor position.
    """
    first, second = (table_of(Variant).alias(name) for name in ("first_variant", "second_variant"))
    shown, beside = (table_of(Output).alias(name) for name in ("first_output", "second_output"))
    query = (
        select(
            *(SESSION.metric, SESSION.number.label("session"), SESSION.kind, RATER.number.label("rater")),
            *(TASK.value, TASK.choice, TASK.swapped, TASK.reasons, TASK.comment, TASK.milliseconds, TASK.state),
            *(TASK.repeat, TASK.decided_at.label("created_at"), ITEM.gold, ITEM.probability),
            *(first.c.name.label("variant"), second.c.name.label("opponent"), EXAMPLE.position),
        )
        .join(table_of(RatingSession), SESSION.id == TASK.session_id)
        .join(table_of(Rater), RATER.id == TASK.rater_id)
        .join(table_of(RatingItem), ITEM.id == TASK.item_id)
        .join(table_of(ExampleRow), EXAMPLE.id == ITEM.example_id, isouter=True)
        .join(shown, shown.c.id == ITEM.first_output_id, isouter=True)
        .join(first, first.c.id == shown.c.variant_id, isouter=True)
        .join(beside, beside.c.id == ITEM.second_output_id, isouter=True)
        .join(second, second.c.id == beside.c.variant_id, isouter=True)
        .where(SESSION.experiment_id == experiment_id, TASK.decided_at.is_not(None))
        .order_by(SESSION.number, EXAMPLE.position, RATER.number, TASK.decision)
    )
    return _rows(tx, query)


def _rows(tx: Transaction, query: Select[Any]) -> Iterator[dict[str, Any]]:
    result = tx.session.connection().execute(query.execution_options(yield_per=_BATCH))
    try:
        for row in result:
            yield dict(row._mapping)
    finally:
        result.close()
