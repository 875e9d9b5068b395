"""Read the answers on which people and a judge differ: the widest gap first, J and K through them."""

from __future__ import annotations

import streamlit as st

from experiments.views.trying.checks import Disagreement, disagreements
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.inert import cut, element
from pages.components.numbers import score_text
from pages.components.session import store
from pages.components.show_output import show, show_record, show_text

AT = "differs"


@st.fragment
def read_disagreements(experiment: str, metric: str) -> None:
    """The whole section."""
    with show_errors():
        found, both = disagreements(store(), experiment, metric)
        if not both:
            st.caption(
                "Nobody has rated answers that this judge judged. Ratings of the same measure are compared here."
            )
            return
        if not found:
            st.markdown(f"People and the judge say the same of all {count(both, 'answer')}.")
            return
        at = min(_asked(), len(found)) - 1
        with st.container(horizontal=True, vertical_alignment="center"):
            for label, key, by, end, icon in (
                ("Previous", "K", -1, 0, ":material/arrow_upward:"),
                ("Next", "J", 1, len(found) - 1, ":material/arrow_downward:"),
            ):
                st.button(label, shortcut=key, on_click=_go, args=(at + 1 + by,), disabled=at == end, icon=icon)
            st.markdown(f"**{at + 1:,} of {len(found):,}** on which they differ, of {both:,} that both judged")
        _show(found[at])


def _show(one: Disagreement) -> None:
    with st.container(border=True, gap="small"):
        show(
            element(
                "div",
                element("b", f"Row {one.row:,}, {one.variant}"),
                element("span", f"People: {score_text(one.people)} ({count(one.raters, 'rating')})", cls="bk-pill"),
                element("span", f"Judge: {score_text(one.judge)}", cls="bk-pill bk-bad"),
                cls="bk-chips",
            )
        )
        show_record({**one.inputs, "answer": one.text, "the judge's reason": one.reason})
        for comment in one.comments[:5]:
            show_text(cut(f"A person wrote: {comment}", 500), muted=True)


def _asked() -> int:
    text = st.query_params.get(AT, "")
    return max(1, int(text)) if text.isdigit() and len(text) < 7 else 1


def _go(number: int) -> None:
    st.query_params[AT] = str(number)
