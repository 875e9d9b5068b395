"""All experiments, newest first: name, where it stands, what it said, what it cost."""

from __future__ import annotations

import streamlit as st

from experiments.views.runs.experiments import ExperimentSummary, experiment_names, list_experiments
from experiments.wording import count
from pages.components.empty import show_empty
from pages.components.inert import element, joined
from pages.components.numbers import ago, money
from pages.components.result.header import state_badge
from pages.components.session import store
from pages.components.show_output import plain, show

PAGE = 15
_TONES = {"ship": "better", "keep_control": "worse"}
_SIGNS = {"better": "▲", "worse": "▼", "unclear": "●"}


def show_experiments() -> None:
    """The list, a page at a time."""
    total = len(experiment_names(store()))
    if total == 0:
        show_empty("No experiment yet", "Compare two prompts on a test set. Choose “New comparison” above.")
        return
    pages = -(-total // PAGE)
    at = st.pagination(pages, key="page_of_experiments", bind="query-params") if pages > 1 else 1
    for summary in list_experiments(store(), limit=PAGE, offset=PAGE * (min(at, pages) - 1)):
        show_summary(summary)


def show_summary(summary: ExperimentSummary) -> None:
    """One experiment as a card; its name leads to it."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                "read_results.py", label=f"**{plain(summary.name)}**", query_params={"exp": summary.name}, icon=""
            )
            state_badge(summary.state, summary.run_state)
            if summary.simulated:
                st.badge("Simulated", icon=":material/science:", color="violet")
            if summary.sample:
                st.badge("Sample", color="gray")
            show(element("div", _facts(summary), cls="bk-muted bk-small", style="text-align:right"))
        if summary.headline:
            tone = _TONES.get(summary.outcome or "", "unclear")
            show(
                joined(
                    element("span", f"{_SIGNS[tone]} {summary.headline}", cls=f"bk-{tone}", style="white-space:normal")
                )
            )


def _facts(summary: ExperimentSummary) -> str:
    if not summary.dataset:
        return f"live traffic · {ago(summary.created_at)}"
    return " · ".join((summary.dataset, count(summary.rows, "row"), money(summary.spent_usd), ago(summary.created_at)))
