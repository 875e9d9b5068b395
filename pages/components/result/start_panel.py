"""A planned experiment that has not run yet: its rules, its price, and the button."""

from __future__ import annotations

import streamlit as st

from experiments.actions.runs.create_experiment import discard_draft
from experiments.actions.runs.start_run import start_run
from experiments.views.registry.prompt_notices import experiment_notices
from experiments.views.runs.experiments import ExperimentView
from experiments.views.runs.planning import planning_of
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.home.first_steps import tick
from pages.components.numbers import money, money_range, seconds_words
from pages.components.result.method import plan_facts
from pages.components.session import actor, model_problem, store
from pages.components.show_output import show_lines, show_values


def show_start(view: ExperimentView) -> None:
    """What is fixed, what it will cost, start or take back."""
    rules, price = st.columns([3, 2], gap="large")
    with rules:
        st.header("The plan", anchor=False)
        show_values(plan_facts(view))
    with price, st.container(border=True):
        st.markdown("**The price of certainty**")
        with show_errors():
            planning = planning_of(store(), view.name)
            projection, size = planning.projection, planning.size
            facts = {
                "Calls": f"{projection.calls:,}",
                "Cost": money_range(projection.low_usd, projection.high_usd),
                "Time": f"about {seconds_words(max(1.0, projection.seconds))}",
                "Stops at": "no stop" if planning.budget_usd is None else money(planning.budget_usd),
            }
            if size.units_needed is not None:
                facts["Rows needed"] = f"about {count(size.units_needed, 'row')}; you have {planning.rows:,}"
            show_values(facts)
        notices = experiment_notices(store(), view.name)
        if notices:
            show_lines(notices)
        accepted = bool(notices) and st.checkbox("The prompts are meant as they are written", key="start_as_written")
        if st.button("Start the test", type="primary", icon=":material/play_arrow:", width="stretch", key="start"):
            with show_errors():
                start_run(store(), view.name, actor=actor(), as_written=accepted, check_model=model_problem)
                tick("start_test")
                st.rerun()
        if st.button("Take the plan back", icon=":material/delete:", width="stretch", key="discard"):
            with show_errors():
                discard_draft(store(), view.name, actor=actor())
                st.switch_page("design_experiment.py")
        st.caption("The plan is locked when the test starts.")
