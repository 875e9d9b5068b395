"""Home: what needs somebody now, what runs, what was decided, what was spent."""

import streamlit as st

from experiments.views.installation.home import home_view
from experiments.views.live.tests import list_live_tests
from pages.components.errors import show_errors
from pages.components.home.cards import show_decisions, show_live_tests, show_needs, show_running, show_spend
from pages.components.home.first_steps import show_first_steps
from pages.components.home.sample_arrival import await_sample
from pages.components.session import store

with show_errors():
    home = home_view(store())
    title, button = st.columns([3, 2], vertical_alignment="center")
    title.title("Home", anchor=False)
    with button, st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Compare two prompts", type="primary", icon=":material/balance:", key="compare_now"):
            st.switch_page("design_experiment.py", query_params={"view": "New comparison"})
    await_sample()
    readable = [*home.to_read, *home.stopped]
    show_first_steps(home, readable[0].name if readable else None)
    show_running(home.running)
    show_live_tests(list_live_tests(store()))
    show_needs(home)
    decisions, spend = st.columns([3, 1], gap="large")
    with decisions:
        show_decisions(home.decisions)
    with spend:
        show_spend(home)
