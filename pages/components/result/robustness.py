"""Would it survive: the deciding difference without one cluster, rater or unit, and with missing rows gone badly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.components.inert import element
from pages.components.result.lines import robustness_lines
from pages.components.show_output import show
from pages.components.tables import show_table


def show_robustness(result: Mapping[str, Any], treatment: str) -> None:
    """One sentence, and a closed panel with a line for each thing tried; nothing where there is none."""
    found = result.get("robustness")
    if found is None or found["treatment"] != treatment or not found["sentence"]:
        return
    st.header("Would it survive?", anchor=False)
    show(element("div", found["sentence"], cls="bk-text"))
    with st.expander("What was tried", icon=":material/science:", key="robustness"):
        rows = [[line.what, line.difference, line.limits, line.reads] for line in robustness_lines(result)]
        show_table(["Tried", "Difference", "Very likely", "Reads"], rows, wide=(0,))
