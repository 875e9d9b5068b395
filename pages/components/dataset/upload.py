"""Add a test set: drop a file or paste rows, see what was understood, then keep it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.datasets.encodings import ENCODING_NAMES
from experiments.datasets.roles import RoleProposal
from experiments.views.datasets.uploads import UploadPreview, dataset_name_from, preview_upload
from experiments.wording import count
from pages.components.dataset.rows import show_cells
from pages.components.errors import show_errors
from pages.components.home.first_steps import tick
from pages.components.session import actor, store
from pages.components.show_output import plain, show_lines, show_values

ENDINGS = ["csv", "tsv", "tab", "txt", "jsonl", "ndjson", "json", "xlsx", "parquet"]
PASTED = "pasted rows.csv"


@st.cache_data(max_entries=3, show_spinner="Reading the file …")
def _preview(content: bytes, filename: str, encoding: str | None) -> UploadPreview:
    return preview_upload(content, filename=filename, encoding=encoding)


NEW = "a new test set"


def show_upload(names: Sequence[str]) -> None:
    """The whole form; ``names`` are the test sets that may get a new version instead."""
    into = None
    if names:
        kept = st.selectbox("Keep it as", [NEW, *names], key="into", format_func=_kept_as, width=320)
        into = None if kept == NEW else kept
    chosen = _chosen()
    if chosen is None:
        st.caption(
            "CSV, TSV, JSONL, JSON, Excel or Parquet; up to 60 MB and 200,000 rows. No cell is guessed or changed."
        )
        return
    content, filename = chosen
    encoding = choose_encoding(key="upload_encoding")
    with show_errors():
        preview = _preview(content, filename, encoding)
        st.markdown(
            f"**{count(preview.rows, 'row')}, {count(len(preview.columns), 'column')}** · {plain(preview.understood)}"
        )
        if preview.notices:
            with st.container(border=True):
                st.markdown(":orange[:material/info:] **Worth knowing before you use it**")
                show_lines(preview.notices[:12])
        show_values(_roles_words(preview.roles))
        show_cells(preview.first_rows, preview.columns, height=260)
        _keep(content, filename, into, encoding)


def choose_encoding(*, key: str) -> str | None:
    """The encoding of a text file that its owner names, or None to tell it from the bytes."""
    return st.selectbox(
        "Encoding",
        list(ENCODING_NAMES),
        index=None,
        format_func=ENCODING_NAMES.__getitem__,
        key=key,
        placeholder="told from the file",
        width=320,
    )


def _chosen() -> tuple[bytes, str] | None:
    file = st.file_uploader("Drop a file here", type=ENDINGS, key="upload_file")
    with st.expander("Or paste rows", icon=":material/content_paste:", key="upload_paste_panel"):
        pasted = st.text_area(
            "Rows, the names of the columns first",
            key="upload_paste",
            height=140,
            placeholder="question,answer\nHow much is 2 plus 3?,5",
        )
    if file is not None:
        return file.getvalue(), file.name
    return (pasted.encode(), PASTED) if pasted and pasted.strip() else None


def _keep(content: bytes, filename: str, into: str | None, encoding: str | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = into
        if into is None:
            name = st.text_input(
                "Name", value=dataset_name_from(filename), key=f"upload_name_{filename}", max_chars=120, width=320
            )
        words = "Save as a new version" if into else "Save test set"
        if st.button(words, type="primary", icon=":material/save:", key="upload_save"):
            done = import_dataset(
                store(), content, filename=filename, name=name or "", actor=actor(), encoding=encoding
            )
            tick("add_test_set")
            st.session_state["imported"] = (done.dataset.name, done.version.number, done.is_new)
            st.rerun()


def _kept_as(name: str) -> str:
    return name if name == NEW else f"the next version of {name}"


def turn_to_imported(browse: str) -> None:
    """Point the pickers at what was just imported; call it before they are drawn.

    Their keys are bound to the address, and a bound address may only be changed through its widget.
    """
    imported = st.session_state.get("imported")
    if imported is not None:
        st.session_state["do"], st.session_state["set"] = browse, imported[0]
        st.session_state.pop("version", None)


def show_imported() -> None:
    """What the import did, on the run after it."""
    done = st.session_state.pop("imported", None)
    if done is not None:
        name, number, is_new = done
        words = (
            f"Version {number} of {plain(name)} is saved."
            if is_new
            else f"{plain(name)} holds these very rows already (version {number})."
        )
        st.success(words, icon=":material/check_circle:")


def _roles_words(roles: RoleProposal) -> dict[str, str]:
    words = {"Goes into prompts": ", ".join(roles.inputs) or "none"}
    if roles.reference:
        words["Expected answer"] = roles.reference
    if roles.unit:
        words["Names the row"] = roles.unit
    if roles.cluster:
        words["Belongs together"] = roles.cluster
    if roles.slices:
        words["Slices"] = ", ".join(roles.slices)
    return words
