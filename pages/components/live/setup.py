"""The dialog behind "New live test": two versions of a prompt, what shows that one is better, how many take part."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from experiments.actions.live.design_live import live_design, start_designed_live
from experiments.errors import BakeoffError
from experiments.live.layers import RAMP
from experiments.prompts.labels import PRODUCTION
from experiments.views.live.planning import live_planning
from experiments.views.registry.cautions import version_cautions
from experiments.views.registry.prompts import PromptView, list_prompts
from experiments.vocabulary import MetricKind
from pages.components.cautions import reason_for
from pages.components.errors import show_errors, show_problem
from pages.components.session import actor, model_problem, store
from pages.components.show_output import plain

KINDS: dict[str, Literal["binary", "score"]] = {"Yes or no": "binary", "A number": "score"}


@st.dialog("New live test", width="large", icon=":material/call_split:")
def setup_dialog() -> None:
    """Everything that is fixed before the first user comes."""
    with show_errors():
        prompts = {p.name: p for p in list_prompts(store()) if len(p.versions) > 1}
        if not prompts:
            st.info("A live test needs a prompt with two versions. Write the second one first.")
            st.page_link("write_prompts.py", label="Write a prompt", icon=":material/edit_note:")
            return
        chosen = st.selectbox("Prompt", list(prompts), key="live_prompt")
        prompt = prompts[chosen]
        control, challenger = _versions(prompt)
        design = {"prompt": prompt.name, "control": control, "challenger": challenger} | _measured(prompt, challenger)
        _show_price(design)
        cautions = version_cautions(store(), prompt.name, challenger, served=control)
        reason = reason_for(cautions, key="live_reason")
        if not st.button("Start the live test", type="primary", icon=":material/play_arrow:", key="live_start"):
            return
        numbers = {v.number: v for v in prompt.versions}
        problem = model_problem(numbers[challenger].content.model)
        if problem is not None:
            show_problem(problem)
            return
        phase = start_designed_live(store(), live_design(**design), actor=actor(), reason=reason)
        st.query_params["exp"] = phase.key
        st.rerun()


def _measured(prompt: PromptView, challenger: int) -> dict[str, Any]:
    """Name, what is measured, the gain worth having, and who takes part at first."""
    name = st.text_input("Name", value=f"{prompt.name} v{challenger} live", max_chars=100, key="live_name")
    left, middle, right = st.columns([3, 2, 2])
    metric = left.text_input("What your application reports", value="resolved", key="live_metric")
    kind = KINDS[middle.selectbox("It is", list(KINDS), key="live_kind")]
    effect = right.number_input(
        "Smallest gain worth having",
        min_value=0.001,
        value=0.03,
        step=0.01,
        format="%.3f",
        key="live_effect",
        help="For a yes or no: 0.03 means 3 more users in 100.",
    )
    enrol = st.segmented_control(
        "Users who take part at first", list(RAMP), default=5, format_func=_per_cent, key="live_enrol"
    )
    st.caption(
        "Everybody else meets the control. A user keeps their variant. If the challenger fails more often or "
        "costs a fifth more, it goes back to the control by itself."
    )
    share = float(enrol if enrol is not None else 5)
    return {"name": name, "metric": metric.strip(), "kind": kind, "smallest_effect": effect, "enrol": share}


def _show_price(design: dict[str, Any]) -> None:
    """How many users and days it takes, from what is known of them today."""
    left, right = st.columns(2)
    rate = sd = None
    if design["kind"] == "binary":
        today = left.number_input("Yes today, of 100 users", 0.0, 100.0, 70.0, 5.0, format="%g", key="live_rate")
        rate = today / 100
    else:
        words = "Standard deviation of a user's value, from what you have measured so far."
        sd = left.number_input("How far users are apart", 0.0, value=None, key="live_sd", help=words)
    words = "Of all users, before the share that takes part."
    coming = right.number_input("New users a day", 0, value=None, step=100, key="live_users_per_day", help=words)
    try:
        planning = live_planning(
            live_design(**design), MetricKind(design["kind"]), rate=rate, sd=sd or None, users_per_day=coming
        )
    except BakeoffError as error:
        if error.code == "spread_unknown":
            st.caption("How many users it takes depends on how far they are apart.")
        return  # what does not fit is told when it is started
    st.markdown(plain(" ".join(planning.sentences())))


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
