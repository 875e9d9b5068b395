"""Read the answers: chips by who won, a list with the largest gap first, one row open beside it, J and K through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import streamlit as st

from experiments.views.results.answers import PairFilter, PairPage, RowAnswers, answer_pairs, row_answers
from experiments.views.runs.experiments import ArmView
from pages.components.errors import show_errors
from pages.components.pickers import choice_in_address, keep_in_address
from pages.components.result.answer_cards import repetitions, show_row
from pages.components.session import store
from pages.components.words import names_of

PAGE_ROWS = 50
LIST, ROWS = "pairs", "pairs_shown"
LIST_PX = 430
EVERYWHERE = "all rows"


@dataclass(frozen=True, slots=True)
class AnswerPairs:
    """Which pairs are read. ``evidence`` names the analysis, so that what is kept of a page is never stale."""

    experiment: str
    evidence: str
    treatment: str
    metric: str
    which: PairFilter = "all"
    part: tuple[str, str] | None = None
    offset: int = 0


@st.cache_data(max_entries=300, show_spinner=False)
def pair_page(pairs: AnswerPairs) -> PairPage:
    """A page of pairs."""
    column, value = pairs.part or (None, None)
    return answer_pairs(
        store(),
        pairs.experiment,
        treatment=pairs.treatment,
        metric=pairs.metric,
        which=pairs.which,
        slice_column=column,
        slice_value=value,
        limit=PAGE_ROWS,
        offset=pairs.offset,
    )


@st.cache_data(max_entries=300, show_spinner=False)
def _one_row(experiment: str, evidence: str, number: int) -> RowAnswers:
    del evidence
    return row_answers(store(), experiment, number=number)


@st.fragment
def read_answers(
    pairs: AnswerPairs,
    *,
    control: ArmView,
    treatment: ArmView,
    metrics: Sequence[str],
    parts: Sequence[tuple[str, str]],
) -> None:
    """The whole section. ``metrics`` are the measures one can win by, ``parts`` the slices (column, value) to read."""
    st.header("Read the answers", anchor=False)
    with show_errors():
        pairs = _filtered(pairs, metrics, parts)
        counts = pair_page(pairs).counts
        pairs = replace(pairs, which=_chips(counts, control.letter, treatment.letter))
        if counts[pairs.which] == 0:
            st.caption("No row of this kind.")
            return
        listed, opened = st.columns([4, 7], gap="medium")
        with listed:
            number = _list(pairs, counts[pairs.which], letters=(control.letter, treatment.letter))
        with opened:
            row = _one_row(pairs.experiment, pairs.evidence, number)
            _show_open(row, control=control, treatment=treatment)


def _filtered(pairs: AnswerPairs, metrics: Sequence[str], parts: Sequence[tuple[str, str]]) -> AnswerPairs:
    """The measure that says who won, and the slice to read."""
    names = list(dict.fromkeys([pairs.metric, *metrics]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Who won, by", names, format_func=names_of(names), key="measure", bind="query-params", width=240
        )
        words = {f"{column}: {value}": (column, value) for column, value in parts}
        chosen = EVERYWHERE
        if parts:
            chosen = st.selectbox("In", [EVERYWHERE, *words], key="in", bind="query-params", width=240)
    return replace(pairs, metric=metric if metric in names else pairs.metric, part=words.get(chosen))


def _chips(counts: Mapping[str, int], control: str, treatment: str) -> PairFilter:
    words = {
        "all": "All",
        "treatment": f"{treatment} better",
        "control": f"{control} better",
        "tie": "Tie",
        "odd": "Odd answer",
        "failed": "No answer",
    }
    offered = [w for w in words if w in ("all", "treatment", "control", "tie") or counts[w]]
    choice_in_address("who", offered, "all")
    chosen = st.pills(
        "Show",
        offered,
        required=True,
        format_func=lambda w: f"{words[w]} {counts[w]:,}",
        key="who",
        on_change=keep_in_address,
        args=("who", "all"),
        label_visibility="collapsed",
    )
    return next((which for which in get_args(PairFilter) if which == chosen), "all")


def _list(pairs: AnswerPairs, total: int, *, letters: tuple[str, str]) -> int:
    """Draws the list and the two buttons; the number of the row that is open."""
    pages = -(-total // PAGE_ROWS)
    bar = st.container(horizontal=True, vertical_alignment="center")
    table = st.container()
    at = st.pagination(pages, key="page", bind="query-params", max_visible_pages=5) if pages > 1 else 1
    page = pair_page(replace(pairs, offset=PAGE_ROWS * (min(at, pages) - 1)))
    numbers = [row.position + 1 for row in page.rows]
    st.session_state[ROWS] = numbers
    asked = _asked()
    index = numbers.index(asked) if asked in numbers else 0
    with bar:
        for label, key, by, end, icon in (
            ("Previous", "K", -1, 0, ":material/arrow_upward:"),
            ("Next", "J", 1, len(numbers) - 1, ":material/arrow_downward:"),
        ):
            st.button(label, shortcut=key, on_click=_step, args=(by,), disabled=index == end, icon=icon)
    st.session_state[LIST] = {"selection": {"rows": [index], "columns": [], "cells": []}}
    with table:
        st.dataframe(
            _frame(page, letters),
            key=LIST,
            on_select=_picked,
            selection_mode="single-row-required",
            hide_index=True,
            height=LIST_PX,
            column_config=_columns(page, letters),
            alt="Rows of the test set with the scores of both variants, the largest difference first",
        )
    return numbers[index]


def _frame(page: PairPage, letters: tuple[str, str]) -> Any:  # noqa: ANN401
    import pandas as pd

    return pd.DataFrame(
        {
            "Row": [r.position + 1 for r in page.rows],
            "Input": list(page.excerpts),
            letters[0]: [r.control_value for r in page.rows],
            letters[1]: [r.treatment_value for r in page.rows],
        }
    )


def _columns(page: PairPage, letters: tuple[str, str]) -> dict[str, Any]:
    values = [v for r in page.rows for v in (r.control_value, r.treatment_value) if v is not None]
    digits = 0 if all(v == int(v) for v in values) else 2
    number = st.column_config.NumberColumn
    return {
        "Row": number(width=56),
        "Input": st.column_config.TextColumn(width=150),
        letters[0]: number(format=f"%.{digits}f", width=50),
        letters[1]: number(format=f"%.{digits}f", width=50),
    }


def _asked() -> int | None:
    """The row that the address names."""
    text = st.query_params.get("row", "")
    return int(text) if text.isdigit() and len(text) < 10 else None


def _open(index: int) -> None:
    numbers = st.session_state.get(ROWS, [])
    if 0 <= index < len(numbers):
        st.query_params["row"] = str(numbers[index])


def _picked() -> None:
    rows = st.session_state[LIST]["selection"]["rows"]
    if rows:
        _open(rows[0])


def _step(by: int) -> None:
    numbers = st.session_state.get(ROWS, [])
    asked = _asked()
    _open((numbers.index(asked) if asked in numbers else 0) + by)


def _show_open(row: RowAnswers, *, control: ArmView, treatment: ArmView) -> None:
    tries = repetitions(row)
    at = tries[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Row {row.number:,}**")
        differences = st.toggle("Mark differences", value=True, key="marks", bind="query-params")
        if len(tries) > 1:
            chosen = st.segmented_control(
                "Answer",
                tries,
                default=tries[0],
                required=True,
                format_func=lambda number: f"Answer {number + 1}",
                key="try",
                bind="query-params",
                label_visibility="collapsed",
            )
            at = chosen if chosen in tries else tries[0]
    show_row(row, control=control, treatment=treatment, repetition=at, differences=differences)
