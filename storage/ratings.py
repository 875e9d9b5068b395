"""Queries about rating sessions, their links and their raters; tokens never get here, only their hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, update
from sqlmodel import Session, col, select

from experiments.vocabulary import OutputStatus, ResponseClass, new_id
from storage import tables
from storage.rating_tables import Rater, RatingItem, RatingLink, RatingSession, RatingTask
from storage.records import RaterRecord, RatingLinkRecord, RatingSessionRecord, to_record

_BATCH = 500


class Ratings:
    """Rating sessions of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- sessions ----------------------------------------------------------------------------------------------

    def add(self, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> RatingSessionRecord:
        """A new session, numbered after the experiment's newest, with its items in their order."""
        newest = self._session.exec(
            select(func.max(RatingSession.number)).where(RatingSession.experiment_id == values["experiment_id"])
        ).one()
        row = RatingSession(id=new_id(), number=(newest or 0) + 1, **values)
        self._session.add(row)
        self._session.flush()
        rows = [
            {"id": new_id(), "session_id": row.id, "position": position, **item} for position, item in enumerate(items)
        ]
        for start in range(0, len(rows), _BATCH):
            self._session.execute(insert(RatingItem), rows[start : start + _BATCH])
        return to_record(RatingSessionRecord, row)

    def get(self, session_id: str) -> RatingSessionRecord | None:
        """The session of that id, or None."""
        row = self._session.get(RatingSession, session_id)
        return to_record(RatingSessionRecord, row) if row else None

    def locked(self, session_id: str) -> RatingSessionRecord:
        """The session, which nobody else may hand out or take votes for until this transaction ends.

        On SQLite a transaction that writes is alone anyway.
        """
        query = select(RatingSession).where(RatingSession.id == session_id).with_for_update()
        return to_record(RatingSessionRecord, self._session.exec(query.execution_options(populate_existing=True)).one())

    def all(self, experiment_id: str | None = None) -> list[RatingSessionRecord]:
        """Sessions of one experiment or of all, newest first."""
        query = select(RatingSession)
        if experiment_id is not None:
            query = query.where(RatingSession.experiment_id == experiment_id)
        query = query.order_by(col(RatingSession.opened_at).desc(), col(RatingSession.id).desc())
        return [to_record(RatingSessionRecord, row) for row in self._session.exec(query)]

    def change(self, session_id: str, **values: Any) -> None:  # noqa: ANN401
        """Set columns of a session."""
        self._session.execute(update(RatingSession).where(col(RatingSession.id) == session_id).values(**values))

    def answers(self, run_id: str) -> Iterator[tuple[str, str, str, str]]:
        """(example id, variant id, output id, text) of every answer of a run's first repetition that is text."""
        o = tables.Output
        query = (
            select(o.example_id, o.variant_id, o.id, o.text, o.response_class)  # type: ignore[call-overload]
            .where(o.run_id == run_id, o.repetition == 0, o.status == OutputStatus.OK)
            .execution_options(yield_per=_BATCH)
        )
        for example_id, variant_id, output_id, text, response_class in self._session.exec(query):
            if text or response_class != ResponseClass.TOOL_CALL:
                yield example_id, variant_id, output_id, text

    # --- links ---------------------------------------------------------------------------------------------------

    def add_link(
        self,
        session_id: str,
        *,
        token_hash: str,
        most_raters: int,
        actor: str,
        at: datetime,
        expires_at: datetime,
    ) -> RatingLinkRecord:
        """A new link."""
        row = RatingLink(
            id=new_id(),
            session_id=session_id,
            token_hash=token_hash,
            most_raters=most_raters,
            created_by=actor,
            created_at=at,
            expires_at=expires_at,
        )
        self._session.add(row)
        self._session.flush()
        return to_record(RatingLinkRecord, row)

    def link_of_token(self, token_hash: str) -> RatingLinkRecord | None:
        """The link whose token has that hash, or None."""
        row = self._session.exec(select(RatingLink).where(RatingLink.token_hash == token_hash)).first()
        return to_record(RatingLinkRecord, row) if row else None

    def link(self, link_id: str) -> RatingLinkRecord:
        """The link of that id."""
        return to_record(RatingLinkRecord, self._session.get_one(RatingLink, link_id))

    def links(self, session_id: str) -> list[RatingLinkRecord]:
        """The links of a session, newest first."""
        query = select(RatingLink).where(RatingLink.session_id == session_id)
        query = query.order_by(col(RatingLink.created_at).desc(), col(RatingLink.id).desc())
        return [to_record(RatingLinkRecord, row) for row in self._session.exec(query)]

    def revoke_links(self, session_id: str, at: datetime) -> int:
        """How many links stopped working now."""
        done = self._session.execute(
            update(RatingLink)
            .where(col(RatingLink.session_id) == session_id, col(RatingLink.revoked_at).is_(None))
            .values(revoked_at=at)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]

    # --- raters --------------------------------------------------------------------------------------------------

    def add_rater(self, link: RatingLinkRecord, *, secret_hash: str, key: str, at: datetime) -> RaterRecord:
        """Somebody who opened a link and has not looked at the page yet."""
        row = Rater(
            id=new_id(), session_id=link.session_id, link_id=link.id, secret_hash=secret_hash, key=key, opened_at=at
        )
        self._session.add(row)
        self._session.flush()
        return to_record(RaterRecord, row)

    def rater_of_secret(self, secret_hash: str) -> RaterRecord | None:
        """The rater whose secret has that hash, or None."""
        query = select(Rater).where(Rater.secret_hash == secret_hash)
        row = self._session.exec(query.execution_options(populate_existing=True)).first()
        return to_record(RaterRecord, row) if row else None

    def joined(self, link_id: str) -> int:
        """How many raters a link has."""
        query = select(func.count()).select_from(Rater)
        return self._session.exec(query.where(Rater.link_id == link_id, col(Rater.joined_at).is_not(None))).one()

    def join(self, rater: RaterRecord, at: datetime) -> RaterRecord:
        """The rater with the next number of the session; the caller has locked the session."""
        newest = self._session.exec(select(func.max(Rater.number)).where(Rater.session_id == rater.session_id)).one()
        row = self._session.get_one(Rater, rater.id)
        row.number, row.joined_at, row.seen_at = (newest or 0) + 1, at, at
        self._session.flush()
        return to_record(RaterRecord, row)

    def raters(self, session_id: str) -> list[RaterRecord]:
        """The raters of a session by number; those who never looked at the page are left out."""
        query = select(Rater).where(Rater.session_id == session_id, col(Rater.number).is_not(None))
        return [to_record(RaterRecord, row) for row in self._session.exec(query.order_by(col(Rater.number)))]

    def change_rater(self, rater_id: str, **values: Any) -> None:  # noqa: ANN401
        """Set columns of a rater."""
        self._session.execute(update(Rater).where(col(Rater.id) == rater_id).values(**values))

    def seen_since(self, session_id: str, since: datetime) -> int:
        """How many raters were there since a time."""
        query = select(func.count()).select_from(Rater)
        return self._session.exec(query.where(Rater.session_id == session_id, col(Rater.seen_at) >= since)).one()

    def forget_unjoined(self, link_id: str, before: datetime) -> None:
        """Drop who only followed a link (a chat's preview, for one) and never came to the page."""
        unused = (col(Rater.link_id) == link_id, col(Rater.joined_at).is_(None), col(Rater.opened_at) < before)
        self._session.execute(delete(Rater).where(*unused))

    def has_votes(self, experiment_ids: Sequence[str], *, besides: Sequence[str] = ()) -> bool:
        """Whether anybody but these raters decided on an item of these experiments."""
        query = (
            select(RatingTask.id)
            .join(RatingSession, col(RatingSession.id) == RatingTask.session_id)
            .where(
                col(RatingSession.experiment_id).in_(experiment_ids),
                col(RatingTask.decided_at).is_not(None),
                col(RatingTask.rater_id).not_in(besides),
            )
            .limit(1)
        )
        return self._session.exec(query).first() is not None
