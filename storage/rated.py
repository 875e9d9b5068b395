"""Answers with what people and a judge said of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select

from storage.store import Transaction
from storage.tables import Example, Output, Rating, Score, table_of

OUTPUT, RATING, SCORE, EXAMPLE = (table_of(kind).c for kind in (Output, Rating, Score, Example))


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """One rated answer: ``people`` is the mean of its ``raters`` ratings, ``judge`` the judge's value, if any."""

    output_id: str
    variant_id: str
    position: int
    repetition: int
    cells: dict[str, str | None]
    text: str
    people: float
    raters: int
    comments: tuple[str, ...]
    judge: float | None
    reason: str | None


def rated_answers(
    tx: Transaction, run_id: str, *, rated_as: str, metric: str, fingerprint: str, limit: int = 5000
) -> list[RatedAnswer]:
    """Answers of a run that people rated under ``rated_as``, in the order of the test set, with one judge's score."""
    scored = and_(SCORE.output_id == OUTPUT.id, SCORE.metric == metric, SCORE.fingerprint == fingerprint)
    people = (
        select(RATING.output_id, func.avg(RATING.value).label("people"), func.count().label("raters"))
        .where(RATING.metric == rated_as)
        .group_by(RATING.output_id)
        .subquery()
    )
    query = (
        select(
            OUTPUT.id,
            OUTPUT.variant_id,
            EXAMPLE.position,
            OUTPUT.repetition,
            EXAMPLE.cells,
            OUTPUT.text,
            people.c.people,
            people.c.raters,
            SCORE.value,
            SCORE.reason,
        )
        .join(people, people.c.output_id == OUTPUT.id)
        .join(table_of(Example), EXAMPLE.id == OUTPUT.example_id)
        .outerjoin(table_of(Score), scored)
        .where(OUTPUT.run_id == run_id)
        .order_by(EXAMPLE.position, OUTPUT.variant_id, OUTPUT.repetition)
        .limit(limit)
    )
    rows: list[Any] = list(tx.session.connection().execute(query))
    comments = _comments(tx, run_id, rated_as)
    return [
        RatedAnswer(
            output_id=row.id,
            variant_id=row.variant_id,
            position=row.position,
            repetition=row.repetition,
            cells=row.cells,
            text=row.text,
            people=float(row.people),
            raters=int(row.raters),
            comments=tuple(comments.get(row.id, ())),
            judge=row.value,
            reason=row.reason,
        )
        for row in rows
    ]


def _comments(tx: Transaction, run_id: str, rated_as: str) -> dict[str, list[str]]:
    query = (
        select(RATING.output_id, RATING.comment)
        .join(table_of(Output), OUTPUT.id == RATING.output_id)
        .where(OUTPUT.run_id == run_id, RATING.metric == rated_as, RATING.comment != "")
        .order_by(RATING.created_at, RATING.id)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for output_id, comment in tx.session.connection().execute(query):
        found[output_id].append(comment)
    return found
