"""Rate answers: ask people which answers are better, blind; follow them; read how far they agree."""

import streamlit as st

from experiments.views.rating.sessions import rating_sessions
from pages.components.errors import show_errors
from pages.components.rate.opening import open_form
from pages.components.rate.rating_list import show_sessions
from pages.components.rate.report import show_session
from pages.components.session import store

ALL, NEW = "Sessions", "New session"

with show_errors():
    sessions = rating_sessions(store())
    chosen = next((s for s in sessions if s.id == st.query_params.get("session")), None)
    if chosen is not None:
        if st.button("All sessions", type="tertiary", icon=":material/arrow_back:", key="all_sessions"):
            st.query_params.clear()
            st.rerun()
        show_session(chosen)
        st.stop()
    title, switch = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Rate answers", anchor=False)
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        tab = st.segmented_control(
            "What to do",
            [ALL, NEW],
            default=ALL if sessions else NEW,
            required=True,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    if tab == NEW:
        open_form()
    else:
        show_sessions(sessions)
