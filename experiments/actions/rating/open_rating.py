"""Open a rating session over an experiment's answers, make and revoke links, close it."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from experiments.actions.authorise import authorise
from experiments.errors import Conflict
from experiments.loading.rating.drafts import DraftedSession, drafted_session
from experiments.loading.rating.sessions import find_session, hash_of, session_is_over, spec_of
from experiments.permissions import Operation
from experiments.ratings.items import NewItem
from experiments.ratings.session_file import SessionSpec
from experiments.vocabulary import Actor
from storage.records import RatingSessionRecord
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link right after it was made; its token is never shown again."""

    session_id: str
    token: str
    expires_at: datetime
    most_raters: int

    @property
    def path(self) -> str:
        """The address below the server's own."""
        return f"/r/{self.token}"


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session right after it was opened, and its first link."""

    session: RatingSessionRecord
    link: NewLink

    @property
    def session_id(self) -> str:
        """Id of the session."""
        return self.session.id

    @property
    def path(self) -> str:
        """The raters' address below the server's own; shown once."""
        return self.link.path


def open_session(store: Store, experiment_name: str, spec: SessionSpec, *, actor: Actor) -> OpenedSession:
    """A session over the answers of the experiment's newest full run; from now on nothing about it changes.

    Raises:
        BakeoffError: as ``lookup.rating_drafts.drafted_session``; Forbidden.
    """
    authorise(store, actor, Operation.COLLECT_RATINGS, f"experiment:{experiment_name}")
    seed = secrets.randbits(62) if spec.seed is None else spec.seed
    with store.begin() as tx:
        drafted = drafted_session(tx, experiment_name, spec, seed=seed)
        session = tx.ratings.add(_session_columns(tx, drafted, seed, actor), _item_columns(drafted))
        tx.runs.bump_revision(drafted.run.id)
        experiment = drafted.blueprint.experiment
        details = {
            "experiment": experiment.name,
            "number": session.number,
            "metric": session.metric,
            "kind": session.kind,
            "items": session.items,
            "ratings": drafted.draft.ratings,
        }
        tx.audit.append(actor.name, "rating_opened", f"rating_session:{session.id}", details)
        return OpenedSession(session, _link(tx, session, drafted.spec, actor))


def new_link(
    store: Store, session_id: str, *, actor: Actor, raters: int | None = None, days: int | None = None
) -> NewLink:
    """One more link to an open session; ``raters`` and ``days`` as in the session's file unless given.

    Raises:
        NotFound; Conflict ``session_closed``; Forbidden.
    """
    authorise(store, actor, Operation.COLLECT_RATINGS, f"rating_session:{session_id}")
    with store.begin() as tx:
        session = find_session(tx, session_id)
        if session_is_over(tx, session, tx.clock()):
            raise Conflict("session_closed", "The session is over, so nobody can come any more.", "Open a new one.")
        return _link(tx, session, spec_of(session), actor, raters=raters, days=days)


def revoke_links(store: Store, session_id: str, *, actor: Actor) -> int:
    """How many links of the session stopped working, also for those who came by them; their ratings stay.

    Raises:
        NotFound; Forbidden.
    """
    authorise(store, actor, Operation.COLLECT_RATINGS, f"rating_session:{session_id}")
    with store.begin() as tx:
        session = find_session(tx, session_id)
        count = tx.ratings.revoke_links(session.id, tx.clock())
        if count:
            tx.audit.append(actor.name, "rating_links_revoked", f"rating_session:{session.id}", {"links": count})
        return count


def close_session(store: Store, session_id: str, *, actor: Actor) -> bool:
    """True when the session was closed now, False when somebody closed it before; what was rated stays.

    Raises:
        NotFound; Forbidden.
    """
    authorise(store, actor, Operation.COLLECT_RATINGS, f"rating_session:{session_id}")
    with store.begin() as tx:
        find_session(tx, session_id)
        session = tx.ratings.locked(session_id)
        if session.closed_at is not None:
            return False
        rated, wanted, _ = tx.rating_tasks.counts([session.id]).get(session.id, (0, 0, 0))
        tx.ratings.change(session.id, closed_at=tx.clock(), closed_by=actor.name)
        tx.runs.bump_revision(session.run_id)
        details = {"ratings": rated, "wanted": wanted}
        tx.audit.append(actor.name, "rating_closed", f"rating_session:{session.id}", details)
        return True


def _link(
    tx: Transaction,
    session: RatingSessionRecord,
    spec: SessionSpec,
    actor: Actor,
    *,
    raters: int | None = None,
    days: int | None = None,
) -> NewLink:
    token = secrets.token_urlsafe(32)
    now = tx.clock()
    link = tx.ratings.add_link(
        session.id,
        token_hash=hash_of(token),
        most_raters=raters or spec.raters,
        actor=actor.name,
        at=now,
        expires_at=now + timedelta(days=days or spec.link_days),
    )
    details = {"link": link.id, "raters": link.most_raters, "expires_at": link.expires_at.isoformat()}
    tx.audit.append(actor.name, "rating_link_made", f"rating_session:{session.id}", details)
    return NewLink(session.id, token, link.expires_at, link.most_raters)


def _session_columns(tx: Transaction, drafted: DraftedSession, seed: int, actor: Actor) -> dict[str, Any]:
    spec, draft = drafted.spec, drafted.draft
    return {
        "experiment_id": drafted.blueprint.experiment.id,
        "run_id": drafted.run.id,
        "metric": spec.metric_name(),
        "kind": spec.kind.value,
        "spec": spec.model_dump(mode="json"),
        "seed": seed,
        "items": len(draft.items),
        "seconds_per_item": round(draft.seconds_per_item, 1),
        "left_out": dict(draft.left_out),
        "opened_by": actor.name,
        "opened_at": tx.clock(),
        "closes_at": spec.closes_at,
    }


def _item_columns(drafted: DraftedSession) -> list[dict[str, Any]]:
    return [_columns(item) for item in (*drafted.draft.items, *drafted.draft.gold)]


def _columns(item: NewItem) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if name != "words"}
