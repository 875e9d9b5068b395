"""Apply a check to every answer that an experiment has, with what that will take."""

from __future__ import annotations

import streamlit as st

from experiments.actions.runs.apply_judges import apply_judges
from experiments.experiment_file import ScorerEntry
from experiments.judges import Judge
from experiments.views.runs.experiments import get_experiment
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.session import actor, model_problem, store
from pages.components.show_output import plain


def apply_to_all(experiment: str, entry: ScorerEntry, judge: Judge) -> None:
    """One line and its button. The worker does the rest; the page may be closed."""
    view = get_experiment(store(), experiment)
    answers = view.rows * view.spec.repeats * (len(view.arms) - judge.spec.pairwise)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        calls = count(answers * judge.calls_per_case(), "call")
        st.markdown(
            f"Judge every answer of **{plain(experiment)}**: at most {calls} to {plain(', '.join(judge.spec.jury))}, "
            "fewer where the same text was judged before. No answer is asked for again.",
            width="stretch",
        )
        most = st.number_input(
            "Costs at most ($)",
            min_value=0.0,
            value=None,
            step=1.0,
            placeholder="no limit",
            key="check_budget",
            width=150,
        )
        if st.button("Apply to all answers", icon=":material/done_all:", key="apply_check"):
            with show_errors():
                apply_judges(
                    store(),
                    experiment,
                    actor=actor(),
                    judges=[entry],
                    judge_budget_usd=most,
                    check_model=model_problem,
                )
                st.rerun()
