"""The getting-started card: each step is a link, ticked by doing it; gone when all are done or it is put away."""

from __future__ import annotations

import streamlit as st

from experiments.actions.installation.change_settings import tick_first_step
from experiments.loading.first_steps import HIDDEN, STEPS
from experiments.views.installation.home import HomeView
from pages.components.session import actor, store

_DONE = "ticked_here"


def tick(step: str) -> None:
    """Note that a step was done; asks the database only once per visit."""
    ticked = st.session_state.setdefault(_DONE, set())
    if step not in ticked:
        ticked.add(step)
        tick_first_step(store(), step, actor=actor())


def show_first_steps(home: HomeView, example: str | None) -> None:
    """The card with what is left; ``example`` is an experiment whose result can be read."""
    done = set(home.first_steps)
    if HIDDEN in done or done.issuperset(STEPS):
        return
    with st.container(border=True, key="first_steps"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Getting started** :gray[{len(done.intersection(STEPS))} of {len(STEPS)}]", width="stretch")
            if st.button("Hide", type="tertiary", key="hide_steps"):
                tick(HIDDEN)
                st.rerun()
        with st.container(horizontal=True):
            for step in STEPS:
                label, page, parameters = _link(step, example)
                icon = ":material/check_circle:" if step in done else ":material/radio_button_unchecked:"
                st.page_link(
                    page, label=f":green[{label}]" if step in done else label, icon=icon, query_params=parameters
                )


def _link(step: str, example: str | None) -> tuple[str, str, dict[str, str]]:
    result = ("read_results.py", {"exp": example}) if example else ("design_experiment.py", {})
    links: dict[str, tuple[str, str, dict[str, str]]] = {
        "read_result": ("Read a result", *result),
        "try_prompt": ("Try a prompt on a row", "write_prompts.py", {}),
        "add_test_set": ("Add a test set", "prepare_datasets.py", {"do": "Add a test set"}),
        "start_test": ("Start a test", "design_experiment.py", {"view": "New comparison"}),
        "promote": ("Promote a winner", *result),
    }
    return links[step]
