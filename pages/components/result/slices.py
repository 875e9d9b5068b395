"""Where it won and lost: the main measure in every slice of one column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.plans.plan import Plan
from experiments.wording import count
from pages.components.pickers import choice_in_address, keep_in_address
from pages.components.result.figures import show_forest
from pages.components.result.lines import (
    judgement_of,
    slice_columns,
    slice_comparisons,
    slice_panel,
    slice_value,
    without_number,
)
from pages.components.show_output import plain, show_text

MANY_SLICES = 3


@st.fragment
def show_slices(result: Mapping[str, Any], plan: Plan, treatment: str, letter: str) -> None:
    """A segmented control over the slice columns, the plot, and how many slices were looked at."""
    columns = slice_columns(result)
    if not columns:
        return
    st.header("Where it won and lost", anchor=False)
    column = columns[0]
    if len(columns) > 1:
        choice_in_address("by", columns, columns[0])
        chosen = st.segmented_control(
            "Split by",
            columns,
            required=True,
            format_func=plain,
            key="by",
            on_change=keep_in_address,
            args=("by", columns[0]),
            label_visibility="collapsed",
        )
        column = chosen if chosen in columns else columns[0]
    comparisons = slice_comparisons(result, treatment, column)
    panel = slice_panel(comparisons, plan)
    if panel is not None:
        show_forest(panel, key=f"slices_{columns.index(column)}")
    for line in without_number(comparisons):
        show_text(line, muted=True)
    looked = sum(len(slice_comparisons(result, treatment, c)) for c in columns)
    losing = [slice_value(c) for c in comparisons if c["status"] == "ok" and judgement_of(c) == "worse"]
    if losing:
        show_text(f"{letter} loses in {', '.join(losing)}. Read those rows below.")
    note = f"{count(looked, 'slice')} of {count(len(columns), 'column')} looked at, corrected for that."
    if looked > MANY_SLICES:
        note += " With this many slices, one may look different by luck alone."
    st.caption(note)
