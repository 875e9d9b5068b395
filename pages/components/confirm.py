"""A question before a step that many people notice."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components.errors import show_errors


@st.dialog("Are you sure?", icon=":material/help:")
def confirm(words: str, label: str, act: Callable[[], object]) -> None:
    """Say what would happen; ``act`` runs when the button named ``label`` is pressed, and the page follows."""
    st.markdown(words)
    if st.button(label, type="primary", key="confirm"):
        with show_errors():
            act()
            st.rerun()
