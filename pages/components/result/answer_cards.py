"""One row of the test set: what went in, and every variant's answer beside the control's."""

from __future__ import annotations

import json
from collections.abc import Mapping

import streamlit as st

from experiments.views.results.answers import AnswerView, RowAnswers
from experiments.views.runs.experiments import ArmView
from experiments.wording import amount, count, metric_name
from pages.components.inert import Html, cut, element, joined
from pages.components.numbers import score_text, seconds_words
from pages.components.show_output import diff_markup, show, show_record
from pages.components.variants import chip
from pages.components.words import answer_words, failure_words

LONG_CHARACTERS = 900
CARD_PX = 340


def show_row(row: RowAnswers, *, control: ArmView, treatment: ArmView, repetition: int, differences: bool) -> None:
    """The inputs, the reference, and the two answers side by side."""
    answers = {a.variant_id: a for a in row.answers if a.repetition == repetition}
    with st.container(border=True, gap="small"):
        asked = dict(row.inputs)
        if row.reference is not None:
            asked["expected answer"] = row.reference
        show_record(asked)
    first, second = answers.get(control.id), answers.get(treatment.id)
    texts = (_text(first), _text(second))
    long = max(len(t) for t in texts) > LONG_CHARACTERS
    for column, arm, answer, side in zip(
        st.columns(2, gap="small"), (control, treatment), (first, second), ("before", "after"), strict=True
    ):
        with column.container(border=True, height=CARD_PX if long else "stretch", gap="small"):
            body = diff_markup(*texts, side=side) if differences and all(texts) else None
            _show_answer(arm, answer, body)


def repetitions(row: RowAnswers) -> list[int]:
    """The repetitions that any variant has."""
    return sorted({a.repetition for a in row.answers}) or [0]


def _show_answer(arm: ArmView, answer: AnswerView | None, body: Html | None) -> None:
    show(element("div", chip(arm.letter, arm.name), _marks(answer), cls="bk-chips"))
    if answer is None:
        show(element("div", "No answer yet.", cls="bk-muted"))
        return
    if not answer.ok:
        message = f"No answer: {failure_words(answer.error_kind)}. {answer.error_message or ''}"
        show(element("div", cut(message, 2000), cls="bk-text bk-worse", style="white-space:pre-wrap;font-weight:400"))
        return
    text = _text(answer)
    show(element("div", body if body is not None else joined(cut(text, 20_000)), cls="bk-text") if text else _empty())
    _show_scores(answer.scores)


def _marks(answer: AnswerView | None) -> Html | None:
    if answer is None or not answer.ok:
        return None
    facts = []
    if answer.completion_tokens is not None:
        facts.append(count(answer.completion_tokens, "token"))
    if answer.latency_ms is not None:
        facts.append(seconds_words(answer.latency_ms / 1000))
    if answer.cost_usd is not None:
        facts.append(amount(answer.cost_usd, "usd"))
    if answer.cached:
        facts.append("from an earlier answer")
    if answer.sanitised:
        facts.append("some signs replaced")
    odd = answer_words(answer.response_class)
    mark = element("span", odd, cls="bk-pill bk-bad") if odd else None
    return element("span", joined(mark, element("span", " · ".join(facts), cls="bk-muted bk-small")), cls="bk-chips")


def _show_scores(scores: Mapping[str, tuple[float | None, str | None]]) -> None:
    if not scores:
        return
    rows = [
        element(
            "tr",
            element("th", cut(metric_name(metric, beside=scores), 60)),
            element(
                "td", element("b", score_text(value)), " ", element("span", cut(reason or "", 200), cls="bk-muted")
            ),
        )
        for metric, (value, reason) in scores.items()
    ]
    show(element("table", element("tbody", *rows), cls="bk-facts bk-small"))


def _text(answer: AnswerView | None) -> str:
    """What the model said: its text, else its tool calls."""
    if answer is None or not answer.ok:
        return ""
    if answer.text.strip() or not answer.tool_calls:
        return answer.text
    return "\n".join(json.dumps(call, indent=1, ensure_ascii=False) for call in answer.tool_calls)


def _empty() -> Html:
    return element("div", "(an empty answer)", cls="bk-muted")
