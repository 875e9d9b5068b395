"""The people behind a result: for whom it speaks, and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.ratings.result_words import rater_sentences
from pages.components.inert import element
from pages.components.show_output import show


def show_raters(result: Mapping[str, Any], treatment: str) -> None:
    """A sentence a line; nothing where people do not decide."""
    sentences = rater_sentences(result, treatment)
    if sentences:
        st.header("The people who rated", anchor=False)
        for sentence in sentences:
            show(element("div", sentence, cls="bk-text"))
