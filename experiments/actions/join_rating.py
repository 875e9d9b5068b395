"""Come by a link: a browser gets a secret of its own, and is a rater from its first look at the page on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from experiments.errors import Gone
from experiments.lookup.rating_sessions import Seat, hash_of, link_is_good, session_is_over, spec_of
from storage.store import Store, Transaction

FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the browser keeps: the secret (None: the one it has is good), and until when."""

    secret: str | None
    expires_at: datetime


def arrive(store: Store, token: str, *, known_secret: str = "") -> Arrival:
    """A place for whoever opens a link; somebody who has one in that session keeps it.

    Raises:
        Gone: ``link_over`` for a link that never was, expired or was revoked, ``session_closed``, ``link_full``.
    """
    with store.begin() as tx:
        now = tx.clock()
        link = tx.ratings.link_of_token(hash_of(token))
        if link is None or not link_is_good(link, now):
            raise Gone("link_over", "This link opens nothing (any more).", "Ask whoever sent it for a new one.")
        known = tx.ratings.rater_of_secret(hash_of(known_secret)) if known_secret else None
        if known is not None and known.link_id == link.id:
            return Arrival(None, link.expires_at)
        session = tx.ratings.get(link.session_id)
        assert session is not None
        if session_is_over(tx, session, now):
            raise Gone("session_closed", "The rating session is over.", "Thank you; there is nothing left to do.")
        if tx.ratings.joined(link.id) >= link.most_raters:
            raise _full()
        tx.ratings.forget_unjoined(link.id, now - FORGET_AFTER)
        secret = secrets.token_urlsafe(32)
        tx.ratings.add_rater(link, secret_hash=hash_of(secret), key=secrets.token_hex(8), at=now)
    return Arrival(secret, link.expires_at)


def seated(tx: Transaction, seat: Seat, now: datetime) -> Seat:
    """The seat of somebody who may rate: at the first look the rater gets a number.

    Raises:
        Gone: ``link_full`` when the link's places are taken, ``session_closed`` for a newcomer after the end.
    """
    if seat.rater.joined_at is not None:
        tx.ratings.change_rater(seat.rater.id, seen_at=now)
        return seat
    if seat.over:
        raise Gone("session_closed", "The rating session is over.", "Thank you; there is nothing left to do.")
    link = tx.ratings.link(seat.rater.link_id)
    if tx.ratings.joined(link.id) >= link.most_raters:
        raise _full()
    seat = Seat(tx.ratings.join(seat.rater, now), seat.session, spec_of(seat.session), seat.over)
    tx.audit.append(seat.actor.name, "rater_joined", f"rating_session:{seat.session.id}")
    return seat


def _full() -> Gone:
    return Gone("link_full", "All places of this link are taken.", "Ask whoever sent it for a new one.")
