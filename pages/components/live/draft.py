"""A live test that was written down and not started."""

from __future__ import annotations

import streamlit as st

from experiments.actions.live.start_live import start_live
from experiments.views.registry.cautions import start_cautions
from experiments.views.runs.experiments import ExperimentView
from pages.components.cautions import reason_for
from pages.components.errors import show_problem
from pages.components.result.header import show_arms
from pages.components.session import actor, model_problem, store
from pages.components.show_output import plain


def show_live_draft(view: ExperimentView) -> None:
    """What it compares, the share that takes part at first, and the button that lets traffic in."""
    assert view.spec.live is not None
    st.title(plain(view.name), anchor=False)
    show_arms(view.arms)
    share = f"{view.spec.live.enrol:g} %"
    st.markdown(
        f"A live test, not started. At first {share} of users take part; everybody else meets {view.arms[0].letter}."
    )
    reason = reason_for(start_cautions(store(), view.name), key="start_reason")
    if not st.button("Start the live test", type="primary", icon=":material/play_arrow:", key="start_live"):
        return
    problems = [problem for arm in view.arms if (problem := model_problem(arm.model)) is not None]
    if problems:
        show_problem(problems[0])
        return
    start_live(store(), view.name, actor=actor(), reason=reason)
    st.rerun()
