"""Empty places: one sentence, one thing to do."""

from __future__ import annotations

import streamlit as st

from pages.components.show_output import plain


def show_empty(
    title: str, sentence: str, action: str = "", page: str = "", *, icon: str = ":material/arrow_forward:"
) -> None:
    """A calm box where there is nothing yet, with a link to where one begins."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.subheader(plain(title), anchor=False, text_alignment="center")
        st.markdown(plain(sentence), text_alignment="center")
        if page:
            st.page_link(page, label=plain(action), icon=icon)
        st.space("small")
