"""Opening a rating session: the form, what it asks of people, the button, and the link that is shown once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.actions.rating.open_rating import NewLink, open_session
from experiments.errors import BakeoffError
from experiments.ratings.session_file import SessionSpec, session_from
from experiments.views.datasets.datasets import get_dataset
from experiments.views.rating.sessions import SessionPreview, preview_session
from experiments.views.runs.experiments import get_experiment, list_experiments
from experiments.wording import count, metric_name
from pages.components.empty import show_empty
from pages.components.errors import show_errors, show_problem
from pages.components.numbers import day, minutes_words, seconds_words
from pages.components.rate.form import describe_session
from pages.components.result.header import show_arms
from pages.components.session import actor, store
from pages.components.show_output import plain, show_lines, show_values
from pages.components.snippets import own_address


def open_form() -> None:
    """Everything from the experiment to the open session."""
    names = [s.name for s in list_experiments(store()) if s.run_state is not None]
    if not names:
        show_empty(
            "First, some answers",
            "Run an experiment or import answers; then people can rate them.",
            "Experiments",
            "design_experiment.py",
        )
        return
    form, panel = st.columns([2, 1], gap="large")
    with form:
        wanted = st.query_params.get("exp")
        name = st.selectbox(
            "Answers of", names, index=names.index(wanted) if wanted in names else 0, key="rate_experiment"
        )
        view = get_experiment(store(), name)
        show_arms(view.arms)
        given = describe_session(view, get_dataset(store(), view.dataset).columns if view.dataset else ())
    with panel, st.container(border=True, key="price_panel"):
        st.markdown("**What it asks of people**")
        spec, preview = _preview(name, given)
        if preview is not None:
            _show_preview(preview)
        with show_errors():
            pressed = st.button(
                "Open the session",
                type="primary",
                icon=":material/how_to_vote:",
                width="stretch",
                key="rate_open",
                disabled=preview is None,
            )
            if pressed and spec is not None:
                opened = open_session(store(), name, spec, actor=actor())
                st.session_state["new_rating_link"] = opened.link
                st.query_params["session"] = opened.session_id
                st.rerun()
        st.caption("From then on nothing about it changes.")
    if preview is not None:
        with form, st.expander("The same as a file, for the terminal", icon=":material/code:", key="rate_file"):
            st.code(_as_yaml(given), language="yaml")
            st.code(f"bakeoff rate open '{name}' --file session.yaml", language="bash")


def _preview(name: str, given: Mapping[str, Any]) -> tuple[SessionSpec | None, SessionPreview | None]:
    try:
        spec = session_from(dict(given))
        return spec, preview_session(store(), name, spec)
    except BakeoffError as problem:
        show_problem(problem)
        return None, None


def _show_preview(preview: SessionPreview) -> None:
    checks = f", and {count(preview.checks, 'check')}" if preview.checks else ""
    show_values(
        {
            "Items": f"{preview.items:,}",
            "Ratings": f"{preview.ratings:,}{checks}",
            "Raters needed": f"{preview.raters_needed:,}",
            "One item": f"about {seconds_words(preview.seconds_per_item)}, {preview.words_per_item:.0f} words",
            "Each rater": minutes_words(preview.minutes_per_rater),
            "All together": minutes_words(preview.minutes_total),
            "Becomes": metric_name(preview.metric),
        }
    )
    if preview.sentences:
        show_lines(preview.sentences)


def show_new_link(session_id: str) -> None:
    """The link right after it was made; it is never shown again."""
    made: NewLink | None = st.session_state.get("new_rating_link")
    if made is None or made.session_id != session_id:
        return
    with st.container(border=True, key="new_rating_link_box"):
        st.markdown(":green[:material/check_circle:] **The raters' link.** Copy it now; it is shown once.")
        st.code(own_address() + made.path, language=None, wrap_lines=True)
        st.caption(
            f"Good for {count(made.most_raters, 'rater')} until {plain(day(made.expires_at))}. "
            "Raters need no account. Try it in a private window."
        )
        if st.button("I have copied it", icon=":material/done:", key="rate_link_done"):
            del st.session_state["new_rating_link"]
            st.rerun()


def _as_yaml(given: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True, width=100)
    return text
