"""The installation itself: database, workers, versions, the log of changes, the sample project."""

from __future__ import annotations

import streamlit as st

from experiments.actions.sample.remove_sample import remove_sample
from experiments.views.installation.installation import InstallationView, installation_view, newest_events, verify_audit
from experiments.views.installation.sample import sample_names
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.numbers import ago, moment
from pages.components.session import actor, settings, store
from pages.components.show_output import plain, show_values
from pages.components.tables import show_table


def show_installation() -> None:
    """Everything for the people who keep this running."""
    view = installation_view(store())
    if view.sqlite_has_wal_bug:
        st.warning(
            "This SQLite has a rare fault with several writers. One server and its worker are safe; for more, "
            "use PostgreSQL.",
            icon=":material/database:",
        )
    if not view.workers:
        st.warning("No worker is running: nothing is called. Start one with `bakeoff worker`.", icon=":material/info:")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Now", anchor=False)
        show_values(_state(view))
    with right:
        st.subheader("Versions", anchor=False)
        show_values(view.versions)
    _log()
    _sample()


def _state(view: InstallationView) -> dict[str, str]:
    workers = [f"{w.host}, process {w.process}, seen {ago(w.heartbeat_at, view.now)}" for w in view.workers]
    chosen = settings()
    return {
        "Database": view.database,
        "Schema": "up to date" if view.schema_is_current else "older than the program: run bakeoff db upgrade",
        "Workers": "; ".join(workers) or "none",
        "Address": f"{chosen.host}:{chosen.port}" + ("" if chosen.is_local() else ", open to others"),
        "Login": "none" if chosen.insecure_no_login or chosen.is_local() else "asked",
        "Price list": f"{view.prices_source}, {view.prices_made_on:%d %b %Y}",
    }


def _log() -> None:
    st.subheader("Log of changes", anchor=False)
    events = newest_events(store(), limit=12)
    rows = [[moment(e.at), e.action.replace("_", " "), e.subject, e.actor] for e in events]
    show_table(["When", "What", "On", "Who"], rows, left=(1, 2, 3), wide=(3,))
    if st.button("Verify the whole log", icon=":material/verified:", key="verify_audit"):
        with show_errors():
            report = verify_audit(store())
            if report.broken_at is None:
                st.success(
                    f"{count(report.events, 'event')}, none changed. Head {report.head[:16]}…",
                    icon=":material/verified:",
                )
            else:
                st.error(plain(" ".join(fault.message for fault in report.faults[:5])), icon=":material/gpp_bad:")


def _sample() -> None:
    names = sample_names(store())
    if names is None:
        return
    st.subheader("Sample project", anchor=False)
    what = ", ".join((*names.prompts, *names.datasets, *names.experiments))
    st.caption(f"To try things on: {plain(what)}.")
    if st.button("Remove the sample project", icon=":material/delete:", key="remove_sample"):
        with show_errors():
            remove_sample(store(), actor=actor())
            st.rerun()
