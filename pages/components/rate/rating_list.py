"""All rating sessions, newest first: the question, how far it is, what it still takes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.views.rating.sessions import SessionSummary
from experiments.wording import count
from pages.components.empty import show_empty
from pages.components.inert import element
from pages.components.numbers import ago, minutes_words
from pages.components.result.header import sample_badge
from pages.components.show_output import plain, show

PAGE = 15


def show_sessions(sessions: Sequence[SessionSummary]) -> None:
    """The list, a page at a time."""
    if not sessions:
        show_empty("Nobody rates anything yet", "Choose “New session” above: an experiment, a question, and a link.")
        return
    pages = -(-len(sessions) // PAGE)
    at = st.pagination(pages, key="page_of_sessions", bind="query-params") if pages > 1 else 1
    for session in sessions[PAGE * (min(at, pages) - 1) :][:PAGE]:
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                label = f"**{plain(session.experiment)}** · session {session.number}"
                # A link to the page one is on keeps its address, so the next click would lead back to the list.
                if st.button(label, type="tertiary", key=f"open_{session.id}"):
                    st.query_params["session"] = session.id
                    st.rerun()
                session_badge(session)
            show(element("div", session.question))
            facts = [
                count(session.raters, "rater"),
                minutes_words(session.minutes_left, "of work left"),
                f"opened {ago(session.opened_at)}",
            ]
            show(element("div", " · ".join(fact for fact in facts if fact), cls="bk-muted bk-small"))
            st.progress(share_done(session), text=progress_words(session))


def session_badge(session: SessionSummary) -> None:
    """Open, closed, or open without a link that lets anybody in; and whether it is of the sample."""
    if session.state == "closed":
        st.badge("Closed", color="gray")
    elif session.link.state in ("open", "full"):
        st.badge("Open", color="blue")
    else:
        st.badge(f"Open, link {session.link.state}", color="orange")
    if session.sample:
        sample_badge()


def share_done(session: SessionSummary) -> float:
    """Ratings that are in, as a share of those that are wanted."""
    return min(1.0, session.ratings / session.ratings_wanted) if session.ratings_wanted else 0.0


def progress_words(session: SessionSummary) -> str:
    """How many ratings are in, and how many items have all of theirs."""
    return (
        f"**{session.ratings:,} of {count(session.ratings_wanted, 'rating')}** · "
        f"{session.items_full:,} of {count(session.items, 'item')} complete"
    )
