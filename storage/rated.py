"""Answers with what people and a judge said of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Subquery, and_, func, select, union_all

from experiments.vocabulary import TaskState
from storage.rating_tables import ITEM, SESSION, TASK, RatingItem, RatingSession
from storage.store import Transaction
from storage.tables import ExampleRow, Output, Rating, ScoreRow, table_of

OUTPUT, RATING, SCORE, EXAMPLE = (table_of(kind).c for kind in (Output, Rating, ScoreRow, ExampleRow))


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
    tx: Transaction,
    run_id: str,
    *,
    rated_as: str,
    metric: str,
    fingerprint: str,
    left_out: Collection[str] = (),
    limit: int = 5000,
) -> list[RatedAnswer]:
    """Answers of a run that people rated under ``rated_as``, in the order of the test set, with one judge's score.

    Ratings that were imported and those of sessions of single answers; not those of the raters ``left_out``.
    """
    scored = and_(SCORE.output_id == OUTPUT.id, SCORE.metric == metric, SCORE.fingerprint == fingerprint)
    said = _said(run_id, rated_as, left_out)
    people = (
        select(said.c.output_id, func.avg(said.c.value).label("people"), func.count().label("raters"))
        .group_by(said.c.output_id)
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
        .join(table_of(ExampleRow), EXAMPLE.id == OUTPUT.example_id)
        .outerjoin(table_of(ScoreRow), scored)
        .where(OUTPUT.run_id == run_id)
        .order_by(EXAMPLE.position, OUTPUT.variant_id, OUTPUT.repetition)
        .limit(limit)
    )
    rows: list[Any] = list(tx.session.connection().execute(query))
    comments = _comments(tx, said)
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


def _said(run_id: str, rated_as: str, left_out: Collection[str]) -> Subquery:
    """One row per rating of one answer: output_id, value, comment, at, id."""
    imported = (
        select(RATING.output_id, RATING.value, RATING.comment, RATING.created_at.label("at"), RATING.id)
        .join(table_of(Output), OUTPUT.id == RATING.output_id)
        .where(OUTPUT.run_id == run_id, RATING.metric == rated_as)
    )
    voted = (
        select(ITEM.first_output_id, TASK.value, TASK.comment, TASK.decided_at, TASK.id)
        .join(table_of(RatingItem), ITEM.id == TASK.item_id)
        .join(table_of(RatingSession), SESSION.id == TASK.session_id)
        .where(
            SESSION.run_id == run_id,
            SESSION.metric == rated_as,
            TASK.state == TaskState.RATED,
            TASK.repeat.is_(False),
            TASK.rater_id.not_in(left_out),
            ITEM.gold.is_(False),
            ITEM.second_output_id.is_(None),
        )
    )
    return union_all(imported, voted).subquery()


def _comments(tx: Transaction, said: Subquery) -> dict[str, list[str]]:
    query = select(said.c.output_id, said.c.comment).where(said.c.comment != "").order_by(said.c.at, said.c.id)
    found: dict[str, list[str]] = defaultdict(list)
    for output_id, comment in tx.session.connection().execute(query):
        found[output_id].append(comment)
    return found
