"""API keys: made here, shown once, taken back at once."""

from __future__ import annotations

import streamlit as st

from experiments.actions.installation.manage_keys import create_key, revoke_key
from experiments.views.installation.installation import api_keys
from experiments.vocabulary import Scope
from pages.components.errors import show_errors
from pages.components.numbers import day
from pages.components.session import actor, store
from pages.components.show_output import plain
from pages.components.tables import show_table

SCOPES = {
    Scope.READ: "read prompts and results",
    Scope.PROMOTE: "promote and roll back",
    Scope.ASSIGN: "assign users in live tests",
    Scope.INGEST: "send outcomes",
}


def show_keys() -> None:
    """What there is, and the form for a new one."""
    _show_new_key()
    keys = api_keys(store())
    if keys:
        rows = [
            [
                key.name,
                f"bk_{key.id}_…",
                ", ".join(key.scopes),
                day(key.created_at),
                key.last_used_on or "never",
                "revoked" if key.revoked_at else day(key.expires_at) if key.expires_at else "no end",
            ]
            for key in keys
        ]
        show_table(["Name", "Key", "May", "Made", "Last used", "Until"], rows, left=(1, 2, 3, 4, 5), wide=(3, 4))
        _revoke({key.id: key.name for key in keys if key.revoked_at is None})
    else:
        st.caption("No keys yet. Applications need one to read prompts.")
    with st.form("new_key", border=True):
        st.markdown("**A new key**")
        name = st.text_input("For which application", max_chars=100, placeholder="shop backend")
        scopes = st.multiselect("May", list(SCOPES), default=[Scope.READ], format_func=SCOPES.__getitem__)
        days = st.number_input("Days it is valid (empty: no end)", 1, 3650, value=None, step=1)
        if st.form_submit_button("Create key", icon=":material/key:"):
            with show_errors():
                made = create_key(store(), name or "", scopes, days_valid=days, actor=actor())
                st.session_state["made_key"] = (made.record.name, made.key)
                st.rerun()


def _show_new_key() -> None:
    made = st.session_state.pop("made_key", None)
    if made is not None:
        with st.container(border=True):
            st.markdown(
                f":green[:material/check_circle:] **The key of {plain(made[0])}.** Copy it now; it is shown once."
            )
            st.code(made[1], language=None)


def _revoke(names: dict[str, str]) -> None:
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Take back",
            list(names),
            format_func=lambda i: f"{names[i]} (bk_{i}_…)",
            index=None,
            key="revoke_which",
            width=320,
        )
        if st.button("Revoke", icon=":material/block:", key="revoke", disabled=chosen is None) and chosen is not None:
            with show_errors():
                revoke_key(store(), chosen, actor=actor())
                st.rerun()
