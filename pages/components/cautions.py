"""Cautions before a step, and the written reason that answers them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.prompts.labels import SHORTEST_REASON
from pages.components.show_output import plain


def show_cautions(cautions: Sequence[str]) -> None:
    """One warning with all of them; nothing for none."""
    if cautions:
        words = ". ".join(caution[:1].upper() + caution[1:] for caution in cautions)
        st.warning(plain(f"{words}."), icon=":material/edit:")


def reason_for(cautions: Sequence[str], *, key: str) -> str:
    """The cautions and the reason typed under them; "" without cautions or without a reason."""
    if not cautions:
        return ""
    show_cautions(cautions)
    words = f"Why is it right all the same? (at least {SHORTEST_REASON} characters)"
    return st.text_input(words, key=key, max_chars=2000) or ""
