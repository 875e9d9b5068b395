"""The cards of the first page: what needs somebody, what runs, what was decided, what was spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from experiments.live.assignment import LiveState
from experiments.prompts.labels import LIVE_TRAFFIC
from experiments.views.installation.home import DecisionView, HomeView
from experiments.views.live.tests import LiveTestView
from experiments.views.rating.sessions import WaitingRatings, waiting_ratings
from experiments.views.runs.experiments import ExperimentSummary
from experiments.views.runs.progress import run_progress
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.inert import element, joined
from pages.components.live.live_list import show_live_list
from pages.components.numbers import ago, day, minutes_words, money
from pages.components.result.run_progress import progress_line
from pages.components.session import store
from pages.components.show_output import plain, show

MOST_CARDS = 6
EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for a person."""

    icon: str
    title: str
    sentence: str
    action: str
    page: str
    parameters: dict[str, str]


def needs(home: HomeView) -> list[Need]:
    """What waits, the most urgent first."""
    found = [_stopped(s) for s in home.stopped]
    found += [
        Need(
            ":orange[:material/event_busy:]",
            model.name,
            f"Its provider withdraws it on {day(model.retires)}. Prompts use it.",
            "See models",
            "change_settings.py",
            {},
        )
        for model in home.retiring
        if model.retires is not None
    ]
    found += [_result(s) for s in home.to_read]
    found += [_ratings(w) for w in waiting_ratings(store())]
    return found + [_draft(s) for s in home.drafts]


def show_needs(home: HomeView) -> None:
    """A grid of cards, one button each."""
    found = needs(home)
    st.subheader("Needs you", anchor=False)
    if not found:
        st.caption("Nothing waits for you.")
        return
    with st.grid(3, min_column_width=280):
        for number, need in enumerate(found[:MOST_CARDS]):
            with st.container(border=True, height="stretch", gap="small", key=f"need_{number}"):
                st.markdown(f"{need.icon} **{plain(need.title)}**")
                show(element("div", need.sentence, cls="bk-small"))
                st.space("stretch")
                st.page_link(
                    need.page, label=need.action, icon=":material/arrow_forward:", query_params=need.parameters
                )
    if len(found) > MOST_CARDS:
        st.page_link("design_experiment.py", label=f"{len(found) - MOST_CARDS} more", icon=":material/more_horiz:")


def show_running(running: Sequence[ExperimentSummary]) -> None:
    """Tests under way, with a bar each that moves by itself."""
    if running:
        st.subheader("Running", anchor=False)
        _following()(tuple((s.id, s.name) for s in running[:MOST_CARDS]))


def show_live_tests(tests: Sequence[LiveTestView]) -> None:
    """Live tests that meet traffic now, or that something paused."""
    going = [test for test in tests if test.state != LiveState.STOPPED]
    if going:
        st.subheader("Live", anchor=False)
        show_live_list(going[:MOST_CARDS])


def _following() -> Callable[[tuple[tuple[str, str], ...]], None]:
    follow: Callable[[tuple[tuple[str, str], ...]], None] = st.fragment(_follow, run_every=EVERY_S)
    return follow


def _follow(running: tuple[tuple[str, str], ...]) -> None:
    with show_errors():
        ended = False
        for experiment_id, name in running:
            progress = run_progress(store(), experiment_id)
            if progress is None or progress.ended:
                ended = True
                continue
            with st.container(border=True, gap="small"):
                st.page_link("read_results.py", label=f"**{plain(name)}**", query_params={"exp": name}, icon="")
                st.progress(progress.share, text=f"{progress_line(progress)} · {money(progress.spent_usd)}")
        if ended:
            st.rerun()


def show_decisions(decisions: Sequence[DecisionView]) -> None:
    """The last decisions, and whether they still stand."""
    st.subheader("Last decisions", anchor=False)
    if not decisions:
        st.caption("Nothing was promoted yet.")
        return
    for decision in decisions:
        where = decision.label.removeprefix(LIVE_TRAFFIC)
        stands = element("span", f"in {where}", cls="bk-pill bk-ok")
        gone = element("span", "not live any more", cls="bk-pill")
        words = f"{decision.variant} of {decision.experiment} → {decision.prompt}, version {decision.version}"
        facts = f"{decision.actor}, {ago(decision.at)}"
        line = element(
            "div",
            element("b", words),
            stands if decision.still_live else gone,
            *([element("span", "against the verdict", cls="bk-pill bk-bad")] if decision.against_verdict else []),
            element("span", facts, cls="bk-muted bk-small"),
            cls="bk-chips",
        )
        why = element("div", decision.reason or decision.headline, cls="bk-muted bk-small")
        show(joined(line, why))


def show_spend(home: HomeView) -> None:
    """This month's money against its budget."""
    st.subheader("Spent this month", anchor=False)
    with st.container(border=True, gap="small"):
        if home.budget_usd is None:
            st.metric("Spent", money(home.spent_usd), label_visibility="collapsed")
            st.caption("Simulated answers cost nothing.")
            st.page_link("change_settings.py", label="Set a budget", icon=":material/savings:")
        else:
            share = min(1.0, home.spent_usd / home.budget_usd) if home.budget_usd else 1.0
            st.metric("Spent", money(home.spent_usd), label_visibility="collapsed")
            st.progress(share, text=f"of {money(home.budget_usd)}")
            st.caption("Runs, judges, tries, silent answers and live calls count, and all stop when it is spent.")


def _stopped(s: ExperimentSummary) -> Need:
    words = "It was paused." if s.run_state == "paused" else "A guard stopped it; what is finished is kept."
    return Need(":orange[:material/pause_circle:]", s.name, words, "Look at it", "read_results.py", {"exp": s.name})


def _result(s: ExperimentSummary) -> Need:
    words = s.headline or f"{count(s.rows, 'row')} are answered."
    return Need(":blue[:material/query_stats:]", s.name, words, "Read the result", "read_results.py", {"exp": s.name})


def _draft(s: ExperimentSummary) -> Need:
    return Need(
        ":gray[:material/edit:]", s.name, "Planned, not started.", "Start it", "read_results.py", {"exp": s.name}
    )


def _ratings(w: WaitingRatings) -> Need:
    words = f"{count(w.items_left, 'item')} waiting for raters, {minutes_words(w.minutes)} of work. {w.question}"
    return Need(
        ":blue[:material/how_to_vote:]",
        w.experiment,
        words,
        "See the raters",
        "collect_ratings.py",
        {"session": w.session_id},
    )
