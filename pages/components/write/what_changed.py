"""What differs between two prompts, and the warning when it is more than one thing."""

from __future__ import annotations

import streamlit as st

from experiments.prompts.content import PromptContent, settings_changes
from pages.components.show_output import show_diff, show_lines


def show_what_changed(a: PromptContent, b: PromptContent) -> None:
    """Word by word, then one line for each setting."""
    changes = settings_changes(a, b)
    reworded = a.as_text() != b.as_text()
    with st.expander("What changed from A to B", expanded=True, icon=":material/difference:", key="what_changed"):
        if reworded:
            show_diff(a.as_text(), b.as_text())
        show_lines(changes)
        if not reworded and not changes:
            st.caption("A and B are the same. Change one thing in B.")
        if reworded and changes:
            st.warning(
                "A and B differ in wording and in settings. If B wins, you will not know which of the two did it.",
                icon=":material/call_split:",
            )
