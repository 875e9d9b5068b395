"""The measures of a plan: scorers of the library, each with its options."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from experiments.errors import BakeoffError
from experiments.scoring import describe_all
from experiments.scoring.fitting import fitting_scorer
from experiments.scoring.options import OptionDescription
from experiments.scoring.registry import ScorerDescription
from experiments.views.datasets.datasets import MOST_ROWS, DatasetView, dataset_rows
from experiments.vocabulary import new_id
from pages.components.errors import show_problem
from pages.components.session import store
from pages.components.show_output import plain

COLUMN_OPTIONS = ("column", "sources_column", "same_as_column")
NONE = "–"


@st.cache_resource
def _library() -> dict[str, ScorerDescription]:
    return {scorer.name: scorer for scorer in describe_all()}


def choose_measures(view: DatasetView, reference: str | None) -> dict[str, str | dict[str, Any]]:
    """Metric → scorer entry of an experiment file, in order; what is wrong with one is shown beside it.

    ``reference`` is the column of the expected answers. What fits them stands there at first.
    """
    state = st.session_state
    columns, has_reference = view.columns, reference is not None
    _propose(view, reference)
    library = _library()
    entries: dict[str, str | dict[str, Any]] = {}
    for measure, name in state["plan_measures"]:
        metric, entry = _measure(measure, library[name], columns, has_reference=has_reference)
        entries[metric] = entry
    fitting = [n for n, s in library.items() if has_reference or "reference" not in s.needs or s.instead_of_reference]
    chosen = st.selectbox(
        "Add a measure",
        fitting,
        index=None,
        key=f"plan_add_{len(state['plan_measures'])}",
        format_func=lambda name: f"{name.replace('_', ' ')}: {library[name].summary}",
        placeholder="Add a measure …",
        label_visibility="collapsed",
    )
    if chosen is not None:
        state["plan_measures"] = [*state["plan_measures"], (new_id(), chosen)]
        st.rerun()
    return entries


def _propose(view: DatasetView, reference: str | None) -> None:
    """The fitting measure with the reason for it; another test set brings another one until somebody has chosen."""
    rows = dataset_rows(store(), view.version_id, limit=MOST_ROWS)
    fitting = fitting_scorer([row.cells.get(reference) for row in rows] if reference is not None else [])
    state = st.session_state
    mine = state.get("plan_proposed")
    untouched = "plan_measures" not in state or state["plan_measures"] == [mine]
    if untouched and (mine is None or mine[1] != fitting.scorer):
        mine = state["plan_proposed"] = (new_id(), fitting.scorer)
        state["plan_measures"] = [mine]
    if mine in state["plan_measures"] and mine[1] == fitting.scorer:
        st.caption(f"{fitting.why} You can change it.")


def _measure(
    measure: str, scorer: ScorerDescription, columns: Sequence[str], *, has_reference: bool
) -> tuple[str, str | dict[str, Any]]:
    with st.container(border=True, gap="small"):
        words, button = st.columns([6, 1], vertical_alignment="center")
        words.markdown(f"**{plain(scorer.name.replace('_', ' '))}** :gray[{plain(scorer.summary)}]")
        with button:
            st.button("Remove", key=f"{measure}_remove", type="tertiary", on_click=_remove, args=(measure,))
        options: dict[str, Any] = {}
        try:
            options = _options(measure, scorer, columns)
        except BakeoffError as problem:
            show_problem(problem)
        if "reference" in scorer.needs and not has_reference and not scorer.instead_of_reference:
            st.markdown(":red[It needs an expected answer, and the test set names no column for it.]")
    metric = options.get("name", scorer.name)
    return metric, {scorer.name: options} if options else scorer.name


def _options(measure: str, scorer: ScorerDescription, columns: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    grid = st.columns(3) * (1 + len(scorer.options) // 3)
    for place, option in zip(grid, scorer.options, strict=False):
        with place:
            value = _option(measure, option, columns)
        if value is not None and value != option.default:
            options[option.name] = value
    with grid[len(scorer.options)]:
        called = st.text_input("Called", value="", placeholder=scorer.name, key=f"{measure}_name", max_chars=60)
    if called:
        options["name"] = called
    return options


def _option(measure: str, option: OptionDescription, columns: Sequence[str]) -> Any:  # noqa: ANN401, PLR0911 - one return per kind of widget
    label = option.name.replace("_", " ").capitalize() + (" (needed)" if option.required else "")
    about = plain(option.description)
    key = f"{measure}_{option.name}"
    if option.name in COLUMN_OPTIONS:
        chosen = st.selectbox(label, [NONE, *columns], key=key, help=about)
        return None if chosen == NONE else chosen
    if option.type == "true or false":
        return st.toggle(label, value=bool(option.default), key=key, help=about)
    if option.type.startswith("one of"):
        return st.selectbox(label, option.choices, index=_at(option), key=key, help=about)
    if option.type.startswith("list of") and option.choices:
        return st.multiselect(label, option.choices, default=option.default or None, key=key, help=about) or None
    if option.type.startswith("list of"):
        lines = st.text_area(
            label, key=key, height=80, help=f"{about} One a line.", value="\n".join(option.default or [])
        )
        return [line.strip() for line in (lines or "").splitlines() if line.strip()] or None
    if option.type in ("number", "whole number"):
        return _number(label, option, key, about)
    text = st.text_input(label, value=option.default or "", key=key, help=about)
    if option.type == "mapping":
        return _mapping(label, text)
    return text or None


def _number(label: str, option: OptionDescription, key: str, about: str) -> float | int | None:
    whole = option.type == "whole number"
    kind = int if whole else float
    low, high = (None if bound is None else kind(bound) for bound in (option.minimum, option.maximum))
    value = None if option.default is None else kind(option.default)
    return st.number_input(
        label, low, high, value=value, step=1 if whole else 0.1, key=key, help=about, format=None if whole else "%g"
    )


def _mapping(label: str, text: str | None) -> Any:  # noqa: ANN401
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise BakeoffError(
            "bad_option", f"{label} is not readable as JSON.", 'Write it like {"type": "object"}.'
        ) from None


def _at(option: OptionDescription) -> int:
    return option.choices.index(option.default) if option.default in option.choices else 0


def _remove(measure: str) -> None:
    st.session_state["plan_measures"] = [pair for pair in st.session_state["plan_measures"] if pair[0] != measure]
