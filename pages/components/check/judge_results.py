"""The judges of one experiment: how far they are, and their cards once all is judged."""

from __future__ import annotations

import streamlit as st

from experiments.actions.results.open_results import open_results
from experiments.views.installation.operation import workers_alive
from experiments.views.runs.experiments import get_experiment
from experiments.views.runs.progress import RunProgress, run_progress
from experiments.wording import count, metric_name
from pages.components.numbers import money
from pages.components.result.judge_card import show_judge_cards
from pages.components.session import actor, store
from pages.components.show_output import plain
from pages.components.words import names_of

POLL_S = 1.0


def show_judges_of(experiment: str, *, preferred: str) -> str | None:
    """Draws the section; the metric whose rows are read further down, or None without any judge."""
    view = get_experiment(store(), experiment)
    progress = run_progress(store(), view.id)
    if progress is None or not progress.judging:
        return None
    st.header("How far people agree with it", anchor=False)
    waiting = not progress.ended
    st.fragment(_follow, run_every=POLL_S if waiting else None)(view.id, waiting=waiting)
    if waiting:
        return None
    metrics = [one.metric for one in progress.judging]
    metric = preferred if preferred in metrics else metrics[0]
    if len(metrics) > 1:
        chosen = st.segmented_control(
            "Judge", metrics, default=metric, required=True, format_func=names_of(metrics), key="judge_of"
        )
        metric = chosen if chosen in metrics else metric
    results = open_results(store(), experiment, actor=actor())
    show_judge_cards(results, [metric], units=view.units)
    st.page_link(
        "read_results.py", label="The whole result", icon=":material/query_stats:", query_params={"exp": experiment}
    )
    return str(metric)


def _follow(experiment_id: str, *, waiting: bool) -> None:
    progress = run_progress(store(), experiment_id)
    if progress is None:
        return
    if waiting and progress.ended:
        st.rerun()
    if waiting:
        for one in progress.judging:
            share = one.done / one.wanted if one.wanted else 0.0
            st.progress(
                min(1.0, share), text=f"{plain(metric_name(one.metric))}: {one.done:,} of {one.wanted:,} answers judged"
            )
        if workers_alive(store()) == 0:
            st.warning("No worker is running. Start one with `bakeoff worker`.", icon=":material/info:")
    _show_spent(progress)


def _show_spent(progress: RunProgress) -> None:
    judged = sum(one.done for one in progress.judging)
    st.caption(f"{count(judged, 'answer')} judged for {money(progress.judge_usd)}, apart from what the answers cost.")
