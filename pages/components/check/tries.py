"""A check on ten answers: what the judge says of each, beside what people said."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from experiments.actions.trying.try_check import try_check
from experiments.experiment_file import ScorerEntry
from experiments.views.installation.operation import workers_alive
from experiments.views.trying.checks import SampleAnswer, TriedVerdict, answers_to_try, check_try
from experiments.vocabulary import canonical_json
from experiments.wording import count
from pages.components.errors import show_errors
from pages.components.inert import Html, cut, element
from pages.components.numbers import score_text
from pages.components.session import actor, store
from pages.components.show_output import show
from pages.components.tables import show_table, two_lines

POLL_S = 0.5
MOST_SHOWN = 200
LIST_PX, FEW = 620, 3


def try_out(experiment: str, entry: ScorerEntry | None, *, rated_as: str) -> None:
    """The answers, the button, and the verdicts of the newest try."""
    answers = answers_to_try(store(), experiment, rated_as=rated_as)
    if not answers:
        st.caption("There are no answers to try it on.")
        return
    if st.button(
        f"Try it on {count(len(answers), 'answer')}",
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Mod+Enter",
        key="try_check",
        disabled=entry is None,
    ):
        with show_errors():
            assert entry is not None
            ids = [answer.output_id for answer in answers]
            batch = try_check(store(), experiment, entry, output_ids=ids, actor=actor())
            st.session_state["check_try"] = (experiment, batch, entry, answers)
    tried = st.session_state.get("check_try")
    if tried is None or tried[0] != experiment:
        _show([(answer, None) for answer in answers])
        return
    _, batch, tried_entry, tried_answers = tried
    stale = entry is not None and canonical_json(_text_keys(entry)) != canonical_json(_text_keys(tried_entry))
    waiting = not all(v.ended for v in check_try(store(), batch, tried_entry, answers=len(tried_answers)))
    st.fragment(_follow, run_every=POLL_S if waiting else None)(
        batch, tried_entry, tried_answers, waiting=waiting, stale=stale
    )


def _text_keys(entry: ScorerEntry) -> object:
    """The entry with texts as keys, as JSON has them: a scale is written with numbers."""
    if isinstance(entry, dict):
        return {str(key): _text_keys(value) for key, value in entry.items()}
    return entry


def _follow(batch: str, entry: ScorerEntry, answers: Sequence[SampleAnswer], *, waiting: bool, stale: bool) -> None:
    with show_errors():
        verdicts = check_try(store(), batch, entry, answers=len(answers))
        if waiting and all(v.ended for v in verdicts):
            st.rerun()
        if stale:
            st.caption("The check was changed since this try.")
        _show_agreement(answers, verdicts)
        _show(list(zip(answers, verdicts, strict=True)))
        if waiting and workers_alive(store()) == 0:
            st.warning(
                "No worker is running, so nothing is judged. Start one with `bakeoff worker`.", icon=":material/info:"
            )


def _show_agreement(answers: Sequence[SampleAnswer], verdicts: Sequence[TriedVerdict]) -> None:
    both = [
        (answer.people, verdict.value)
        for answer, verdict in zip(answers, verdicts, strict=True)
        if answer.people is not None and verdict.value is not None
    ]
    if both and all(0 <= value <= 1 for pair in both for value in pair):
        same = sum((people > 0.5) == (value > 0.5) for people, value in both)
        st.markdown(f"**Agrees with people on {same} of {len(both)}.** Ten answers are a first look, no proof.")


def _show(rows: Sequence[tuple[SampleAnswer, TriedVerdict | None]]) -> None:
    shown = []
    for answer, verdict in rows:
        people = "–" if answer.people is None else score_text(answer.people)
        shown.append(
            [
                two_lines(str(answer.row), answer.variant),
                element("div", cut(answer.text, MOST_SHOWN), cls="bk-small"),
                element("span", people, cls="bk-nowrap"),
                _verdict(answer, verdict),
            ]
        )
    with st.container(height=LIST_PX if len(shown) > FEW else "content", border=False, key="tried_answers"):
        show_table(["Row", "Answer", "People", "The judge"], shown, left=(1, 3))


def _verdict(answer: SampleAnswer, verdict: TriedVerdict | None) -> Html:
    if verdict is None:
        return element("span", "not tried", cls="bk-muted bk-small")
    if not verdict.ended:
        return element("span", "…", cls="bk-muted")
    reason = element("div", cut(verdict.reason, 240), cls="bk-muted bk-small bk-reason")
    if verdict.value is None:
        return element("div", element("b", "no verdict"), reason)
    differs = answer.people is not None and (answer.people > 0.5) != (verdict.value > 0.5) and 0 <= verdict.value <= 1
    kind = "bk-worse" if differs else "bk-unclear"
    word = element("span", verdict.word + (", people say the opposite" if differs else ""), cls=kind)
    return element("div", word, reason)


def show_nothing_to_try() -> None:
    """What to do when no experiment has answers."""
    show(element("div", "Run a comparison first: a check is tried on its answers.", cls="bk-muted"))
