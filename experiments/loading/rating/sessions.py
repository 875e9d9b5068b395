"""A rating session put together from its rows: its spec, whether it is over, and who comes with a rater's cookie."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from experiments.errors import NotFound, Unauthenticated
from experiments.ratings.closing import TIME_TO_UNDO, is_over
from experiments.ratings.session_file import SessionSpec
from experiments.vocabulary import Actor, Role
from storage.records import ExperimentRecord, RaterRecord, RatingLinkRecord, RatingSessionRecord
from storage.store import Transaction


def hash_of(secret: str) -> str:
    """What is kept of a token or a rater's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def spec_of(session: RatingSessionRecord) -> SessionSpec:
    """The session as it was opened."""
    return SessionSpec.model_validate(session.spec)


def find_session(tx: Transaction, session_id: str) -> RatingSessionRecord:
    """The session of that id. Raises NotFound."""
    session = tx.ratings.get(session_id)
    if session is None:
        raise NotFound("no_such_session", "There is no such rating session.", "See: bakeoff rate status NAME")
    return session


def newest_session(tx: Transaction, experiment: ExperimentRecord) -> RatingSessionRecord:
    """The experiment's newest session. Raises NotFound."""
    sessions = tx.ratings.all(experiment.id)
    if not sessions:
        raise NotFound(
            "no_such_session",
            f"'{experiment.name}' has no rating session.",
            f"Open one: bakeoff rate open '{experiment.name}'",
        )
    return sessions[0]


def session_is_over(tx: Transaction, session: RatingSessionRecord, now: datetime) -> bool:
    """Whether nobody can rate in it any more."""
    return is_over(
        now,
        closed_at=session.closed_at,
        closes_at=session.closes_at,
        full_since=_full_since(tx, session, now),
        close_when_full=bool(session.spec.get("close_when_full", True)),
    )


def _full_since(tx: Transaction, session: RatingSessionRecord, now: datetime) -> datetime | None:
    """When the last rating came, where everything is full and that is long enough ago to matter."""
    if session.closed_at is not None or session.last_vote_at is None or session.last_vote_at + TIME_TO_UNDO > now:
        return None
    rated, wanted, _ = tx.rating_tasks.counts([session.id]).get(session.id, (0, 0, 0))
    return session.last_vote_at if rated >= wanted else None


def link_is_good(link: RatingLinkRecord, now: datetime) -> bool:
    """Whether a link still opens something."""
    return link.revoked_at is None and link.expires_at > now


def rater_name(session: RatingSessionRecord, number: int | None) -> str:
    """What a rater is called in the analysis and in exports: ``s1r3`` is rater 3 of the experiment's session 1."""
    return f"s{session.number}r{number or 0}"


@dataclass(frozen=True)
class Seat:
    """A rater in a session: who, where, and what the session is."""

    rater: RaterRecord
    session: RatingSessionRecord
    spec: SessionSpec
    over: bool

    @property
    def actor(self) -> Actor:
        """The rater as an actor."""
        return Actor(f"rater:{rater_name(self.session, self.rater.number)}", Role.RATER)


def take_seat(tx: Transaction, secret: str) -> Seat:
    """The seat of the rater who holds this secret; the session is locked for this transaction.

    Raises:
        Unauthenticated: ``link_needed`` without a known secret, and when its link expired or was revoked.
    """
    rater = tx.ratings.rater_of_secret(hash_of(secret)) if secret else None
    now = tx.clock()
    if rater is None or not link_is_good(tx.ratings.link(rater.link_id), now):
        raise Unauthenticated("link_needed", "This page opens with a link.", "Open your link again, or ask for one.")
    session = tx.ratings.locked(rater.session_id)
    if rater.joined_at is None:
        rater = tx.ratings.rater_of_secret(hash_of(secret)) or rater
    return Seat(rater, session, spec_of(session), session_is_over(tx, session, now))
