"""Rows of a test set, a page at a time, and one row in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from experiments.views.datasets.datasets import DatasetView, dataset_rows
from pages.components.inert import cut
from pages.components.session import store
from pages.components.show_output import show_record

PAGE_ROWS = 50
MOST_COLUMNS = 24
MOST_CELL = 160


def show_cells(rows: Sequence[Mapping[str, str | None]], columns: Sequence[str], *, height: int = 300) -> None:
    """A table of texts; long cells are cut."""
    import pandas as pd

    shown = columns[:MOST_COLUMNS]
    frame = pd.DataFrame(
        [{name: cut(row.get(name) or "", MOST_CELL) for name in shown} for row in rows], columns=list(shown)
    )
    st.dataframe(frame, hide_index=True, height=height, column_config=_as_text(shown), alt="First rows of the file")


@st.fragment
def browse_rows(view: DatasetView) -> None:
    """A page of rows; the row that is picked stands below in full."""
    import pandas as pd

    pages = max(1, -(-view.rows // PAGE_ROWS))
    at = st.pagination(pages, key="rows", bind="query-params", max_visible_pages=7) if pages > 1 else 1
    found = dataset_rows(store(), view.version_id, first=1 + PAGE_ROWS * (min(at, pages) - 1), limit=PAGE_ROWS)
    shown = view.columns[:MOST_COLUMNS]
    frame = pd.DataFrame(
        [[row.number, *(cut(row.cells.get(name) or "", MOST_CELL) for name in shown)] for row in found],
        columns=["Row", *(f"c{i}" for i in range(len(shown)))],
    )
    config = {"Row": st.column_config.NumberColumn(width=60, pinned=True)}
    config |= {f"c{i}": st.column_config.TextColumn(name) for i, name in enumerate(shown)}
    event = st.dataframe(
        frame,
        hide_index=True,
        height=390,
        column_config=config,
        on_select="rerun",
        selection_mode="single-row-required",
        key=f"rows_of_{view.version_id}_{at}",
        alt=f"Rows of the test set, page {at} of {pages}",
    )
    if len(view.columns) > MOST_COLUMNS:
        st.caption(f"{MOST_COLUMNS} of {len(view.columns)} columns are listed; a picked row shows all of them.")
    picked = event["selection"]["rows"]
    row = found[picked[0]] if picked and picked[0] < len(found) else found[0]
    with st.container(border=True):
        st.markdown(f"**Row {row.number:,}**")
        show_record(row.cells)


def _as_text(columns: Sequence[str]) -> dict[str, object]:
    return {name: st.column_config.TextColumn(name) for name in columns}
