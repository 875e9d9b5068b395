"""Errors on a page: what the person can fix, in one sentence with its hint; anything else is logged, never shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from experiments.errors import BakeoffError
from pages.components.show_output import plain

_LOG = logging.getLogger("bakeoff.pages")

NEUTRAL = (
    "Something went wrong here, and the server's log says what. "
    "Your last step may have taken effect: reload the page and look before you repeat it."
)


@contextmanager
def show_errors() -> Iterator[None]:
    """Shows what goes wrong inside, in place; the rest of the page goes on."""
    try:
        yield
    except BakeoffError as problem:
        show_problem(problem)
    except Exception:
        _LOG.exception("a page failed")
        st.error(NEUTRAL, icon=":material/error:")


def show_problem(problem: BakeoffError) -> None:
    """The message and what to do about it."""
    hint = f"  \n{plain(problem.hint)}" if problem.hint else ""
    st.error(f"{plain(problem.message)}{hint}", icon=":material/error:")
