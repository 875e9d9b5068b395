"""Rating sessions as their owner sees them: what one would cost, which there are, what waits for ratings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.loading.find import find_experiment
from experiments.loading.rating.drafts import DraftedSession, drafted_session
from experiments.loading.rating.sessions import newest_session, session_is_over, spec_of
from experiments.ratings.drawing import is_uneven
from experiments.ratings.leasing import CHECK_EVERY
from experiments.ratings.session_file import SessionSpec
from experiments.ratings.words import preview_sentences
from storage.records import RatingLinkRecord, RatingSessionRecord
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class SessionPreview:
    """What a session would ask of people. ``ratings`` leaves checks (gold items, repeats) out, ``checks`` counts them.

    ``raters_needed`` is for the quota, or the fewest that the overlap allows. Times are guesses from reading speed.
    """

    metric: str
    kind: str
    rows: int
    items: int
    ratings: int
    checks: int
    raters_needed: int
    seconds_per_item: float
    minutes_total: float
    minutes_per_rater: float
    words_per_item: float
    shown_columns: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkView:
    """The state of a session's newest link: ``open``, ``revoked``, ``expired``, ``full`` or ``none``."""

    state: str
    expires_at: datetime | None
    raters: int
    most_raters: int


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session in a list. ``raters`` counts those who looked at the page, ``minutes_left`` is work, not waiting."""

    id: str
    number: int
    experiment: str
    question: str
    kind: str
    metric: str
    state: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    items: int
    items_full: int
    ratings: int
    ratings_wanted: int
    raters: int
    minutes_left: float
    link: LinkView
    sample: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        names = (
            *("id", "number", "experiment", "question", "kind", "metric", "state", "opened_by"),
            *("items", "items_full", "ratings", "ratings_wanted", "raters", "minutes_left"),
        )
        return {
            **{name: getattr(self, name) for name in names},
            "opened_at": self.opened_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "link": {
                "state": self.link.state,
                "expires_at": self.link.expires_at.isoformat() if self.link.expires_at else None,
                "raters": self.link.raters,
                "most_raters": self.link.most_raters,
            },
        }


@dataclass(frozen=True, slots=True)
class WaitingRatings:
    """An open session that wants more ratings."""

    session_id: str
    experiment: str
    question: str
    items_left: int
    minutes: float


def preview_session(store: Store, experiment_name: str, spec: SessionSpec) -> SessionPreview:
    """What a session would be; nothing is opened. Raises as ``actions.open_rating.open_session``."""
    with store.read() as tx:
        return _preview(drafted_session(tx, experiment_name, spec, seed=spec.seed or 0))


def rating_sessions(store: Store, experiment_name: str | None = None) -> tuple[SessionSummary, ...]:
    """Sessions of one experiment or of all, newest first."""
    with store.read() as tx:
        experiment = tx.experiments.by_name(experiment_name) if experiment_name is not None else None
        if experiment_name is not None and experiment is None:
            return ()
        found = tx.ratings.all(experiment.id if experiment else None)
        return tuple(summary_of(tx, session, store.clock()) for session in found)


def newest_session_id(store: Store, experiment_name: str) -> str:
    """Id of the experiment's newest session. Raises NotFound."""
    with store.read() as tx:
        return newest_session(tx, find_experiment(tx, experiment_name)).id


def waiting_ratings(store: Store) -> tuple[WaitingRatings, ...]:
    """Open sessions with items that are not full, newest first."""
    return tuple(
        WaitingRatings(s.id, s.experiment, s.question, s.items - s.items_full, s.minutes_left)
        for s in rating_sessions(store)
        if s.state == "open" and s.items_full < s.items
    )


def summary_of(tx: Transaction, session: RatingSessionRecord, now: datetime) -> SessionSummary:
    """One session in a list."""
    spec = spec_of(session)
    rated, wanted, full = tx.rating_tasks.counts([session.id]).get(session.id, (0, 0, 0))
    over = session_is_over(tx, session, now)
    experiment = tx.experiments.get(session.experiment_id)
    return SessionSummary(
        id=session.id,
        number=session.number,
        experiment=experiment.name,
        question=spec.question_text(),
        kind=session.kind,
        metric=session.metric,
        state="closed" if over else "open",
        opened_at=session.opened_at,
        opened_by=session.opened_by,
        closed_at=session.closed_at,
        items=session.items,
        items_full=full,
        ratings=rated,
        ratings_wanted=wanted,
        raters=len(tx.ratings.raters(session.id)),
        minutes_left=0.0 if over else round(max(0, wanted - rated) * session.seconds_per_item / 60, 1),
        link=_link_view(tx, next(iter(tx.ratings.links(session.id)), None), now),
        sample=experiment.sample,
    )


def _link_view(tx: Transaction, link: RatingLinkRecord | None, now: datetime) -> LinkView:
    if link is None:
        return LinkView("none", None, 0, 0)
    joined = tx.ratings.joined(link.id)
    if link.revoked_at is not None:
        state = "revoked"
    elif link.expires_at <= now:
        state = "expired"
    else:
        state = "full" if joined >= link.most_raters else "open"
    return LinkView(state, link.expires_at, joined, link.most_raters)


def _preview(drafted: DraftedSession) -> SessionPreview:
    spec, draft = drafted.spec, drafted.draft
    items, ratings, seconds = len(draft.items), draft.ratings, draft.seconds_per_item
    most_each = min(spec.quota or items, items)
    overlap = max(item.wanted for item in draft.items)
    needed = max(overlap, math.ceil(ratings / most_each))
    each = math.ceil(ratings / needed)
    checks = needed * min(len(draft.gold) + spec.repeats, each // (CHECK_EVERY - 1))
    words = sum(item.words for item in draft.items) / items
    return SessionPreview(
        metric=spec.metric_name(),
        kind=spec.kind.value,
        rows=draft.rows,
        items=items,
        ratings=ratings,
        checks=checks,
        raters_needed=needed,
        seconds_per_item=round(seconds, 1),
        minutes_total=round((ratings + checks) * seconds / 60, 1),
        minutes_per_rater=round((ratings + checks) * seconds / 60 / needed, 1),
        words_per_item=round(words, 1),
        shown_columns=spec.show or (),
        sentences=preview_sentences(
            items=items,
            left_out=dict(draft.left_out),
            same_twice=draft.same_twice,
            overlap=overlap,
            uneven=is_uneven([item.probability for item in draft.items]),
            raters=spec.raters,
            needed=needed,
        ),
    )
