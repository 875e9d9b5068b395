"""The verdict box: one plain answer above everything, and what outranks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.views.runs.experiments import ArmView
from experiments.vocabulary import VerdictOutcome
from pages.components.inert import element
from pages.components.result.figures import show_win_tie_loss
from pages.components.result.lines import second_line
from pages.components.show_output import plain, show, show_lines
from pages.components.variants import look_of

_TONES = {
    VerdictOutcome.SHIP: ("ship", "better", "▲"),
    VerdictOutcome.KEEP_CONTROL: ("keep", "worse", "▼"),
    VerdictOutcome.KEEP_COLLECTING: ("open", "unclear", "●"),
    VerdictOutcome.CANNOT_DECIDE: ("open", "unclear", "●"),
}
_NEUTRAL = {"too_small_to_matter", "not_better_by_enough", "futile", "goal_not_met"}
"""Rules that keep the control without anything being worse."""
TIE_COLOUR = "#8a929c"


def show_health(result: Mapping[str, Any]) -> None:
    """What makes the evidence unfit, or should be known beside it; nothing where all is well."""
    for check in result["health"]:
        if check["status"] == "fail":
            st.error(plain(check["message"]), icon=":material/block:")
        elif check["status"] == "warn":
            st.warning(plain(check["message"]), icon=":material/info:")


def show_verdict(
    result: Mapping[str, Any],
    *,
    control: ArmView,
    treatment: ArmView,
    won: Mapping[str, int] | None,
    letters: Mapping[str, str],
) -> None:
    """Headline and second line left, who won how many rows right."""
    verdict = result["verdict"]
    key, tone, sign = _TONES[VerdictOutcome(verdict["outcome"])]
    if verdict["deciding_rule"] in _NEUTRAL:
        key, tone, sign = _TONES[VerdictOutcome.KEEP_COLLECTING]
    with st.container(border=True, key=f"verdict_{key}"):
        words, picture = st.columns([3, 2], gap="medium", vertical_alignment="center")
        with words:
            show(element("div", f"{sign} {verdict['headline']}", cls=f"bk-headline bk-{tone}"))
            show(element("div", verdict["detail"], cls="bk-detail"))
            shown = {check["message"] for check in result["health"] if check["status"] != "ok"}
            more = [reason for reason in verdict["reasons"] if reason not in verdict["detail"] and reason not in shown]
            if more:
                show_lines(more, muted=True)
            beside = second_line(result, treatment.name, treatment.letter, letters)
            if beside:
                show(element("div", beside, cls="bk-muted bk-small"))
        if won is not None and result["shows_effects"] and any(won[who] for who in ("control", "tie", "treatment")):
            with picture:
                _show_who_won(won, control=control, treatment=treatment)


def _show_who_won(won: Mapping[str, int], *, control: ArmView, treatment: ArmView) -> None:
    parts = [
        (f"{control.letter} better", won["control"], look_of(control.letter).ink),
        ("Tie", won["tie"], TIE_COLOUR),
        (f"{treatment.letter} better", won["treatment"], look_of(treatment.letter).ink),
    ]
    show_win_tie_loss([p for p in parts if p[1]], key="win_tie_loss")
    legend = [
        element(
            "span",
            element("span", "■ ", style=f"color:{colour}"),
            f"{what} ",
            element("b", f"{rows:,}"),
            cls="bk-nowrap",
        )
        for what, rows, colour in parts
    ]
    left_out = won["all"] - won["control"] - won["tie"] - won["treatment"]
    if left_out > 0:
        legend.append(element("span", f"no pair {left_out:,}", cls="bk-muted bk-nowrap"))
    show(element("div", *legend, cls="bk-chips bk-small"))
