"""The rater's screen: one item at a time, drawn in the browser in the same turn as the key.

A rerun of the page takes longer than a person needs for an easy item, so this is a component of its own: it fetches
items ahead, keeps votes until the server has acknowledged them, and never waits for the page. It is given an address
and nothing else; what it may know, the HTTP routes decide.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

_PLACE = Path(__file__).with_name("screen")
_SCRIPTS = ("text.js", "outbox.js", "screen.js", "session.js")
BASE = "/api/v1/rate"


def markup() -> str:
    """The HTML the screen starts from; it holds no text of anybody."""
    return (_PLACE / "rating.html").read_text("utf-8")


def style() -> str:
    """Its CSS."""
    return (_PLACE / "rating.css").read_text("utf-8")


def script() -> str:
    """Its JavaScript as one module, put together from the files in the order in which they use each other."""
    return "\n".join((_PLACE / name).read_text("utf-8") for name in _SCRIPTS)


@cache
def _component() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("rate_answers", html=markup(), css=style(), js=script())


def rating_screen() -> None:
    """Draw the screen over the whole window."""
    _component()(data={"base": BASE}, key="rating")
