"""The sample project on its way into a new database: the page says so and follows by itself."""

from __future__ import annotations

import time

import streamlit as st

from experiments.actions.sample.load_sample import sample_is_wanted
from pages.components.session import settings, store

EVERY_S = 1.0
MOST_S = 60.0


def await_sample() -> None:
    """A line while the sample is being loaded; the page is drawn anew when it is there."""
    since = st.session_state.setdefault("sample_since", time.monotonic())
    if settings().load_sample and time.monotonic() - since < MOST_S and sample_is_wanted(store()):
        st.fragment(_follow, run_every=EVERY_S)()


def _follow() -> None:
    if sample_is_wanted(store()):
        st.info(":shimmer[Loading the sample project …]", icon=":material/inventory_2:")
    else:
        st.rerun()
