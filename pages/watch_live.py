"""Live tests: real traffic, split; watch it, ramp it, stop it, promote from here."""

import streamlit as st

from experiments.views.live.tests import list_live_tests, live_test_or_draft
from experiments.views.runs.experiments import get_experiment
from pages.components.empty import show_empty
from pages.components.errors import show_errors
from pages.components.live.draft import show_live_draft
from pages.components.live.live_list import show_live_list
from pages.components.live.setup import setup_dialog
from pages.components.live.watch import show_live_test
from pages.components.session import store

name = st.query_params.get("exp", "")

with show_errors():
    if name:
        if st.button("Live tests", type="tertiary", icon=":material/arrow_back:", key="all_live_tests"):
            st.query_params.clear()
            st.rerun()
        live = live_test_or_draft(store(), name)
        if live is None:
            show_live_draft(get_experiment(store(), name))
        else:
            show_live_test(live)
    else:
        title, button = st.columns([3, 2], vertical_alignment="bottom")
        title.title("Live tests", anchor=False)
        with button, st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("New live test", type="primary", icon=":material/call_split:", key="new_live_test"):
                setup_dialog()
        tests = list_live_tests(store())
        if tests:
            show_live_list(tests, on_own_page=True)
        else:
            show_empty("Put a variant on 5 % of traffic", "Your users decide; the others meet what they meet today.")
