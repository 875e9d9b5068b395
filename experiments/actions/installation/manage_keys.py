"""API keys: ``bk_<id>_<secret>``; the secret is shown once and kept only as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError, NotFound
from experiments.permissions import Operation
from experiments.vocabulary import Actor, Scope
from storage.records import ApiKeyRecord
from storage.store import Store

_SHAPE = re.compile(r"^bk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key right after it was made; ``key`` is never shown again."""

    record: ApiKeyRecord
    key: str


def create_key(
    store: Store, name: str, scopes: Iterable[str], *, actor: Actor, days_valid: int | None = None
) -> NewKey:
    """A new key with these scopes.

    Raises:
        BakeoffError: ``bad_name`` or ``unknown_scope``; Forbidden.
    """
    authorise(store, actor, Operation.MANAGE, "keys")
    if not name.strip() or len(name) > 100:
        raise BakeoffError(
            "bad_name", "A key needs a name of at most 100 characters.", "Name the application that uses it."
        )
    wanted = sorted({_scope(s) for s in scopes})
    if not wanted:
        raise BakeoffError("unknown_scope", "A key needs at least one scope.", f"Choose from {', '.join(Scope)}.")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with store.begin() as tx:
        now = tx.clock()
        record = tx.keys.add(
            key_id,
            name=name.strip(),
            secret_hash=_hash(secret),
            scopes=wanted,
            actor=actor.name,
            at=now,
            expires_at=now + timedelta(days=days_valid) if days_valid else None,
        )
        tx.audit.append(actor.name, "key_created", f"key:{key_id}", {"name": record.name, "scopes": wanted})
    return NewKey(record, f"bk_{key_id}_{secret}")


def revoke_key(store: Store, key_id: str, *, actor: Actor) -> None:
    """The key stops working at once. Raises NotFound; Forbidden."""
    authorise(store, actor, Operation.MANAGE, "keys")
    with store.begin() as tx:
        if tx.keys.get(key_id) is None:
            raise NotFound("no_such_key", f"There is no key '{key_id[:40]}'.", "See: bakeoff keys list")
        tx.keys.revoke(key_id, tx.clock())
        tx.audit.append(actor.name, "key_revoked", f"key:{key_id}")


def actor_of_key(store: Store, key: str) -> Actor | None:
    """Who holds this key, with its scopes; None when it is malformed, unknown, expired or revoked."""
    key_id = key_id_of(key)
    if key_id is None:
        return None
    with store.read() as tx:
        record = tx.keys.get(key_id)
        now = tx.clock()
    if record is None:
        return None
    actor = holder(record, key, now)
    if actor is not None:
        note_use(store, [record], now)
    return actor


def key_id_of(key: str) -> str | None:
    """The public part of a key, by which it is looked up; None for what has not the shape of a key."""
    match = _SHAPE.fullmatch(key)
    return match[1] if match else None


def holder(record: ApiKeyRecord, key: str, now: datetime) -> Actor | None:
    """Who holds the key of this record; None when it is another key, expired or revoked."""
    match = _SHAPE.fullmatch(key)
    if match is None or not hmac.compare_digest(record.secret_hash, _hash(match[2])):
        return None
    if record.revoked_at is not None or (record.expires_at is not None and record.expires_at <= now):
        return None
    return _actor_of(record.name, tuple(record.scopes))


def note_use(store: Store, records: Iterable[ApiKeyRecord], now: datetime) -> None:
    """Keep the day on which keys were last used, once a day."""
    day = now.date().isoformat()
    fresh = [record.id for record in records if record.last_used_on != day]
    if fresh:
        with store.begin() as tx:
            for key_id in fresh:
                tx.keys.touch(key_id, day)


@lru_cache(maxsize=1024)
def _actor_of(name: str, scopes: tuple[str, ...]) -> Actor:
    return Actor(f"key:{name}", scopes=frozenset(Scope(s) for s in scopes))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _scope(text: str) -> str:
    try:
        return Scope(text.strip().lower()).value
    except ValueError:
        raise BakeoffError(
            "unknown_scope", f"There is no scope '{text[:40]}'.", f"Choose from {', '.join(Scope)}."
        ) from None
