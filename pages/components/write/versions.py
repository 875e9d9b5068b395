"""Versions of a prompt: save a new one with a note, look at the old ones, load one into an editor."""

from __future__ import annotations

import streamlit as st

from experiments.actions.registry.save_prompt import save_prompt
from experiments.prompts.content import PromptContent, settings_changes
from experiments.prompts.labels import PRODUCTION
from experiments.views.registry.prompts import PromptView, VersionView
from pages.components.errors import show_errors
from pages.components.numbers import ago, moment
from pages.components.session import actor, store
from pages.components.show_output import plain, show_diff, show_lines, show_text
from pages.components.write import prompt_editor

PAGE = 10


def save_as_version(letter: str, content: PromptContent | None, prompt: str | None) -> None:
    """A popover with name and note; the same content again is the same version."""
    with st.popover("Save as version", icon=":material/save:", disabled=content is None, key=f"save_panel_{letter}"):
        with st.form(f"save_form_{letter}_{prompt}", border=False):
            name = st.text_input("Prompt", value=prompt or "", max_chars=120, placeholder="support-reply")
            note = st.text_input("What changed, in a few words", max_chars=500)
            wanted = st.form_submit_button("Save", icon=":material/check:", key=f"save_{letter}")
        if wanted and content is not None:
            with show_errors():
                version = save_prompt(store(), (name or "").strip(), content, actor=actor(), note=note or "")
                st.session_state["saved"] = ((name or "").strip(), version.number)
                st.rerun()


def show_history(view: PromptView) -> None:
    """All versions, newest first; each can be read, compared with what is live, and loaded."""
    live = view.version(view.labels.get(PRODUCTION) or 0)
    pages = -(-len(view.versions) // PAGE)
    at = st.pagination(pages, key="history_page") if pages > 1 else 1
    for version in view.versions[PAGE * (at - 1) : PAGE * at]:
        with st.expander(_headline(version), key=f"version_{version.number}"):
            with st.container(horizontal=True, vertical_alignment="center"):
                for letter in ("A", "B"):
                    st.button(
                        f"Load into {letter}",
                        key=f"load_{letter}_{version.number}",
                        on_click=prompt_editor.load,
                        args=(letter, version.content),
                    )
                facts = f"{version.content.model} · {version.created_by}, {moment(version.created_at)}"
                st.caption(plain(facts))
            if live is not None and live.number != version.number:
                st.caption(f"What differs from version {live.number}, which is live:")
                show_diff(live.content.as_text(), version.content.as_text())
                show_lines(settings_changes(live.content, version.content), muted=True)
            else:
                show_text(version.content.as_text())


def _headline(version: VersionView) -> str:
    labels = "".join(f" :green-badge[{plain(label)}]" for label in version.labels)
    labels += " :red-badge[against the verdict]" if version.against_verdict else ""
    note = f" {plain(version.note)}" if version.note else ""
    return f"**Version {version.number}**{labels}{note} :gray[· {ago(version.created_at)}]"
