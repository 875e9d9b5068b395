"""The test set of a plan, and which of its columns fills which variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from experiments.datasets.matching import match_columns
from experiments.prompts.content import PromptContent
from experiments.views.datasets.datasets import DatasetView, dataset_rows, get_dataset
from experiments.views.registry.prompt_notices import content_notices
from experiments.wording import count
from pages.components.inert import cut, element
from pages.components.session import store
from pages.components.show_output import show, show_lines

NONE = "–"
SAMPLE_ROWS = 20


def choose_dataset(names: Sequence[str]) -> DatasetView:
    """The test set to run on."""
    name = st.selectbox("Test set", names, key="plan_set", persist_state="session", width=320)
    view = get_dataset(store(), name)
    st.caption(f"{count(view.rows, 'row')}, version {view.version}")
    return view


def choose_columns(view: DatasetView, contents: Sequence[PromptContent]) -> tuple[dict[str, Any], list[str]]:
    """(the columns as an experiment file has them, variables that nothing fills yet)."""
    variables = list(dict.fromkeys(name for content in contents for name in content.variables()))
    rows = [row.cells for row in dataset_rows(store(), view.version_id, limit=SAMPLE_ROWS)]
    matching = match_columns(variables, view.columns, sample=rows)
    inputs: dict[str, str] = {}
    missing: list[str] = []
    for match in matching.matches:
        name, pick, example = st.columns([2, 3, 5], vertical_alignment="center")
        options = [NONE, *view.columns]
        proposed = match.column or NONE
        with pick:
            column = st.selectbox(
                f"Column for {match.variable}",
                options,
                index=options.index(proposed),
                key=f"plan_column_{view.version_id}_{match.variable}",
                label_visibility="collapsed",
            )
        ok = column != NONE
        with name:
            words = ("✓ " if ok else "✗ ") + f"{{{{{match.variable}}}}}"
            show(element("span", words, cls=f"bk-pill {'bk-ok' if ok else 'bk-bad'}"))
        with example:
            if ok:
                inputs[match.variable] = column
                shown = next((cell for row in rows if (cell := row.get(column)) and cell.strip()), "(empty)")
                show(element("div", cut(" ".join(shown.split()), 160), cls="bk-muted bk-small"))
            else:
                missing.append(match.variable)
                near = f" Perhaps {match.proposal}?" if match.proposal else ""
                show(element("div", f"No column gives it.{near}", cls="bk-worse bk-small"))
    notices = dict.fromkeys(n for c in contents for n in content_notices(c, names=view.columns))
    if notices:
        show_lines(list(notices))
    roles = {name: view.roles.get(name) for name in ("reference", "unit", "cluster")}
    chosen: dict[str, Any] = {
        "inputs": inputs,
        **{name: column for name, column in roles.items() if column in view.columns},
    }
    chosen["slices"] = [column for column in view.roles.get("slices", ()) if column in view.columns]
    words = {"reference": "expected answer", "unit": "row id", "cluster": "belongs together"}
    told = [f"{words[name]}: {chosen[name]}" for name in words if name in chosen]
    told += [f"slices: {', '.join(chosen['slices'])}"] if chosen["slices"] else []
    show(element("div", " · ".join(told) or "no expected answer, no slices", cls="bk-muted bk-small"))
    return chosen, missing
