"""The variants of a plan: each a stored version of a prompt, or a text written here."""

from __future__ import annotations

from typing import Any

import streamlit as st

from experiments.prompts.content import PromptContent
from experiments.views.registry.prompts import PromptView, VersionView
from pages.components.inert import cut, element
from pages.components.pickers import models
from pages.components.show_output import show, show_text
from pages.components.variants import chip
from pages.components.write import prompt_editor

HERE = "Write it here"
LETTERS = "ABCDEF"
SHOWN_PX = 150


def choose_arms(views: list[PromptView]) -> tuple[list[dict[str, Any]], list[PromptContent]]:
    """(the variants as an experiment file has them, what they send); shorter than two while something is missing."""
    versions = {_version_name(view, version): (view, version) for view in views for version in view.versions}
    letters = LETTERS[: st.session_state.setdefault("plan_arms", 2)]
    _start(views, versions)
    variants: list[dict[str, Any]] = []
    contents: list[PromptContent] = []
    for letter, column in zip(letters, _columns(len(letters)), strict=True):
        with column, st.container(border=True, height="stretch"):
            content, variant = _arm(letter, versions)
            if content is not None:
                contents.append(content)
                variants.append(variant)
    with st.container(horizontal=True):
        st.button(
            "Add a variant",
            icon=":material/add:",
            on_click=_count,
            args=(1,),
            disabled=len(letters) == len(LETTERS),
            type="tertiary",
        )
        if len(letters) > 2:
            st.button("Remove the last", icon=":material/remove:", on_click=_count, args=(-1,), type="tertiary")
    return variants, contents


def _arm(
    letter: str, versions: dict[str, tuple[PromptView, VersionView]]
) -> tuple[PromptContent | None, dict[str, Any]]:
    note = "what you have now" if letter == "A" else "the challenger" if letter == "B" else ""
    show(element("div", chip(letter, letter, note=note), cls="bk-chips"))
    options = [*versions, HERE]
    source = st.selectbox(
        "Prompt", options, key=f"plan_from_{letter}", persist_state="session", label_visibility="collapsed"
    )
    name = st.text_input("Called", value=letter, key=f"plan_name_{letter}", max_chars=60, persist_state="session")
    if source in versions:
        view, version = versions[source]
        with st.container(height=SHOWN_PX, border=False):
            show_text(cut(version.content.as_text(), 3000))
        st.caption(f"{version.content.model}" + _parameters(version.content))
        return version.content, {"name": name or letter, "prompt": f"{view.name}@{version.number}"}
    content = prompt_editor.draw(letter, models=models(), view=None)
    if content is None:
        return None, {}
    return content, {"name": name or letter, **written(content)}


def written(content: PromptContent) -> dict[str, Any]:
    """A content as a variant of an experiment file."""
    text: dict[str, Any] = (
        {"prompt": content.messages[0].content}
        if content.kind == "text"
        else {"messages": [{"role": m.role, "content": m.content} for m in content.messages]}
    )
    return {**text, "model": content.model, "parameters": dict(content.parameters)}


def _start(views: list[PromptView], versions: dict[str, tuple[PromptView, VersionView]]) -> None:
    """First choices: what the Prompts page handed over, else what is live against the newest version."""
    state = st.session_state
    handed = state.pop("handed_over", None)
    if handed is not None:
        contents, prompt = handed
        for letter, content in contents.items():
            same = next((n for n, (_, v) in versions.items() if v.content_hash == content.hash()), None)
            state[f"plan_from_{letter}"] = same or HERE
            if same is None:
                prompt_editor.load(letter, content)
        state["plan_prompt"] = prompt
        return
    if "plan_from_A" in state or not views:
        return
    view = max(views, key=lambda v: v.versions[0].created_at)
    live = view.version(view.labels.get("production") or 0) or view.versions[-1]
    state["plan_from_A"] = _version_name(view, live)
    state["plan_from_B"] = _version_name(view, view.versions[0]) if view.versions[0] is not live else HERE


def _count(by: int) -> None:
    st.session_state["plan_arms"] += by


def _columns(count: int) -> list[Any]:
    columns: list[Any] = []
    while len(columns) < count:
        columns += st.columns(2, gap="medium")
    return columns[:count]


def _version_name(view: PromptView, version: VersionView) -> str:
    labels = f" ({', '.join(version.labels)})" if version.labels else ""
    return f"{view.name} · version {version.number}{labels}"


def _parameters(content: PromptContent) -> str:
    return "".join(
        f" · {name.replace('_', ' ')} {value}"
        for name, value in content.parameters.items()
        if isinstance(value, int | float)
    )
