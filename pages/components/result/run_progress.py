"""A run as it goes: done of total, money, failures by kind, time left; pause, go on, stop, retry."""

from __future__ import annotations

import streamlit as st

from experiments.actions.runs.control_run import cancel_run, pause_run, resume_run, retry_failed
from experiments.views.installation.operation import workers_alive
from experiments.views.runs.progress import RunProgress, RunStamp, run_progress, run_stamp
from experiments.vocabulary import RunState
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.inert import element
from pages.components.numbers import money, seconds_words
from pages.components.session import actor, store
from pages.components.show_output import plain, show
from pages.components.words import failure_words

EVERY_S = 1.5
_WAITING = {
    RunState.QUEUED: "Waiting for a worker",
    RunState.RUNNING: "Running",
    RunState.PAUSED: "Paused",
    RunState.STOPPED: "Stopped",
    RunState.CANCELLED: "Cancelled",
    RunState.FINISHED: "Finished",
}


def present_progress(experiment_id: str) -> RunProgress | None:
    """The progress of an experiment's run; that of an ended one is counted once and kept."""
    stamp = run_stamp(store(), experiment_id)
    if stamp is None:
        return None
    return _kept_progress(experiment_id, stamp) if stamp.ended else run_progress(store(), experiment_id)


@st.cache_data(max_entries=200, show_spinner=False)
def _kept_progress(experiment_id: str, stamp: RunStamp) -> RunProgress | None:
    del stamp
    return run_progress(store(), experiment_id)


@st.fragment(run_every=EVERY_S)
def follow_run(name: str, experiment_id: str) -> None:
    """Redraws itself from the database while the run goes; the whole page follows when it has ended."""
    with show_errors():
        progress = run_progress(store(), experiment_id)
        if progress is None or progress.ended:
            st.rerun()
        else:
            show_progress(progress)
            _steer(name, progress)
            st.caption("You can close this tab; the run goes on.")


def show_progress(progress: RunProgress) -> None:
    """The bar, the figures, and what failed."""
    st.progress(progress.share, text=progress_line(progress))
    with st.container(horizontal=True, gap="large"):
        for label, value in _figures(progress).items():
            st.metric(label, value, width="content")
    if progress.state is RunState.QUEUED and workers_alive(store()) == 0:
        st.warning("No worker is running, so nothing starts. Start one with `bakeoff worker`.", icon=":material/info:")
    if progress.waits_for:
        st.warning(plain(f"{progress.waits_for}."), icon=":material/cloud_off:")
    failures = progress.failures()
    if failures:
        messages = dict(progress.failure_messages)
        items = [
            element(
                "li",
                f"{count(n, 'answer')}: {failure_words(kind)}. ",
                element("span", messages.get(kind, ""), cls="bk-muted"),
            )
            for kind, n in failures.items()
        ]
        show(element("ul", *items, cls="bk-list bk-small"))


def show_ended_run(name: str, progress: RunProgress) -> None:
    """What can be done about a run that was paused, was stopped, or left failures; nothing for a clean end."""
    if progress.state in (RunState.PAUSED, RunState.STOPPED):
        with st.container(border=True):
            reason = progress.reason.partition(": ")[2] or progress.reason
            if reason:
                st.warning(plain(reason), icon=":material/pause_circle:")
            show_progress(progress)
            _steer(name, progress)
    elif progress.failed:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            kinds = ", ".join(f"{n:,} {failure_words(kind)}" for kind, n in progress.failures().items())
            st.markdown(
                f"**{count(progress.failed, 'answer')} failed** ({plain(kinds)}). {progress.ok:,} are saved.",
                width="stretch",
            )
            _retry(name, progress.failed)


def _steer(name: str, progress: RunProgress) -> None:
    with st.container(horizontal=True):
        if not progress.ended:
            if st.button("Pause", icon=":material/pause:", key="pause_run"):
                with show_errors():
                    pause_run(store(), name, actor=actor(), reason="paused on the page")
                    st.rerun()
        elif progress.state in (RunState.PAUSED, RunState.STOPPED):
            if st.button("Go on with the run", icon=":material/play_arrow:", type="primary", key="resume_run"):
                with show_errors():
                    resume_run(store(), name, actor=actor())
                    st.rerun()
            if progress.failed:
                _retry(name, progress.failed)
        with st.popover("Stop, keep what we have", icon=":material/stop_circle:", key="stop_run_panel"):
            st.markdown(f"{count(progress.done, 'answer')} are kept. The run ends here and cannot go on.")
            if st.button("Stop the run", key="cancel_run"):
                with show_errors():
                    cancel_run(store(), name, actor=actor(), reason="stopped on the page")
                    st.rerun()


def _retry(name: str, failed: int) -> None:
    if st.button(f"Retry the {failed:,}", icon=":material/refresh:", key="retry_failed"):
        with show_errors():
            retry_failed(store(), name, actor=actor())
            st.rerun()


def progress_line(progress: RunProgress) -> str:
    """Done of total, where it stands, time left."""
    parts = [f"**{progress.done:,} of {progress.planned:,} answers**", _WAITING[progress.state]]
    if progress.seconds_left is not None:
        parts.append(f"about {seconds_words(max(1.0, progress.seconds_left))} left")
    if progress.cached:
        parts.append(f"{progress.cached:,} from earlier answers")
    return " · ".join(parts)


def _figures(progress: RunProgress) -> dict[str, str]:
    figures = {"Spent": money(progress.spent_usd)}
    if progress.projected_usd is not None:
        figures["Projected"] = money(progress.projected_usd)
    if progress.budget_usd is not None:
        figures["Stops at"] = money(progress.budget_usd)
    figures["Failed"] = f"{progress.failed:,}"
    if progress.unknown_calls:
        figures["Unknown cost"] = count(progress.unknown_calls, "call")
    return figures
