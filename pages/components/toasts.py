"""What was just done, said once on the run after it."""

from __future__ import annotations

import streamlit as st

from pages.components.show_output import plain


def show_promoted() -> None:
    """The outcome of the promote dialog, with the way to it."""
    done = st.session_state.pop("promoted", None)
    if done is None:
        return
    prompt, label, version = done
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":green[:material/check_circle:] **Version {version} of {plain(prompt)} is in {plain(label)}.**",
            width="stretch",
        )
        st.page_link("browse_registry.py", label="See it in production", icon=":material/arrow_forward:")
