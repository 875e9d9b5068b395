"""A few rows asked before the test: how far they are, and that the price is exact now."""

from __future__ import annotations

import streamlit as st

from experiments.actions.runs.start_run import PILOT
from experiments.views.runs.experiments import get_experiment
from experiments.views.runs.progress import run_progress
from experiments.vocabulary import RunState
from pages.components.errors import show_errors
from pages.components.session import store
from pages.components.show_output import plain

POLL_S = 0.7


def show_pilot() -> None:
    """The pilot that was just asked for; nothing without one."""
    name = st.session_state.get("pilot_of")
    if name:
        st.fragment(_follow, run_every=POLL_S)(name)


def _follow(name: str) -> None:
    with show_errors():
        progress = run_progress(store(), get_experiment(store(), name).id, kind=PILOT)
        if progress is None or not progress.ended:
            done, planned = (progress.done, progress.planned) if progress else (0, 0)
            st.progress(progress.share if progress else 0.0, text=f"{done} of {planned} answers")
            return
        st.session_state.pop("pilot_of", None)
        if progress.state is not RunState.FINISHED or progress.failed:
            messages = [message for _, message in progress.failure_messages]
            st.session_state["pilot_failed"] = messages[0] if messages else progress.reason
        st.rerun()


def show_pilot_failure() -> None:
    """Why the few rows were not answered."""
    failed = st.session_state.pop("pilot_failed", None)
    if failed:
        st.error(plain(failed), icon=":material/error:")
