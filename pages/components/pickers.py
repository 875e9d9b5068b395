"""Choices that several pages offer."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.views.installation.models import model_choices
from pages.components.session import providers_at_hand, store


@st.cache_data(ttl=30, show_spinner=False)
def models() -> list[str]:
    """Models to offer; any other name can be typed."""
    return model_choices(store(), providers=providers_at_hand())


def pick_model(label: str, offered: list[str], *, key: str) -> str:
    """A model of the list, or any that is typed."""
    chosen = st.session_state.get(key)
    options = offered if chosen in (None, *offered) else [chosen, *offered]
    return (
        st.selectbox(
            label,
            options,
            key=key,
            accept_new_options=True,
            persist_state="session",
            help="Type any name that litellm knows, like openai/gpt-4o-mini.",
        )
        or ""
    )


def choice_in_address(key: str, options: Sequence[str], default: str) -> None:
    """Take the choice of a widget from the address, before the widget is drawn; for labels that are no good addresses.

    ``bind="query-params"`` would write the label, which may hold counts or escaped names; this writes the option.
    Give the widget ``on_change=keep_in_address, args=(key, default)``.
    """
    wanted = st.query_params.get(key, default)
    st.session_state[key] = wanted if wanted in options else default


def keep_in_address(key: str, default: str) -> None:
    """Callback: the address follows the widget; the default leaves it."""
    chosen = st.session_state.get(key)
    if chosen in (None, default):
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = str(chosen)
