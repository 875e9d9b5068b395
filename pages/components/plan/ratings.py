"""Measures of a plan that people will give: named before anybody rates, so that the plan can decide by them."""

from __future__ import annotations

import streamlit as st

from experiments.experiment_file import RatingMetric
from experiments.ratings.questions import DEFAULT_METRIC, DEFAULT_QUESTION
from experiments.vocabulary import QuestionKind

KINDS = (QuestionKind.PAIRWISE, QuestionKind.SCALE, QuestionKind.THUMBS)


def choose_ratings() -> list[RatingMetric]:
    """What people will be asked; empty when nobody is."""
    chosen = st.pills(
        "People will be asked",
        KINDS,
        selection_mode="multi",
        format_func=DEFAULT_QUESTION.__getitem__,
        key="plan_ratings",
        persist_state="session",
        help="After the run, open a rating session with this question on “Rate answers”.",
    )
    return [RatingMetric(metric=DEFAULT_METRIC[kind], kind=QuestionKind(kind)) for kind in chosen]
