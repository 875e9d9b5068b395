"""The items of a rating session: which answers, and what each rater said of them. And the way out as a file."""

from __future__ import annotations

from functools import partial

import streamlit as st

from experiments.ratings.questions import BOTH_BAD, BOTH_GOOD
from experiments.views.rating.report import ITEMS_PER_PAGE, ItemLine, session_items
from experiments.wording import count
from pages.components.result.method import exported
from pages.components.session import store
from pages.components.show_output import plain, show_lines, show_record, show_text

TIES = {BOTH_GOOD: "both good", BOTH_BAD: "both bad"}


def show_items(session_id: str, experiment: str, items: int) -> None:
    """A page of items, those with most ratings first; and the export."""
    st.header("Read the items", anchor=False)
    if not st.toggle("Show them with the variants' names", key="rate_items", help="Look after rating yourself."):
        _export(experiment)
        return
    pages = -(-items // ITEMS_PER_PAGE)
    at = st.pagination(pages, key="page_of_items") if pages > 1 else 1
    for place, line in enumerate(session_items(store(), session_id, offset=ITEMS_PER_PAGE * (at - 1))):
        with st.expander(_title(line), key=f"item_{at}_{place}"):
            _show_item(line)
    _export(experiment)


def _title(line: ItemLine) -> str:
    gold = " · gold" if line.gold else ""
    wanted = f" of {line.wanted}" if line.wanted else ""
    said = ", ".join(dict.fromkeys(_told(word) for _, word in line.said))
    return plain(
        f"{line.unit_id or 'written by hand'} · {line.ratings}{wanted} ratings{gold} · {said}".removesuffix(" · ")
    )


def _show_item(line: ItemLine) -> None:
    if line.prompt_text:
        show_text(line.prompt_text, muted=True)
    show_record(dict(line.answers))
    if line.said:
        show_lines([f"{rater}: {_told(word)}" for rater, word in line.said])
    if line.comments:
        st.caption(count(len(line.comments), "comment"))
        show_lines(line.comments)


def _told(word: str) -> str:
    return TIES.get(word, word)


def _export(experiment: str) -> None:
    st.download_button(
        "Export all ratings (CSV)",
        data=partial(exported, experiment, "ratings", "csv"),
        file_name=f"{experiment}-ratings.csv",
        mime="text/csv",
        icon=":material/download:",
        key="rate_export",
        on_click="ignore",
    )
