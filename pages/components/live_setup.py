"""The form behind "New live test": two versions of a prompt, what shows that one is better, a first share of users."""

from __future__ import annotations

import streamlit as st

from experiments.actions.design_live import start_live_of
from experiments.labels import PRODUCTION
from experiments.layers import RAMP
from experiments.views.prompts import PromptView, list_prompts
from pages.components.errors import show_errors, show_problem
from pages.components.session import actor, model_problem, store
from pages.components.show_output import plain

KINDS = {"Yes or no": "binary", "A number": "score"}


@st.dialog("New live test", width="large", icon=":material/call_split:")
def setup_dialog() -> None:
    """Everything that is fixed before the first user comes."""
    with show_errors():
        prompts = {p.name: p for p in list_prompts(store()) if len(p.versions) > 1}
        if not prompts:
            st.info("A live test needs a prompt with two versions. Write the second one first.")
            st.page_link("write_prompts.py", label="Write a prompt", icon=":material/edit_note:")
            return
        chosen = st.selectbox("Prompt", list(prompts), key="live_prompt", format_func=plain)
        prompt = prompts[chosen]
        control, challenger = _versions(prompt)
        with st.form("live_form", border=False):
            name = st.text_input("Name", value=f"{prompt.name} v{challenger} live", max_chars=100, key="live_name")
            left, middle, right = st.columns([3, 2, 2])
            metric = left.text_input("What your application reports", value="resolved", key="live_metric")
            kind = middle.selectbox("It is", list(KINDS), key="live_kind")
            effect = right.number_input(
                "Smallest gain worth having",
                min_value=0.001,
                value=0.03,
                step=0.01,
                format="%.3f",
                key="live_effect",
                help="For a yes or no: 0.03 means 3 more users in 100.",
            )
            enrol = st.segmented_control("Users who take part at first", list(RAMP), default=5, format_func=_per_cent)
            st.caption(
                "Everybody else meets the control. A user keeps their variant. If the challenger fails more often or "
                "costs a fifth more, it goes back to the control by itself."
            )
            wanted = st.form_submit_button("Start the live test", type="primary", icon=":material/play_arrow:")
        if not wanted:
            return
        numbers = {v.number: v for v in prompt.versions}
        problem = model_problem(numbers[challenger].content.model)
        if problem is not None:
            show_problem(problem)
            return
        phase = start_live_of(
            store(),
            name=name,
            prompt=prompt.name,
            control=control,
            challenger=challenger,
            metric=metric.strip(),
            kind="binary" if KINDS[kind] == "binary" else "score",
            smallest_effect=effect,
            enrol=float(enrol if enrol is not None else 5),
            actor=actor(),
        )
        st.query_params["exp"] = phase.key
        st.rerun()


def _versions(prompt: PromptView) -> tuple[int, int]:
    """The control (what production serves now) and the challenger."""
    numbers = [version.number for version in prompt.versions]
    live = prompt.labels.get(PRODUCTION) or numbers[-1]
    left, right = st.columns(2)
    control = left.selectbox(
        "Control", numbers, index=numbers.index(live), key="live_control", format_func=lambda n: _told(n, live)
    )
    others = [number for number in numbers if number != control]
    challenger = right.selectbox("Challenger", others, key="live_challenger", format_func=lambda n: _told(n, live))
    return control, challenger


def _told(number: int, live: int) -> str:
    return f"Version {number}" + (" (in production)" if number == live else "")


def _per_cent(share: int) -> str:
    return f"{share} %"
