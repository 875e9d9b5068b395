"""What judges say of a live test's sampled answers, what people made of it, and the button that asks people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from experiments.actions.live.draw_answers import MOST, USUAL, draw_answers
from experiments.views.live.tests import LiveTestView
from experiments.views.runs.experiments import ArmView
from experiments.wording import metric_name
from pages.components.errors import show_errors
from pages.components.inert import element
from pages.components.rate.opening import show_new_link
from pages.components.session import actor, store
from pages.components.show_output import plain, show
from pages.components.tables import show_table
from pages.components.variants import chip


def show_judged(live: LiveTestView, arms: Sequence[ArmView], judged: Sequence[Mapping[str, Any]]) -> None:
    """One part per judge; nothing for a test without judges."""
    for one in judged:
        name = metric_name(one["metric"])
        st.header(f"{plain(name[:1].upper() + name[1:])}: judge and people", anchor=False)
        corrected = one["corrected"] or {}
        rows = [
            [
                chip(arm.letter, arm.name),
                f"{one['scored'].get(arm.name, 0):,}",
                f"{one['rated'].get(arm.name, 0):,}",
                _number(one["raw"].get(arm.name)),
                _number(corrected.get(arm.name)),
            ]
            for arm in arms
        ]
        show_table(["Variant", "Judged", "Rated", "Judge alone", "Corrected by people"], rows)
        needed = one["needed"]
        words = "" if corrected else f" Corrected from {needed['in_all']} ratings on, {needed['each']} of each variant."
        spent = f"Judging has cost ${one['spent_usd']:.4f} of its budget of ${one['budget_usd']:g}."
        show(element("div", f"{spent}{words}", cls="bk-muted bk-small"))
        _ask_people(live, one["metric"])


def _ask_people(live: LiveTestView, metric: str) -> None:
    """Draw a random few and make the raters' link, which is shown once."""
    with show_errors(), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        answers = st.number_input(
            "Answers drawn at random", 1, MOST, USUAL, step=10, width=220, key=f"draw_answers_{metric}"
        )
        words = "Makes a link for raters. They see the answers blind, and the variants stay hidden."
        if st.button("Let people rate", icon=":material/how_to_vote:", key=f"draw_{metric}", help=words):
            drawn = draw_answers(store(), live.key, actor=actor(), answers=int(answers), metric=metric)
            st.session_state["new_rating_link"] = drawn.session.link
            st.session_state[f"drawn_{metric}"] = drawn.session.session_id
            st.rerun()
    session = st.session_state.get(f"drawn_{metric}")
    if session is not None:
        show_new_link(session)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
