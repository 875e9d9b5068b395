"""The address of what is on the screen, to be handed on."""

from __future__ import annotations

import streamlit as st


def show_share() -> None:
    """A popover with the link; filters, tabs and the open row are in it."""
    with st.popover("Share", icon=":material/link:", key="share_panel"):
        st.caption("Whoever may open this installation sees the same rows and filters.")
        st.code(current_address(), language=None, wrap_lines=True)


def current_address() -> str:
    """The address with its parameters, as the browser has it."""
    from urllib.parse import urlencode

    base = (st.context.url or "").partition("?")[0]
    parameters = [(k, v) for k in st.query_params for v in st.query_params.get_all(k)]
    return f"{base}?{urlencode(parameters)}" if parameters else base
