"""Both prompts on one real row: which row, what is missing, the filled-in texts, and what the models answer."""

from __future__ import annotations

import json
from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from experiments.actions.trying.try_prompts import try_prompts
from experiments.datasets.matching import Matching, match_columns
from experiments.prompts.content import PromptContent
from experiments.views.datasets.datasets import dataset_rows, get_dataset, list_datasets
from experiments.views.installation.operation import workers_alive
from experiments.views.trying.previews import TryView, try_results
from experiments.vocabulary import is_simulated
from experiments.wording import amount, count
from pages.components.errors import show_errors
from pages.components.home.first_steps import tick
from pages.components.inert import element, joined
from pages.components.numbers import seconds_words
from pages.components.result.header import simulated_badge
from pages.components.session import actor, store
from pages.components.show_output import show, show_filled, show_text
from pages.components.variants import chip
from pages.components.words import answer_words, failure_words

TYPED = "typed values"
POLL_S = 0.4

Values = dict[str, str | None]


def pick_values(contents: Mapping[str, PromptContent], bar: DeltaGenerator) -> Values:
    """The values of all variables: from a row of a test set where there is one, the rest typed in.

    The two pickers go into ``bar``, where the buttons follow.
    """
    variables = list(dict.fromkeys(name for content in contents.values() for name in content.variables()))
    sets = [name for name, *_ in list_datasets(store())]
    cells: Mapping[str, str | None] = {}
    with bar:
        chosen = TYPED
        if sets:
            chosen = st.selectbox("Try on", [*sets, TYPED], key="try_on", bind="query-params", width=240)
        if chosen != TYPED:
            view = get_dataset(store(), chosen)
            number = st.number_input("Row", 1, view.rows, key="try_row", bind="query-params", width=130)
            found = dataset_rows(store(), view.version_id, first=min(int(number), view.rows), limit=1)
            cells = found[0].cells if found else {}
    matching = match_columns(variables, list(cells))
    _show_chips(matching)
    values: Values = {m.variable: cells.get(m.column) if m.column else None for m in matching.matches}
    missing = [name for name in variables if values[name] is None]
    if missing:
        for column, name in zip(st.columns(min(3, len(missing))) * len(missing), missing, strict=False):
            typed = column.text_area(f"{{{{{name}}}}}", key=f"try_value_{name}", height=80, persist_state="session")
            values[name] = typed if typed else None
    return values


def run_both(contents: Mapping[str, PromptContent], values: Values, bar: DeltaGenerator) -> None:
    """The button with its key, and what came back of the newest try."""
    label = "Run both" if len(contents) > 1 else "Run it"
    with bar:
        if st.button(
            label,
            type="primary",
            shortcut="Mod+Enter",
            icon=":material/play_arrow:",
            key="run_both",
            disabled=not contents,
        ):
            with show_errors():
                batch = try_prompts(store(), contents, values, actor=actor())
                st.session_state["try_batch"] = batch
                st.session_state["try_of"] = {letter: content.hash() for letter, content in contents.items()}
                tick("try_prompt")
        if any(is_simulated(content.model) for content in contents.values()):
            simulated_badge()
    answers = st.container()  # there from the start: what follows keeps its place when answers come
    batch = st.session_state.get("try_batch")
    if batch:
        waiting = not _all_ended(try_results(store(), batch))
        stale = {letter: content.hash() for letter, content in contents.items()} != st.session_state.get("try_of")
        with answers:
            st.fragment(_show_answers, run_every=POLL_S if waiting else None)(batch, waiting=waiting, stale=stale)


def show_filled_in(contents: Mapping[str, PromptContent], values: Values) -> None:
    """The prompts as they are sent, values tinted."""
    for column, (letter, content) in zip(st.columns(len(contents), gap="medium"), contents.items(), strict=True):
        with column.container(border=True, height=220):
            show(element("div", chip(letter, letter), cls="bk-chips"))
            show_filled(content.as_text(), values)


def _show_chips(matching: Matching) -> None:
    if not matching.matches:
        show_text("No variables yet. Write {{name}} where something of the row goes in.", muted=True)
        return
    chips = []
    for match in matching.matches:
        words = f"{{{{{match.variable}}}}}"
        if match.column is None:
            chips.append(element("span", f"✗ {words} has no column", cls="bk-pill bk-bad"))
        else:
            same = match.column == match.variable
            chips.append(element("span", f"✓ {words}" + ("" if same else f" ← {match.column}"), cls="bk-pill bk-ok"))
    show(element("div", *chips, cls="bk-chips"))


def _show_answers(batch: str, *, waiting: bool, stale: bool) -> None:
    with show_errors():
        answers = try_results(store(), batch)
        if waiting and _all_ended(answers):
            st.rerun()
        if stale:
            st.caption("The prompts were changed since this try.")
        for column, (letter, answer) in zip(
            st.columns(max(1, len(answers)), gap="medium"), answers.items(), strict=True
        ):
            with column.container(border=True, height="stretch"):
                _show_answer(letter, answer)
        if waiting and workers_alive(store()) == 0:
            st.warning(
                "No worker is running, so nothing is answered. Start one with `bakeoff worker`.", icon=":material/info:"
            )


def _show_answer(letter: str, answer: TryView) -> None:
    show(element("div", chip(letter, letter), element("span", _facts(answer), cls="bk-muted bk-small"), cls="bk-chips"))
    if not answer.ended:
        st.markdown(":shimmer[Waiting for the answer …]")
    elif answer.state == "failed":
        message = f"No answer: {failure_words(answer.error_kind)}. {answer.error_message or ''}"
        show(element("div", message, cls="bk-text bk-worse", style="white-space:pre-wrap;font-weight:400"))
    else:
        odd = answer_words(answer.response_class)
        if odd:
            show(joined(element("span", odd, cls="bk-pill bk-bad")))
        text = answer.text
        if not text.strip() and answer.tool_calls:
            text = "\n".join(json.dumps(call, indent=1, ensure_ascii=False) for call in answer.tool_calls)
        show_text(text or "(an empty answer)", muted=not text)


def _facts(answer: TryView) -> str:
    facts = [answer.model]
    if answer.prompt_tokens is not None:
        facts.append(f"{answer.prompt_tokens:,} in")
    if answer.completion_tokens is not None:
        facts.append(f"{count(answer.completion_tokens, 'token')} out")
    if answer.latency_ms is not None:
        facts.append(seconds_words(answer.latency_ms / 1000))
    if answer.cost_usd is not None:
        facts.append(amount(answer.cost_usd, "usd"))
    return " · ".join(facts)


def _all_ended(answers: Mapping[str, TryView]) -> bool:
    return all(answer.ended for answer in answers.values())
