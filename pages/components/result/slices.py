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
    evened_out_lines,
    judgement_of,
    slice_columns,
    slice_comparisons,
    slice_panel,
    slice_value,
    without_number,
)
from pages.components.show_output import plain, show_text
from pages.components.tables import show_table

MANY_SLICES = 3
EVENED_OUT = (
    "Each slice is drawn towards the others as far as the data do not tell them apart: a small slice far off is mostly "
    "luck. The verdict does not use this."
)


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
    _show_difference(result, treatment, column)
    looked = sum(len(slice_comparisons(result, treatment, c)) for c in columns)
    losing = [slice_value(c) for c in comparisons if c["status"] == "ok" and judgement_of(c) == "worse"]
    if losing:
        show_text(f"{letter} loses in {', '.join(losing)}. Read those rows below.")
    note = f"{count(looked, 'slice')} of {count(len(columns), 'column')} looked at, corrected for that."
    if looked > MANY_SLICES:
        note += " With this many slices, one may look different by luck alone."
    st.caption(note)


def _show_difference(result: Mapping[str, Any], treatment: str, column: str) -> None:
    """Whether the slices differ at all, and each slice in the light of the others."""
    for found in result.get("slice_differences", ()):
        if (found["treatment"], found["column"]) != (treatment, column):
            continue
        show_text(found["sentence"])
        rows = evened_out_lines(result, found)
        if rows:
            with st.expander("Slices evened out", icon=":material/vertical_align_center:", key=f"evened_{column}"):
                show_table(["Slice", "Measured", "Evened out", "Very likely"], rows, left=(0,), wide=(1,))
                st.caption(EVENED_OUT)
