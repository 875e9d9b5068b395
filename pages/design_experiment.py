"""Experiments: the list of all, the plan of a new one, and the way in for files."""

import streamlit as st

from experiments.views.runs.experiments import experiment_names
from pages.components.errors import show_errors
from pages.components.plan.experiment_list import show_experiments
from pages.components.plan.form import plan_form
from pages.components.plan.from_file import from_file
from pages.components.plan.pilot import show_pilot_failure
from pages.components.session import store

ALL, NEW, FILE = "All", "New comparison", "From a file"

with show_errors():
    title, switch = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Experiments", anchor=False)
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        tab = st.segmented_control(
            "What to do",
            [ALL, NEW, FILE],
            default=ALL if experiment_names(store()) else NEW,
            required=True,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    show_pilot_failure()
    if tab == NEW:
        plan_form()
    elif tab == FILE:
        from_file()
    else:
        show_experiments()
