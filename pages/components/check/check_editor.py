"""A quality check being written: rubric, kind of verdict, model, and the examples that it is shown."""

from __future__ import annotations

from typing import Any

import streamlit as st

from experiments.errors import BakeoffError
from experiments.experiment_file import ScorerEntry
from experiments.judges import JUDGE, JudgeSpec, bind_judge
from experiments.judges.suggestions import Suggestion
from pages.components.errors import show_problem
from pages.components.inert import cut, element
from pages.components.pickers import pick_model
from pages.components.session import model_problem
from pages.components.show_output import show

PASS, GRADES, PAIRS = "Pass or fail", "Grades", "Which is better"
KINDS = (PASS, GRADES, PAIRS)
EXAMPLES = "check_examples"
_PLACEHOLDER = "Passes when the reply answers the question and names the next step.\nFails when it promises something."


def start_with(spec: JudgeSpec | None) -> None:
    """Fill the editor; call it before it is drawn, or in a callback."""
    state = st.session_state
    state["check_rubric"] = spec.rubric if spec else ""
    state["check_kind"] = PASS
    if spec is not None and spec.pairwise:
        state["check_kind"] = PAIRS
    if spec is not None and isinstance(spec.scale, dict):
        low, high = min(spec.scale), max(spec.scale)
        state["check_kind"] = GRADES
        state["check_high"] = high
        state["check_low_words"], state["check_high_words"] = spec.scale[low], spec.scale[high]
    if spec is not None:
        state["check_model"] = spec.jury[0]
        state["check_repeats"] = spec.repeats
    state["check_reference"] = bool(spec and spec.reference)
    state[EXAMPLES] = [e.model_dump(mode="json") for e in spec.examples] if spec else []


def draw(name: str, *, models: list[str]) -> ScorerEntry | None:
    """The editor; the entry it holds now, or None while it is empty or wrong (what is wrong is shown)."""
    state = st.session_state
    # Not as ``value=`` of the widgets: Streamlit warns where one has both a default and a value from a saved check.
    defaults = {"repeats": 1, "low_words": "useless", "high_words": "solves it", "high": 5}
    for part, value in defaults.items():
        state.setdefault(f"check_{part}", value)
    state.setdefault("check_model", next((m for m in models if m == "demo/judge"), models[0]))
    kind = st.segmented_control("A verdict is", KINDS, required=True, key="check_kind", persist_state="session")
    rubric = st.text_area(
        "What a good answer is", key="check_rubric", height=170, placeholder=_PLACEHOLDER, persist_state="session"
    )
    if kind == GRADES:
        low, high, most = st.columns([3, 3, 1])
        low.text_input("1 means", key="check_low_words", persist_state="session")
        high.text_input("The best means", key="check_high_words", persist_state="session")
        most.number_input("Best", 2, 10, key="check_high", persist_state="session")
    _draw_examples()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=260):
            pick_model("Model that judges", models, key="check_model")
        st.number_input("Ask each time", 1, 9, key="check_repeats", width=130, persist_state="session")
        st.toggle("Show the expected answer", key="check_reference", persist_state="session")
    if not (rubric or "").strip():
        return None
    return _entry(name, str(kind))


def accept(suggestion: Suggestion) -> None:
    """Callback: a suggestion becomes part of what is being written; nothing is saved."""
    state = st.session_state
    if suggestion.kind == "rubric":
        state["check_rubric"] = f"{(state.get('check_rubric') or '').rstrip()}\n{suggestion.text}".strip()
    elif suggestion.kind == "example" and suggestion.entry is not None:
        state[EXAMPLES] = [*state.get(EXAMPLES, []), suggestion.entry]


def _draw_examples() -> None:
    examples = st.session_state.get(EXAMPLES, [])
    for number, example in enumerate(examples):
        with st.container(horizontal=True, vertical_alignment="center"):
            pill = "bk-pill bk-ok" if example["verdict"] == "pass" else "bk-pill bk-bad"
            show(
                element(
                    "div",
                    element("span", f"shown as a {example['verdict']}", cls=pill),
                    element("span", cut(example["answer"], 110), cls="bk-muted bk-small"),
                    cls="bk-chips",
                )
            )
            st.button("Take out", key=f"check_example_{number}", type="tertiary", on_click=_drop, args=(number,))


def _drop(number: int) -> None:
    examples = st.session_state.get(EXAMPLES, [])
    st.session_state[EXAMPLES] = [e for i, e in enumerate(examples) if i != number]


def _entry(name: str, kind: str) -> ScorerEntry | None:
    state = st.session_state
    options: dict[str, Any] = {
        "name": name,
        "model": state["check_model"],
        "rubric": state["check_rubric"],
        "repeats": int(state.get("check_repeats") or 1),
        "reference": bool(state.get("check_reference")),
    }
    if kind == GRADES:
        words = {
            1: state.get("check_low_words") or "",
            int(state.get("check_high") or 5): state.get("check_high_words") or "",
        }
        options["scale"] = words
    elif kind == PAIRS:
        options["pairwise"] = True
    if kind == PASS and state.get(EXAMPLES):
        options["examples"] = state[EXAMPLES]
    entry: ScorerEntry = {JUDGE: options}
    try:
        bind_judge(entry)
    except BakeoffError as problem:
        show_problem(problem)
        return None
    problem_of_model = model_problem(str(options["model"]))
    if problem_of_model is not None:
        show_problem(problem_of_model)
    return entry
