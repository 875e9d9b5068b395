"""Queries about items and the raters' hold on them. Whoever changes something has locked the session first.

An item is taken as often as it was rated plus as it is held by a lease that has not run out; gold items and hidden
repeats are never taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, or_, select, update
from sqlmodel import Session

from experiments.vocabulary import TaskState
from storage import tables
from storage.rating_tables import ITEM, RATER, TASK, Rater, RatingItem, RatingTask
from storage.records import RatingItemRecord, RatingTaskRecord, to_record
from storage.tables import table_of

EXAMPLE, OUTPUT, VARIANT = (table_of(kind).c for kind in (tables.ExampleRow, tables.Output, tables.Variant))
FIRST, SECOND = table_of(tables.Output).alias("first"), table_of(tables.Output).alias("second")


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item that a rater may still get: ratings it has, and ratings plus good leases of others."""

    item_id: str
    example_id: str
    rated: int
    taken: int
    wanted: int


@dataclass(frozen=True, slots=True)
class ShownTask:
    """What a task shows: the row's cells and the texts of its answers (or a gold item's own), and on which side."""

    id: str
    sequence: int
    swapped: bool
    cells: Mapping[str, str | None] | None
    first: str | None
    second: str | None
    texts: Mapping[str, Any] | None


class RatingTasks:
    """Items and tasks of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- what a rater may get --------------------------------------------------------------------------------

    def open_items(self, session_id: str, rater_id: str, now: datetime) -> list[OpenItem]:
        """Items that want more ratings and that this rater has not had."""
        rated = func.sum(case((_counted(), 1), else_=0))
        taken = func.sum(case((or_(_counted(), _held(now)), 1), else_=0))
        mine = select(TASK.item_id).where(TASK.rater_id == rater_id)
        query = (
            select(ITEM.id, ITEM.example_id, ITEM.wanted, rated, taken)
            .join(table_of(RatingTask), and_(TASK.item_id == ITEM.id, TASK.repeat.is_(False)), isouter=True)
            .where(ITEM.session_id == session_id, ITEM.gold.is_(False), ITEM.id.not_in(mine))
            .group_by(ITEM.id, ITEM.example_id, ITEM.wanted)
            .having(rated < ITEM.wanted)
        )
        return [
            OpenItem(item_id, example_id or "", int(n_rated), int(n_taken), wanted)
            for item_id, example_id, wanted, n_rated, n_taken in self._session.execute(query)
        ]

    def gold_items(self, session_id: str) -> list[str]:
        """Ids of the gold items, in their order."""
        query = select(ITEM.id).where(ITEM.session_id == session_id, ITEM.gold.is_(True)).order_by(ITEM.position)
        return list(self._session.execute(query).scalars())

    def is_full(self, item_id: str, rater_id: str, now: datetime) -> bool:
        """Whether the others fill an item already, so that this rater has no place on it."""
        others = and_(TASK.item_id == item_id, TASK.repeat.is_(False), TASK.rater_id != rater_id)
        taken = select(func.count()).where(others, or_(_counted(), _held(now)))
        wanted = select(ITEM.wanted, ITEM.gold).where(ITEM.id == item_id)
        count, (most, gold) = self._session.execute(taken).scalar_one(), self._session.execute(wanted).one()
        return not gold and int(count) >= int(most)

    # --- a rater's tasks -------------------------------------------------------------------------------------

    def add(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """New leases."""
        if tasks:
            self._session.execute(insert(RatingTask), [dict(task) for task in tasks])

    def of_rater(self, rater_id: str) -> list[tuple[RatingTaskRecord, str, bool]]:
        """(task, example id or "", whether it is gold) of all that a rater has had, as handed out."""
        query = (
            select(*(TASK[f.name] for f in fields(RatingTaskRecord)), ITEM.example_id, ITEM.gold)
            .join(table_of(RatingItem), ITEM.id == TASK.item_id)
            .where(TASK.rater_id == rater_id)
            .order_by(TASK.sequence)
        )
        return [
            (RatingTaskRecord(*row[:-2]), row[-2] or "", bool(row[-1]))
            for row in self._session.connection().execute(query)
        ]

    def change(self, task_id: str, **values: Any) -> None:  # noqa: ANN401
        """Set columns of a task."""
        self._session.execute(update(RatingTask).where(TASK.id == task_id).values(**values))

    def take_back(self, task_id: str, *, lease_until: datetime) -> None:
        """The decision on a task is gone and its rater holds it again."""
        nothing = {"decided_at": None, "decision": None, "choice": None, "value": None, "reasons": None}
        self._session.execute(
            update(RatingTask)
            .where(TASK.id == task_id)
            .values(
                **nothing,
                state=TaskState.LEASED,
                lease_until=lease_until,
                comment="",
                milliseconds=None,
                undone=TASK.undone + 1,
            )
        )

    def renew(self, task_ids: Sequence[str], until: datetime) -> None:
        """Hold these leases until then."""
        if task_ids:
            self._session.execute(update(RatingTask).where(TASK.id.in_(task_ids)).values(lease_until=until))

    def remove(self, task_id: str) -> None:
        """Give an item back for good."""
        self._session.execute(delete(RatingTask).where(TASK.id == task_id))

    def shown(self, task_ids: Sequence[str]) -> list[ShownTask]:
        """What these tasks show, in the order they were handed out."""
        if not task_ids:
            return []
        query = (
            select(TASK.id, TASK.sequence, TASK.swapped, EXAMPLE.cells, FIRST.c.text, SECOND.c.text, ITEM.texts)
            .join(table_of(RatingItem), ITEM.id == TASK.item_id)
            .join(table_of(tables.ExampleRow), EXAMPLE.id == ITEM.example_id, isouter=True)
            .join(FIRST, FIRST.c.id == ITEM.first_output_id, isouter=True)
            .join(SECOND, SECOND.c.id == ITEM.second_output_id, isouter=True)
            .where(TASK.id.in_(task_ids))
            .order_by(TASK.sequence)
        )
        return [ShownTask(*row) for row in self._session.execute(query)]

    def texts_of_items(
        self, item_ids: Sequence[str]
    ) -> dict[str, tuple[Mapping[str, str | None], str | None, str | None]]:
        """Item → (cells of its row, text of the first output, of the second), for items that are rows."""
        query = (
            select(ITEM.id, EXAMPLE.cells, FIRST.c.text, SECOND.c.text)
            .join(table_of(tables.ExampleRow), EXAMPLE.id == ITEM.example_id)
            .join(FIRST, FIRST.c.id == ITEM.first_output_id, isouter=True)
            .join(SECOND, SECOND.c.id == ITEM.second_output_id, isouter=True)
            .where(ITEM.id.in_(item_ids))
        )
        return {item_id: (cells, first, second) for item_id, cells, first, second in self._session.execute(query)}

    # --- what the owner and the analysis read ----------------------------------------------------------------

    def items(self, session_id: str) -> list[RatingItemRecord]:
        """All items of a session in their order, gold ones too."""
        query = select(RatingItem).where(ITEM.session_id == session_id).order_by(ITEM.position)
        return [to_record(RatingItemRecord, row) for row in self._session.execute(query).scalars()]

    def counts(self, session_ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        """(ratings so far, ratings wanted, items that have all) of each session; gold and repeats do not count."""
        per_item = (
            select(
                ITEM.session_id,
                ITEM.wanted,
                func.sum(case((_counted(), 1), else_=0)).label("rated"),
            )
            .join(table_of(RatingTask), and_(TASK.item_id == ITEM.id, TASK.repeat.is_(False)), isouter=True)
            .where(ITEM.session_id.in_(session_ids), ITEM.gold.is_(False))
            .group_by(ITEM.id, ITEM.session_id, ITEM.wanted)
            .subquery()
        )
        query = select(
            per_item.c.session_id,
            func.sum(per_item.c.rated),
            func.sum(per_item.c.wanted),
            func.sum(case((per_item.c.rated >= per_item.c.wanted, 1), else_=0)),
        ).group_by(per_item.c.session_id)
        return {s: (int(rated), int(wanted), int(full)) for s, rated, wanted, full in self._session.execute(query)}

    def decided(self, session_id: str) -> Iterator[dict[str, Any]]:
        """Every decision of a session in the order of raters and time, with what is known of its item.

        Keys: task_id, rater_id, number (of the rater), item_id, repeat, gold, expected, swapped, state, choice, value,
        reasons, comment, milliseconds, decided_at, sequence, decision, example_id, first_output_id, second_output_id,
        probability, stratum.
        """
        query = (
            select(
                TASK.id.label("task_id"),
                *(TASK.rater_id, TASK.item_id, TASK.repeat, TASK.swapped, TASK.state, TASK.choice, TASK.value),
                *(TASK.reasons, TASK.comment, TASK.milliseconds, TASK.decided_at, TASK.sequence, TASK.decision),
                *(ITEM.gold, ITEM.expected, ITEM.example_id, ITEM.first_output_id, ITEM.second_output_id),
                *(ITEM.probability, ITEM.stratum, RATER.number),
            )
            .join(table_of(RatingItem), ITEM.id == TASK.item_id)
            .join(table_of(Rater), RATER.id == TASK.rater_id)
            .where(TASK.session_id == session_id, TASK.state != TaskState.LEASED)
            .order_by(RATER.number, TASK.decision)
        )
        for row in self._session.execute(query):
            yield dict(row._mapping)

    def variants_of_items(self, session_id: str, *, second: bool = False) -> dict[str, str]:
        """Item → name of the variant of its first output (or second, for items that have two)."""
        shown = ITEM.second_output_id if second else ITEM.first_output_id
        query = (
            select(ITEM.id, VARIANT.name)
            .join(table_of(tables.Output), OUTPUT.id == shown)
            .join(table_of(tables.Variant), VARIANT.id == OUTPUT.variant_id)
            .where(ITEM.session_id == session_id)
        )
        return {str(item_id): str(name) for item_id, name in self._session.execute(query)}


def _counted() -> ColumnElement[bool]:
    return TASK.state == TaskState.RATED


def _held(now: datetime) -> ColumnElement[bool]:
    return and_(TASK.state == TaskState.LEASED, TASK.lease_until > now)
