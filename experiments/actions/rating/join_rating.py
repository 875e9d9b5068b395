"""Come by a link: a browser gets a secret of its own, and is a rater from its first look at the page on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from experiments.errors import Gone, Unauthenticated
from experiments.loading.rating.sessions import Seat, hash_of, link_is_good, session_is_over, spec_of
from storage.records import RatingLinkRecord
from storage.store import Store, Transaction

FORGET_AFTER = timedelta(days=1)


MOST_SECRETS = 8


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the browser keeps: its secrets, that of the session it came for first, and until when."""

    secrets: tuple[str, ...]
    expires_at: datetime


def arrive(store: Store, token: str, *, known: Sequence[str] = ()) -> Arrival:
    """A place for a visitor of a link. ``known`` are secrets that the browser has from links before.

    Somebody who has a place in that session keeps it, whichever link of the session it is; who works in several
    sessions keeps all of them.

    Raises:
        Gone: ``link_over`` for a link that never was, expired or was revoked, ``session_closed``, ``link_full``.
    """
    with store.begin() as tx:
        now = tx.clock()
        link = tx.ratings.link_of_token(hash_of(token))
        if link is None or not link_is_good(link, now):
            raise Gone("link_over", "This link opens nothing (any more).", "Ask the sender for a new one.")
        own = _own_secret(tx, link, known)
        rater = tx.ratings.rater_of_secret(hash_of(own)) if own else None
        if rater is not None and rater.link_id == link.id:
            return Arrival(_first(own, known), link.expires_at)
        session = tx.ratings.get(link.session_id)
        assert session is not None
        if session_is_over(tx, session, now):
            raise Gone("session_closed", "The rating session is over.", "Thank you; there is nothing left to do.")
        if tx.ratings.joined(link.id) >= link.most_raters:
            raise _full()
        if rater is not None:
            tx.ratings.change_rater(rater.id, link_id=link.id)
            return Arrival(_first(own, known), link.expires_at)
        tx.ratings.forget_unjoined(link.id, now - FORGET_AFTER)
        secret = secrets.token_urlsafe(32)
        tx.ratings.add_rater(link, secret_hash=hash_of(secret), key=secrets.token_hex(8), at=now)
    return Arrival(_first(secret, known), link.expires_at)


def _own_secret(tx: Transaction, link: RatingLinkRecord, known: Sequence[str]) -> str:
    """The secret among ``known`` that has a place in the link's session; empty when none has."""
    for secret in known[:MOST_SECRETS]:
        rater = tx.ratings.rater_of_secret(hash_of(secret))
        if rater is not None and rater.session_id == link.session_id:
            return secret
    return ""


def _first(secret: str, known: Sequence[str]) -> tuple[str, ...]:
    return (secret, *(other for other in known if other != secret))[:MOST_SECRETS]


def secret_of_rater(store: Store, secrets: Sequence[str], key: str) -> str:
    """The one of a browser's secrets that belongs to the rater of this key. Raises Unauthenticated ``link_needed``."""
    with store.read() as tx:
        for secret in secrets[:MOST_SECRETS]:
            rater = tx.ratings.rater_of_secret(hash_of(secret))
            if rater is not None and rater.key == key:
                return secret
    raise Unauthenticated("link_needed", "This browser has another rating link now.", "Open your link again.")


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
    return Gone("link_full", "All places of this link are taken.", "Ask the sender for a new one.")
