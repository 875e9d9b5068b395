"""All live tests: where each stands, how much traffic it has."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.live.assignment import LiveState
from experiments.views.live.tests import LiveTestView
from experiments.wording import count, spent_words
from pages.components.inert import element
from pages.components.numbers import ago
from pages.components.result.header import simulated_badge
from pages.components.show_output import plain, show

PAGE = 20
BADGES = {
    LiveState.RUNNING: ("Live", "green"),
    LiveState.FROZEN: ("No new users", "blue"),
    LiveState.PAUSED: ("Paused", "orange"),
    LiveState.STOPPED: ("Ended", "gray"),
}


def live_badge(view: LiveTestView) -> None:
    """Where a live test stands."""
    words, colour = BADGES[LiveState(view.state)]
    st.badge(words, color=colour)  # type: ignore[arg-type]
    if view.simulated:
        simulated_badge()


def show_live_list(tests: Sequence[LiveTestView], *, on_own_page: bool = False) -> None:
    """One card each; its name leads to it."""
    pages = -(-len(tests) // PAGE)
    at = st.pagination(pages, key="page_of_tests", bind="query-params") if pages > 1 else 1
    for view in tests[PAGE * (at - 1) : PAGE * at]:
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                _way_to(view, on_own_page=on_own_page)
                live_badge(view)
                st.space("stretch")
                show(element("span", live_facts(view), cls="bk-muted bk-small"))
            if view.reason:
                show(element("div", view.reason, cls="bk-small"))


def _way_to(view: LiveTestView, *, on_own_page: bool) -> None:
    label = f"**{plain(view.experiment)}**"
    if not on_own_page:
        st.page_link("watch_live.py", label=label, query_params={"exp": view.experiment}, icon="")
    elif st.button(label, type="tertiary", key=f"open_{view.key}"):  # a link to the page one is on keeps its address
        st.query_params["exp"] = view.experiment
        st.rerun()


def live_facts(view: LiveTestView) -> str:
    """One line: share, users, calls, money, age."""
    calls = int(sum(told["calls"] for told in view.traffic.calls.values()))
    spent = sum(told["cost_usd"] for told in view.traffic.calls.values())
    unknown = int(sum(told["unknown"] for told in view.traffic.calls.values()))
    facts = [f"{view.enrolled:g} % of users", count(view.users, "user"), count(calls, "call")]
    facts += [spent_words(spent, calls=calls, unknown=unknown)] if calls else []
    when = f"ended {ago(view.ended_at)}" if view.ended_at else f"started {ago(view.started_at)}"
    return " · ".join([*facts, when])
