"""A new rating session: the question, which rows, how many people, and how the raters are checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from experiments.ratings.questions import DEFAULT_METRIC, DEFAULT_QUESTION
from experiments.views.runs.experiments import ExperimentView
from experiments.vocabulary import QuestionKind
from pages.components.words import names_of

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    QuestionKind.PAIRWISE: "Which of two is better",
    QuestionKind.SCALE: "How good, one to five",
    QuestionKind.THUMBS: "Good or not",
    QuestionKind.CATEGORIES: "Which category",
}
ROWS = {
    "all": "All rows",
    "random": "Some at random",
    "stratified": "Some of each slice",
    "disagreement": "More where the variants disagree",
}
LEAKS = {"drop": "are left out", "mask": "are shown with the name covered", "keep": "are shown as they are"}
REASONS = ("Wrong fact", "Misses the question", "Too long", "Too short", "Wrong tone")
ANCHORS = {"1": "Useless", "3": "Usable with changes", "5": "Could be sent as it is"}


def describe_session(view: ExperimentView, columns: Sequence[str]) -> dict[str, Any]:
    """The session as its file would have it; ``columns`` are those of the rows that raters could be shown."""
    kinds = list(KINDS)
    kind = st.segmented_control(
        "Raters are asked",
        kinds if len(view.arms) > 1 else kinds[1:],
        default=kinds[0] if len(view.arms) > 1 else kinds[1],
        required=True,
        format_func=KINDS.__getitem__,
        key="rate_kind",
        persist_state="session",
    )
    kind = QuestionKind(kind or QuestionKind.SCALE)
    given: dict[str, Any] = {"kind": kind.value}
    given["question"] = st.text_input(
        "The question", key=f"rate_question_{kind}", max_chars=400, placeholder=DEFAULT_QUESTION[kind]
    )
    given |= _answers(kind)
    given["instructions"] = st.text_area(
        "What counts (raters read it first, and on H)",
        key="rate_instructions",
        persist_state="session",
        placeholder="Prefer the answer that names the next step. Ignore small typing errors.",
        height=110,
        max_chars=20_000,
    )
    given["examples"] = _examples(kind)
    given["reasons"] = st.multiselect(
        "Reasons that can be ticked", REASONS, key="rate_reasons", accept_new_options=True, max_selections=12
    )
    st.subheader("Which answers", anchor=False)
    given["rows"] = _rows(view)
    if kind is QuestionKind.PAIRWISE and len(view.arms) > 2:
        given["pairs"] = st.segmented_control(
            "Pairs of",
            ["all", "control"],
            default="all",
            required=True,
            key="rate_pairs",
            format_func={"all": "every two variants", "control": f"each with {view.arms[0].letter}"}.__getitem__,
        )
    given |= _shown(columns, has_reference=bool(view.spec.reference))
    st.subheader("How many people", anchor=False)
    given |= _people()
    given |= _checks(kind, view)
    return {name: value for name, value in given.items() if value not in ("", None, [], {})}


def _answers(kind: QuestionKind) -> dict[str, Any]:
    """The written anchors of a scale, or the categories with what each counts."""
    if kind is QuestionKind.SCALE:
        places = st.columns(5)
        words = {
            key: place.text_input(key, value=ANCHORS.get(key, ""), key=f"rate_anchor_{key}", max_chars=120)
            for key, place in zip("12345", places, strict=True)
        }
        return {"anchors": {key: word for key, word in words.items() if word}}
    if kind is QuestionKind.CATEGORIES:
        import pandas as pd

        start = pd.DataFrame({"value": ["helpful", "vague", "wrong"], "label": ["", "", ""], "score": [1.0, 0.5, 0.0]})
        edited = st.data_editor(
            start,
            num_rows="dynamic",
            hide_index=True,
            key="rate_categories",
            column_config={
                "value": st.column_config.TextColumn("Category (letters, digits, - and _)", required=True),
                "label": st.column_config.TextColumn("As raters read it"),
                "score": st.column_config.NumberColumn("Counts", required=True, help="Higher is better."),
            },
        )
        return {"categories": _filled(edited, needs=("value", "score"))}
    return {}


def _examples(kind: QuestionKind) -> list[dict[str, Any]]:
    sides = ["left", "right"] if kind is QuestionKind.PAIRWISE else ["text"]
    names = {
        "prompt_text": "Input",
        "left": "Left",
        "right": "Right",
        "text": "Answer",
        "answer": "Rate it",
        "why": "Why",
    }
    columns = ["prompt_text", *sides, "answer", "why"]
    with st.expander("Worked examples in the instructions", icon=":material/school:", key="rate_examples_panel"):
        edited = st.data_editor(
            _empty(columns),
            num_rows="dynamic",
            hide_index=True,
            key=f"rate_examples_{sides[0]}",
            column_config={column: st.column_config.TextColumn(names[column]) for column in columns},
        )
    return _filled(edited, needs=("answer",))


def _rows(view: ExperimentView) -> dict[str, Any]:
    picks = [pick for pick in ROWS if pick != "stratified" or view.slices]
    picks = [pick for pick in picks if pick != "disagreement" or len(view.arms) > 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pick = st.selectbox("Rows", picks, format_func=ROWS.__getitem__, key="rate_pick", width=280)
        if pick == "all":
            return {"pick": "all"}
        rows: dict[str, Any] = {"pick": pick}
        rows["count"] = int(st.number_input("How many", 1, 100_000, value=50, step=10, key="rate_count", width=130))
        if pick == "stratified":
            rows["by"] = st.selectbox("Slices of", view.slices, key="rate_by", width=200)
        if pick == "disagreement":
            none = "their texts"
            by = st.selectbox(
                "Differ in",
                [none, *view.scorer_versions],
                format_func=names_of([none, *view.scorer_versions]),
                key="rate_metric",
                width=200,
            )
            rows["metric"] = None if by == none else by
    if pick == "disagreement":
        st.caption("Four of five rows come from where the variants differ; each row keeps its probability.")
    return rows


def _shown(columns: Sequence[str], *, has_reference: bool) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show = st.multiselect(
            "Shown above the answers", columns, key="rate_show", placeholder="what fills the prompt", width=320
        )
        leaks = st.selectbox(
            "Answers that name a model or a variant",
            list(LEAKS),
            format_func=LEAKS.__getitem__,
            key="rate_leaks",
            width=280,
        )
        given: dict[str, Any] = {"show": show or None, "leaks": leaks}
        if has_reference:
            given["show_reference"] = st.checkbox("Show the expected answer", key="rate_reference")
    return given


def _people() -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        overlap = st.number_input(
            "Raters per item",
            1,
            20,
            value=2,
            key="rate_overlap",
            width=150,
            help="Two or more show how far people agree.",
        )
        share = 100
        if overlap > 1:
            share = st.number_input("for % of the rows", 0, 100, value=100, step=10, key="rate_share", width=150)
        raters = st.number_input("Raters at most", 1, 500, value=10, key="rate_raters", width=150)
        quota = st.number_input(
            "Items per rater", 1, 5000, value=None, key="rate_quota", width=150, placeholder="no limit"
        )
        days = st.number_input("Link is good for (days)", 1, 365, value=14, key="rate_days", width=180)
    ask = st.checkbox("Ask raters for a name", key="rate_ask_name", help="Only you see it. They may leave it empty.")
    return {
        "overlap": int(overlap),
        "overlap_share": share / 100,
        "raters": int(raters),
        "quota": None if quota is None else int(quota),
        "link_days": int(days),
        "ask_name": ask,
    }


def _checks(kind: QuestionKind, view: ExperimentView) -> dict[str, Any]:
    """Gold items, hidden repeats, and the rule by which a rater's votes leave the result."""
    with st.expander(
        "Checks on the raters, fixed before anybody rates", icon=":material/fact_check:", key="rate_checks_panel"
    ):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            repeats = st.number_input(
                "Hidden repeats", 0, 20, value=2, key="rate_repeats", width=150, help="Items each rater meets twice."
            )
            metric = st.text_input(
                "Name of the measure", key="rate_measure", placeholder=DEFAULT_METRIC[kind], max_chars=80, width=220
            )
        gold = _gold(kind, view)
        st.markdown("**A rater's votes leave the result when** (empty: never for this reason)")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            below = _per_cent("gold items right, below %", 60, "rate_gold_below")
            repeated = _per_cent("repeats the same, below %", None, "rate_repeats_below")
            same = _per_cent("the same key, above %", None, "rate_same_above")
            faster = st.number_input(
                "typical item faster than (s)",
                0.0,
                600.0,
                value=None,
                step=0.5,
                key="rate_faster",
                width=210,
                format="%g",
            )
    exclusion = {"gold_below": below, "repeats_below": repeated, "same_answer_above": same, "faster_than_s": faster}
    return {"repeats": int(repeats), "metric": metric, "gold": gold, "exclusion": exclusion}


def _gold(kind: QuestionKind, view: ExperimentView) -> list[dict[str, Any]]:
    pair = kind is QuestionKind.PAIRWISE
    names = [arm.name for arm in view.arms]
    columns: dict[str, Any] = {"unit": st.column_config.TextColumn("Row (its id)", required=True)}
    if pair:
        answers = [*names, "both_good", "both_bad"]
        columns["answer"] = st.column_config.SelectboxColumn("Better is", options=answers, required=True)
    else:
        columns["variant"] = st.column_config.SelectboxColumn("Answer of", options=names, required=True)
        columns["answer"] = st.column_config.TextColumn("Right rating", required=True)
    st.markdown("**Gold items**: rows whose right answer is known")
    edited = st.data_editor(
        _empty(columns),
        num_rows="dynamic",
        hide_index=True,
        key=f"rate_gold_{'pair' if pair else 'single'}",
        column_config=columns,
    )
    return _filled(edited, needs=tuple(columns))


def _per_cent(label: str, value: int | None, key: str) -> float | None:
    chosen = st.number_input(label, 0, 100, value=value, step=5, key=key, width=210)
    return None if chosen is None else chosen / 100


def _empty(columns: Iterable[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({column: pd.Series(dtype=str) for column in columns})


def _filled(table: pd.DataFrame, *, needs: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of an editor in which every needed cell is filled, without their empty cells."""
    rows: list[Mapping[str, Any]] = [
        {str(name): value for name, value in row.items() if _is_filled(value)} for row in table.to_dict("records")
    ]
    return [dict(row) for row in rows if all(name in row for name in needs)]


def _is_filled(value: object) -> bool:
    return value not in (None, "") and not (isinstance(value, float) and math.isnan(value))
