"""Test sets: what there is, what is odd about it, which column means what; and the way in for new ones."""

import streamlit as st

from experiments.actions.datasets.import_dataset import archive_dataset
from experiments.views.datasets.datasets import get_dataset, list_datasets
from experiments.wording import count
from pages.components.dataset.roles import edit_roles
from pages.components.dataset.rows import browse_rows
from pages.components.dataset.upload import show_imported, show_upload, turn_to_imported
from pages.components.empty import show_empty
from pages.components.errors import show_errors
from pages.components.inert import element
from pages.components.numbers import moment
from pages.components.session import actor, store
from pages.components.show_output import show, show_lines

BROWSE, ADD = "Browse", "Add a test set"

with show_errors():
    turn_to_imported(BROWSE)
    hidden = st.session_state.get("archived", False)
    names = [name for name, *_ in list_datasets(store(), archived=hidden)]
    title, switch = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Test sets", anchor=False)
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        tab = st.segmented_control(
            "What to do",
            [BROWSE, ADD],
            default=BROWSE if names else ADD,
            required=True,
            key="do",
            bind="query-params",
            label_visibility="collapsed",
        )
    show_imported()

    if tab == ADD or not names:
        if not names:
            show_empty("No test set yet", "Upload 30 or more real inputs (CSV, JSONL, Excel), or paste rows.")
        show_upload(names)
        st.stop()

    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Test set", names, key="set", bind="query-params", width=320)
        newest = get_dataset(store(), name)
        numbers = [number for number, *_ in newest.versions]
        number = st.selectbox("Version", numbers, key="version", bind="query-params", width=110)
        st.toggle("Show archived", key="archived")
    view = newest if number == newest.version else get_dataset(store(), f"{name}@{number}")
    made = next((at, by) for n, _, at, by in view.versions if n == view.version)
    facts = [
        count(view.rows, "row"),
        count(len(view.columns), "column"),
        f"from {view.source_name}" if view.source_name else "",
        f"{moment(made[0])} by {made[1]}",
        f"used by {count(view.experiments, 'experiment')}",
    ]
    show(element("div", " · ".join(fact for fact in facts if fact), cls="bk-muted bk-small"))
    if view.archived:
        st.badge("Archived", color="gray")

    rows, about = st.columns([3, 1.25], gap="medium")
    with rows:
        browse_rows(view)
    with about:
        notices = [notice["message"] for notice in view.report.get("notices", ())]
        with st.container(border=True):
            st.markdown("**Worth knowing**" if notices else ":green[:material/check_circle:] **Nothing odd was found**")
            show_lines(notices[:12], muted=True) if notices else st.caption("No repeats, no gaps, no personal data.")
        edit_roles(view)
        new_version = {"do": ADD, "into": name}
        st.button(
            "Upload a new version",
            icon=":material/upload:",
            width="stretch",
            on_click=st.session_state.update,
            args=(new_version,),
        )
        words = "Bring it back" if view.archived else "Archive it"
        if st.button(words, icon=":material/archive:", width="stretch", key="archive", help="Experiments on it stay."):
            archive_dataset(store(), name, archived=not view.archived, actor=actor())
            st.rerun()
