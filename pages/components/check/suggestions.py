"""What people's ratings suggest for a check: each is accepted or left by a person, nothing happens by itself."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.actions.results.rescore import rescore
from experiments.actions.trying.try_check import ask_for_suggestions
from experiments.judges.asking import suggestions_in
from experiments.judges.suggestions import Suggestion
from experiments.views.trying.checks import remarks_on, suggestions
from experiments.views.trying.previews import try_results
from experiments.vocabulary import is_simulated
from pages.components.check.check_editor import accept
from pages.components.errors import show_errors
from pages.components.inert import element
from pages.components.session import actor, store
from pages.components.show_output import show

POLL_S = 0.7
ASKED = "check_asked"


def show_suggestions(experiment: str, *, metric: str, rated_as: str) -> None:
    """The suggestions of the rules, and, on request, of the model that judges."""
    found = suggestions(store(), experiment, metric=metric, rated_as=rated_as)
    if not found:
        st.caption("Suggestions come from answers that people rated low. There are none yet.")
    _show(found, experiment, prefix="rule")
    model = str(st.session_state.get("check_model") or "")
    if not model or is_simulated(model) or not found:
        return
    if st.button(f"Ask {model.rpartition('/')[2][:40]} for more", icon=":material/lightbulb:", key="ask_suggestions"):
        with show_errors():
            remarks = remarks_on(store(), experiment, metric=metric, rated_as=rated_as)
            rubric = str(st.session_state.get("check_rubric") or "")
            st.session_state[ASKED] = ask_for_suggestions(store(), remarks, rubric=rubric, model=model, actor=actor())
    batch = st.session_state.get(ASKED)
    if batch:
        waiting = not all(answer.ended for answer in try_results(store(), batch).values())
        st.fragment(_follow, run_every=POLL_S if waiting else None)(batch, experiment, waiting=waiting)


def _follow(batch: str, experiment: str, *, waiting: bool) -> None:
    with show_errors():
        answer = try_results(store(), batch).get("A")
        if answer is None or not answer.ended:
            st.markdown(":shimmer[Waiting for the answer …]")
            return
        if waiting:
            st.rerun()
        if answer.state == "failed":
            st.caption("The model could not be asked; see the prompt page for why.")
            return
        _show(suggestions_in(answer.text), experiment, prefix="model")


def _show(found: Sequence[Suggestion], experiment: str, *, prefix: str) -> None:
    for number, one in enumerate(found):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch", gap=None):
                show(element("div", one.text, cls="bk-text"))
                show(element("div", one.why, cls="bk-muted bk-small"))
            key = f"accept_{prefix}_{number}"
            if one.kind == "rule":
                if st.button("Score by it", key=key, help="Adds this rule to the experiment and scores its answers."):
                    with show_errors():
                        assert one.entry is not None
                        rescore(store(), experiment, actor=actor(), scorers=[one.entry])
                        st.toast("Every answer is scored by this rule now.", icon=":material/check_circle:")
            else:
                label = "Add to the rubric" if one.kind == "rubric" else "Show it to the judge"
                st.button(label, key=key, on_click=accept, args=(one,))
