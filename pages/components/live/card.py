"""One prompt in production: what is live, since when, who, why, on which evidence; history, code, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from experiments.actions.registry.roll_back import roll_back, set_label
from experiments.prompts.content import settings_changes
from experiments.prompts.labels import PRODUCTION
from experiments.views.registry.cautions import version_cautions
from experiments.views.registry.prompts import LabelMoveView, get_prompt
from experiments.views.registry.served import LiveCard
from pages.components.cautions import reason_for, show_cautions
from pages.components.errors import show_errors
from pages.components.inert import Html, element
from pages.components.numbers import ago, moment
from pages.components.result.lines import score_lines
from pages.components.session import actor, store
from pages.components.show_output import plain, show, show_diff, show_lines, show_text
from pages.components.snippets import show_snippets
from pages.components.tables import judged, show_table, two_lines

_DEEDS = {"promote": "promoted", "rollback": "rolled back", "set": "set"}


def show_live_card(card: LiveCard) -> None:
    """The card; what it takes to read the text or the history is one click away."""
    with st.container(border=True):
        head, buttons = st.columns([5, 2], vertical_alignment="center")
        with head:
            st.subheader(plain(card.prompt), anchor=False)
            show(_facts(card))
        with buttons, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            st.page_link(
                "write_prompts.py", label="Edit", icon=":material/edit_note:", query_params={"prompt": card.prompt}
            )
            if card.holders and st.button("Roll back", icon=":material/undo:", key=f"back_{card.prompt}"):
                roll_back_dialog(card)
        if card.live is None:
            _first_version(card)
            return
        if card.live.against_verdict:
            show(element("div", card.live.against_verdict, cls="bk-muted bk-small"))
        if card.why:
            show_text(card.why)
        if card.evidence is not None:
            _show_evidence(card.evidence)
        _show_more(card)


def _facts(card: LiveCard) -> Html:
    if card.live is None or card.since is None:
        return element("div", "Nothing is live. Applications get an error until a version is.", cls="bk-muted")
    parts = [
        element("span", f"version {card.live.number}", cls="bk-pill bk-ok"),
        element("span", f"live since {ago(card.since)}", title=moment(card.since)),
        element("span", f"{_DEEDS.get(card.kind or '', card.kind)} by {card.by}", cls="bk-muted"),
        element("span", card.live.content.model, cls="bk-muted"),
    ]
    if card.live.against_verdict:
        parts.append(element("span", "against the verdict", title=card.live.against_verdict, cls="bk-pill bk-bad"))
    return element("div", *parts, cls="bk-chips bk-small")


def _show_evidence(evidence: Mapping[str, Any]) -> None:
    """The result that the decision froze: before, after, difference with its range."""
    result = evidence["result"]
    challengers = result["challengers"]
    name = result["verdict"]["winner"] if result["verdict"]["winner"] in challengers else challengers[0]
    lines = [line for line in score_lines(result, name) if line.role != "secondary"]
    rows = [
        [
            line.name,
            line.control,
            line.treatment,
            two_lines(line.difference, line.limits),
            judged(line.judgement, line.verdict),
        ]
        for line in lines
    ]
    show_table(["Measured", "before", "after", "Difference", ""], rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "read_results.py",
            label="Read the result",
            icon=":material/query_stats:",
            query_params={"exp": evidence["experiment"]},
        )
        if evidence.get("simulated"):
            st.badge("Simulated model", icon=":material/science:", color="violet")


def _show_more(card: LiveCard) -> None:
    assert card.live is not None
    text, history, code = st.tabs(["Text", "History", "Use it"])
    with text:
        if card.previous is not None:
            st.caption(
                f"What version {card.live.number} changed against version {card.previous.number}, live before it:"
            )
            show_diff(card.previous.content.as_text(), card.live.content.as_text())
            show_lines(settings_changes(card.previous.content, card.live.content), muted=True)
        else:
            show_text(card.live.content.as_text())
    with history:
        show_table(
            ["When", "What", "Who", "Why"], [_move(move) for move in card.history[:20]], left=(1, 2, 3), wide=(2,)
        )
    with code:
        show_snippets(card.prompt, card.label, card.live.content.variables())


def _move(move: LabelMoveView) -> list[str]:
    before = f" (was {move.previous_version})" if move.previous_version else ""
    why = move.reason or (f"the result of {move.experiment}" if move.experiment else "")
    why = f"{move.against_verdict} {why}" if move.against_verdict else why
    return [moment(move.at), f"{_DEEDS.get(move.kind, move.kind)} to version {move.version}{before}", move.actor, why]


def _first_version(card: LiveCard) -> None:
    versions = get_prompt(store(), card.prompt).versions
    if not versions:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(
            "Version", [v.number for v in versions], key=f"first_{card.prompt}_{card.label}", width=110
        )
        cautions = version_cautions(store(), card.prompt, number, served=None)
        reason = reason_for(cautions, key=f"first_reason_{card.prompt}_{card.label}")
        if st.button(
            f"Put it into {card.label}", key=f"set_{card.prompt}_{card.label}", icon=":material/rocket_launch:"
        ):
            with show_errors():
                set_label(
                    store(),
                    card.prompt,
                    label=card.label,
                    at=str(number),
                    actor=actor(),
                    reason=reason or "Set on the page.",
                )
                st.rerun()
    if card.label == PRODUCTION:
        st.caption("The first version goes live without a test. From then on a version needs a result, or a way back.")


@st.dialog("Roll back", icon=":material/undo:", width="medium")
def roll_back_dialog(card: LiveCard) -> None:
    """Which version, why, and the button; what changes is shown."""
    to = st.selectbox("Back to version", card.holders, key="back_to", width=140)
    view = get_prompt(store(), card.prompt)
    target = view.version(to)
    if target is not None and card.live is not None:
        with st.container(border=True, height=200):
            show_diff(card.live.content.as_text(), target.content.as_text())
        show_lines(settings_changes(card.live.content, target.content), muted=True)
        show_cautions(version_cautions(store(), card.prompt, to, served=card.live.number))
    reason = st.text_input(
        "Why", key="back_reason", max_chars=2000, placeholder="Customers get answers in the wrong language."
    )
    if st.button(f"Roll back to version {to}", type="primary", icon=":material/undo:", key="back_now"):
        with show_errors():
            roll_back(store(), card.prompt, actor=actor(), reason=reason or "", label=card.label, to=to)
            st.session_state["rolled_back"] = (card.prompt, to)
            st.rerun()


def show_rolled_back() -> None:
    """What was done, on the run after it."""
    done = st.session_state.pop("rolled_back", None)
    if done is not None:
        st.toast(f"{plain(done[0])} is back on version {done[1]}.", icon=":material/undo:")
