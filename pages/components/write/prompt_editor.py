"""One prompt being written: its messages, model and settings, kept while one looks at other pages."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from experiments.errors import BakeoffError
from experiments.plans.token_estimates import text_tokens
from experiments.prompts.content import ROLES, Message, PromptContent, chat_prompt
from experiments.prompts.labels import PRODUCTION
from experiments.views.registry.prompt_notices import content_notices
from experiments.views.registry.prompts import PromptView
from experiments.wording import count
from pages.components.errors import show_problem
from pages.components.inert import element
from pages.components.pickers import pick_model
from pages.components.session import model_problem
from pages.components.show_output import show, show_lines
from pages.components.variants import chip

EDITOR_PX = 230
_PLACEHOLDERS = {
    "A": "Paste the prompt you use today. It becomes A. Write {{name}} where something of the row goes in.",
    "B": "Change one thing. It becomes B.",
}


def load(letter: str, content: PromptContent) -> None:
    """Put a content into an editor; call it before the editor is drawn, or in a callback."""
    state = st.session_state
    state[_key(letter, "roles")] = ["text"] if content.kind == "text" else [m.role for m in content.messages]
    for number, message in enumerate(content.messages):
        state[_key(letter, f"text{number}")] = message.content
    parameters = dict(content.parameters)
    state[_key(letter, "model")] = content.model
    state[_key(letter, "temperature")] = _number(parameters.pop("temperature", None))
    state[_key(letter, "max_tokens")] = _whole(parameters.pop("max_tokens", None))
    is_json = parameters.get("response_format") == {"type": "json_object"}
    if is_json:
        del parameters["response_format"]
    state[_key(letter, "json")] = is_json
    state[_key(letter, "more")] = json.dumps(parameters, indent=1, ensure_ascii=False) if parameters else ""


def is_loaded(letter: str) -> bool:
    """Whether the editor holds anything already."""
    return _key(letter, "roles") in st.session_state


def start_with(view: PromptView | None) -> None:
    """Fill both editors: A with what is live (else the oldest version), B with the newest; none for a new prompt."""
    for letter in ("A", "B"):
        _clear(letter)
    if view is None or not view.versions:
        return
    newest = view.versions[0]
    live = view.version(view.labels.get(PRODUCTION) or 0) or view.versions[-1]
    load("A", live.content)
    load("B", newest.content)


def _clear(letter: str) -> None:
    """Empty one editor by writing empty values: the browser gives a deleted value of a drawn widget back."""
    state = st.session_state
    texts = [name for name in state if str(name).startswith(_key(letter, "text"))]
    state.update(dict.fromkeys([*texts, _key(letter, "more")], ""))
    state.update(dict.fromkeys([_key(letter, "temperature"), _key(letter, "max_tokens")]))
    state.update({_key(letter, "roles"): ["text"], _key(letter, "json"): False})


def draw(letter: str, *, models: list[str], view: PromptView | None) -> PromptContent | None:
    """The editor; the content it holds now, or None while it is empty or wrong (what is wrong is shown)."""
    roles = st.session_state.setdefault(_key(letter, "roles"), ["text"])
    with st.container(horizontal=True, vertical_alignment="center"):
        head = st.container(width="stretch")
        _settings(letter, models)
    content = _written(letter, roles)
    with head:
        show(element("div", chip(letter, letter, note=_origin(content, view)), cls="bk-chips"))
    notices = content_notices(content) if content is not None else ()
    if notices:
        show_lines(notices)
    return content


def _origin(content: PromptContent | None, view: PromptView | None) -> str:
    """Which version this is, and on which model it runs."""
    if content is None:
        return ""
    same = next((v for v in view.versions if v.content_hash == content.hash()), None) if view else None
    labels = f" ({', '.join(same.labels)})" if same and same.labels else ""
    return f"{content.model} · " + (f"version {same.number}{labels}" if same else "not saved")


def _written(letter: str, roles: list[str]) -> PromptContent | None:
    texts = [_message(letter, number, role, alone=len(roles) == 1) for number, role in enumerate(roles)]
    if not any(text.strip() for text in texts):
        return None
    try:
        return _content(letter, roles, texts)
    except BakeoffError as problem:
        show_problem(problem)
        return None


def text_facts(content: PromptContent) -> str:
    """``84 words · about 120 tokens``."""
    text = content.as_text()
    return f"{count(len(text.split()), 'word')} · about {count(text_tokens(text), 'token')}"


def _message(letter: str, number: int, role: str, *, alone: bool) -> str:
    label = f"Prompt {letter}" if role == "text" else f"{role.capitalize()} message of {letter}"
    return (
        st.text_area(
            label,
            key=_key(letter, f"text{number}"),
            height=EDITOR_PX if alone else 130,
            persist_state="session",
            placeholder=_PLACEHOLDERS.get(letter, ""),
            label_visibility="collapsed" if alone else "visible",
        )
        or ""
    )


def messages_menu(letter: str) -> None:
    """Add a message, or take the last one away: a text prompt becomes a chat."""
    roles = st.session_state[_key(letter, "roles")]
    if roles == ["text"]:
        options = ["Add a system message"]
    else:
        options = [f"Add a message: {role}" for role in ROLES if role != "developer"]
        options += ["Remove the last message"] if len(roles) > 1 else []
    st.menu_button(
        "Messages",
        options,
        key=_key(letter, "messages"),
        on_click=_changed_messages,
        args=(letter,),
        type="tertiary",
        icon=":material/forum:",
    )


def _changed_messages(letter: str) -> None:
    state = st.session_state
    roles, what = list(state[_key(letter, "roles")]), state[_key(letter, "messages")]
    if roles == ["text"]:
        state[_key(letter, "text1")] = state.get(_key(letter, "text0"), "")
        state[_key(letter, "text0")] = ""
        roles = ["system", "user"]
    elif str(what).startswith("Remove"):
        roles = roles[:-1]
    else:
        roles.append(str(what).rpartition(" ")[2])
        state[_key(letter, f"text{len(roles) - 1}")] = ""
    state[_key(letter, "roles")] = roles


def _settings(letter: str, models: list[str]) -> None:
    model = st.session_state.get(_key(letter, "model")) or models[0]
    with st.popover("Model and settings", icon=":material/tune:", key=_key(letter, "settings")):
        pick_model("Model", models, key=_key(letter, "model"))
        st.number_input(
            "Temperature",
            0.0,
            2.0,
            value=None,
            step=0.1,
            key=_key(letter, "temperature"),
            placeholder="the model's own",
            persist_state="session",
        )
        st.number_input(
            "Most tokens of an answer",
            1,
            1_000_000,
            value=None,
            step=1,
            key=_key(letter, "max_tokens"),
            placeholder="no limit",
            persist_state="session",
        )
        st.toggle("Answer as JSON", key=_key(letter, "json"), persist_state="session")
        st.text_area(
            "Other settings (JSON)",
            key=_key(letter, "more"),
            height=80,
            placeholder='{"seed": 7}',
            persist_state="session",
        )
    problem = model_problem(model)
    if problem is not None:
        show_problem(problem)


def _content(letter: str, roles: list[str], texts: list[str]) -> PromptContent:
    state = st.session_state
    parameters = _more(letter)
    if state.get(_key(letter, "temperature")) is not None:
        parameters["temperature"] = state[_key(letter, "temperature")]
    if state.get(_key(letter, "max_tokens")) is not None:
        parameters["max_tokens"] = int(state[_key(letter, "max_tokens")])
    if state.get(_key(letter, "json")):
        parameters["response_format"] = {"type": "json_object"}
    kind = "text" if roles == ["text"] else "chat"
    messages = [Message("user" if role == "text" else role, text) for role, text in zip(roles, texts, strict=True)]
    model = state.get(_key(letter, "model")) or ""
    return chat_prompt(messages, model=model, parameters=parameters, kind=kind)


def _more(letter: str) -> dict[str, Any]:
    text = st.session_state.get(_key(letter, "more")) or ""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BakeoffError(
            "bad_parameters", f"The other settings of {letter} are no JSON object.", 'Write them like {"seed": 7}.'
        )
    return found


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _key(letter: str, part: str) -> str:
    return f"write_{letter}_{part}"
