"""When a session is over: closed by hand, at its time, or some minutes after the last item was full."""

from __future__ import annotations

from datetime import datetime, timedelta

TIME_TO_UNDO = timedelta(minutes=10)
"""A full session stays open so long, so that the last rater can take a vote back."""


def is_over(
    now: datetime,
    *,
    closed_at: datetime | None,
    closes_at: datetime | None,
    full_since: datetime | None,
    close_when_full: bool,
) -> bool:
    """Whether nobody can rate any more. ``full_since`` is when the last rating came that filled everything."""
    if closed_at is not None or (closes_at is not None and closes_at <= now):
        return True
    return close_when_full and full_since is not None and full_since + TIME_TO_UNDO <= now
