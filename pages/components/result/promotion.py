"""The promote dialog: what changes, what stands against it, the reason where one is asked, and the step itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.actions.registry.promote import promote
from experiments.prompts.content import settings_changes
from experiments.prompts.labels import FIRST_LABELS, PRODUCTION, SHORTEST_REASON
from experiments.views.registry.promotion import PromotionPreview, promotion_preview
from experiments.views.runs.experiments import ArmView
from pages.components.errors import show_errors, show_problem
from pages.components.home.first_steps import tick
from pages.components.inert import element
from pages.components.result.lines import score_lines
from pages.components.session import actor, store
from pages.components.show_output import plain, show, show_diff, show_lines
from pages.components.tables import judged, show_table

DIFF_PX = 260


@st.dialog("Promote to production", width="large", icon=":material/rocket_launch:")
def promote_dialog(name: str, arm: ArmView, result: Mapping[str, Any]) -> None:
    """Everything that should be seen before the step, then the step."""
    label = st.segmented_control(
        "Where to",
        list(FIRST_LABELS),
        default=PRODUCTION,
        required=True,
        key="promote_label",
        format_func=str.capitalize,
    )
    with show_errors():
        preview = promotion_preview(store(), name, label=label or PRODUCTION, variant=arm.name)
        _show_change(preview, arm)
        _show_result(result, arm)
        if preview.already_live:
            st.info(f"{plain(arm.name)} is in {plain(preview.label)} already.", icon=":material/check:")
        elif preview.refusal is not None:
            show_problem(preview.refusal)
        else:
            _ask(name, arm, preview)


def _show_change(preview: PromotionPreview, arm: ArmView) -> None:
    live = "nothing yet" if preview.live_version is None else f"version {preview.live_version}"
    st.markdown(f"**{plain(preview.prompt)}**: {live} → version {preview.version} ({arm.letter})")
    with st.container(border=True, height=DIFF_PX):
        show_diff(preview.live.as_text() if preview.live else "", preview.candidate.as_text())
    if preview.live is not None:
        show_lines(settings_changes(preview.live, preview.candidate), muted=True)


def _show_result(result: Mapping[str, Any], arm: ArmView) -> None:
    show(element("div", result["verdict"]["sentence"], cls="bk-text"))
    if result["simulated"]:
        st.caption(":material/science: The answers are a simulated model's.")
    if arm.is_control:
        return
    lines = [line for line in score_lines(result, arm.name) if line.role != "secondary"]
    rows = [[line.name, line.difference, judged(line.judgement, line.verdict)] for line in lines]
    show_table(["Measure", "Difference", ""], rows)


def _ask(name: str, arm: ArmView, preview: PromotionPreview) -> None:
    if preview.doubt is not None:
        st.warning(plain(preview.doubt), icon=":material/edit:")
    label = "Note for the history (optional)"
    if preview.doubt is not None:
        label = f"Why is it right all the same? (at least {SHORTEST_REASON} characters)"
    with st.form("promote_form", border=False):
        reason = st.text_area(label, key="promote_reason", height=90)
        words = f"Promote {arm.letter} to {preview.label}"
        wanted = st.form_submit_button(words, type="primary", icon=":material/rocket_launch:")
    if wanted:
        done = promote(
            store(),
            name,
            label=preview.label,
            variant=arm.name,
            reason=reason or "",
            expected_revision=preview.revision,
            actor=actor(),
        )
        tick("promote")
        st.session_state["promoted"] = (done.prompt, done.label, done.version)
        st.rerun()
