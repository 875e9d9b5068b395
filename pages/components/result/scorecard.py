"""How sure are we: the interval plot of every measure, and the table beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.plans.plan import Plan
from experiments.views.runs.experiments import ArmView
from pages.components.inert import Html, element
from pages.components.result.figures import show_forest
from pages.components.result.lines import ScoreLine, forest_panels, score_lines
from pages.components.tables import judged, show_table, two_lines

_ROLES = {"primary": "decides", "guardrail": "limit", "secondary": ""}


def show_scorecard(result: Mapping[str, Any], plan: Plan, *, control: ArmView, treatment: ArmView) -> None:
    """Plot left, table right, one sentence that explains dot, band and tick."""
    st.header("How sure are we?", anchor=False)
    lines = score_lines(result, treatment.name)
    panels = forest_panels(result, treatment.name, plan)
    if not panels:
        _show_lines(lines, control=control, treatment=treatment)
        return
    picture, table = st.columns([5, 4], gap="medium")
    with picture:
        for number, panel in enumerate(panels):
            show_forest(panel, key=f"forest_{number}")
    with table:
        _show_lines(lines, control=control, treatment=treatment)
    level = f"{100 * lines_interval(result):.0f}"
    st.caption(
        f"The dot is the difference, the band holds the true one in {level} of 100 such tests. "
        "A band that touches the line at 0 is unclear. The dark tick is the gain you asked for, or a limit you set."
    )


def lines_interval(result: Mapping[str, Any]) -> float:
    """The level of the intervals, the primary metric's."""
    return next((float(c["interval"]) for c in result["comparisons"] if c["role"] == "primary"), 0.95)


def _show_lines(lines: list[ScoreLine], *, control: ArmView, treatment: ArmView) -> None:
    rows = [
        [
            _measure(line),
            line.control,
            line.treatment,
            two_lines(line.difference, line.limits, cls="bk-nowrap"),
            _badge(line),
        ]
        for line in lines
    ]
    show_table(["Measure", control.letter, treatment.letter, "Difference", ""], rows, wide=(4,))


def _badge(line: ScoreLine) -> Html:
    if line.note:
        return element("div", line.note, cls="bk-muted bk-small bk-note")
    return judged(line.judgement, line.verdict)


def _measure(line: ScoreLine) -> Html:
    """Its name and part; on a phone, where five columns do not fit, the verdict stands below."""
    return element("div", two_lines(line.name, _ROLES[line.role]), element("div", _badge(line), cls="bk-narrow"))
