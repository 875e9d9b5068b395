"""Tables of rating sessions: what is asked, who may come, what there is to rate, who holds it and what was said.

Like ``storage.tables``, only ``storage`` imports this.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import CanonicalJson, Json, UtcDateTime
from storage.tables import table_of  # imported first, too, because it sets how constraints are named


def _time(*, nullable: bool = False) -> Any:  # noqa: ANN401
    return Field(sa_type=UtcDateTime, nullable=nullable)


class RatingSession(SQLModel, table=True):
    """One row is one question put to people about the answers of a run; ``spec`` never changes once it is open.

    ``items`` counts what is to be rated (gold items apart). ``closed_at`` None means that nobody closed it by hand;
    it may be over nevertheless (``experiments.ratings.closing``). ``last_vote_at`` feeds the rule that closes it.
    """

    __tablename__ = "rating_session"
    __table_args__ = (UniqueConstraint("experiment_id", "number"),)

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    run_id: str = Field(foreign_key="run.id")
    number: int
    metric: str
    kind: str
    spec: dict[str, Any] = Field(sa_column=Column(CanonicalJson, nullable=False))
    seed: int = Field(sa_column=Column(BigInteger, nullable=False))
    items: int
    seconds_per_item: float
    left_out: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    opened_by: str
    opened_at: datetime = _time()
    closes_at: datetime | None = _time(nullable=True)
    last_vote_at: datetime | None = _time(nullable=True)
    closed_by: str | None = None
    closed_at: datetime | None = _time(nullable=True)


class RatingLink(SQLModel, table=True):
    """One row is a link for raters: the SHA-256 of its token, how many people may come by it, and until when."""

    __tablename__ = "rating_link"

    id: str = Field(primary_key=True)
    session_id: str = Field(foreign_key="rating_session.id", index=True)
    token_hash: str = Field(unique=True)
    most_raters: int
    created_by: str
    created_at: datetime = _time()
    expires_at: datetime = _time()
    revoked_at: datetime | None = _time(nullable=True)


class Rater(SQLModel, table=True):
    """One row is one browser that opened a link; it is a rater, with a number, from its first look at the page on.

    Programs that only follow links (previews in a chat) therefore take nobody's place.
    """

    __table_args__ = (UniqueConstraint("session_id", "number"),)

    id: str = Field(primary_key=True)
    session_id: str = Field(foreign_key="rating_session.id")
    link_id: str = Field(foreign_key="rating_link.id", index=True)
    secret_hash: str = Field(unique=True)
    key: str
    number: int | None = None
    name: str = ""
    opened_at: datetime = _time()
    joined_at: datetime | None = _time(nullable=True)
    seen_at: datetime | None = _time(nullable=True)


class RatingItem(SQLModel, table=True):
    """One row is one thing to rate: two answers to the same row, or one answer, or a gold item with its known answer.

    ``wanted`` is how many people are to rate it, ``probability`` the chance with which it was drawn. ``texts`` holds a
    gold item that was written by hand; ``expected`` its right answer, told from the side of the first output.
    """

    __tablename__ = "rating_item"
    __table_args__ = (UniqueConstraint("session_id", "position"),)

    id: str = Field(primary_key=True)
    session_id: str = Field(foreign_key="rating_session.id")
    position: int
    gold: bool = False
    example_id: str | None = Field(default=None, foreign_key="example.id")
    first_output_id: str | None = Field(default=None, foreign_key="output.id")
    second_output_id: str | None = Field(default=None, foreign_key="output.id")
    wanted: int
    probability: float
    stratum: str = ""
    texts: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    expected: str | None = None


class RatingTask(SQLModel, table=True):
    """One row is one item in the hands of one rater: leased, then rated, skipped or reported. Its id tells nothing.

    ``value`` is told from the side of the first output (1 better, 0.5 tie, 0 worse), or is the grade; ``choice`` is
    the key as the rater saw it. ``repeat`` marks the hidden second time, which counts for consistency only.
    """

    __tablename__ = "rating_task"
    __table_args__ = (
        UniqueConstraint("item_id", "rater_id", "repeat"),
        Index("ix_rating_task_rater_id_state", "rater_id", "state"),
        Index("ix_rating_task_session_id_state", "session_id", "state"),
    )

    id: str = Field(primary_key=True)
    session_id: str = Field(foreign_key="rating_session.id")
    item_id: str = Field(foreign_key="rating_item.id")
    rater_id: str = Field(foreign_key="rater.id")
    repeat: bool = False
    sequence: int
    swapped: bool
    state: str
    leased_at: datetime = _time()
    lease_until: datetime = _time()
    decided_at: datetime | None = _time(nullable=True)
    decision: int | None = None
    choice: str | None = None
    value: float | None = None
    reasons: list[str] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    comment: str = Field(default="", sa_column=Column(Text, nullable=False))
    milliseconds: int | None = None
    undone: int = 0


SESSION, LINK, RATER, ITEM, TASK = (
    table_of(kind).c for kind in (RatingSession, RatingLink, Rater, RatingItem, RatingTask)
)
"""The columns of each table, for queries that name columns instead of objects."""
