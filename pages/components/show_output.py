"""The one way in which text of people and models reaches the screen: plain, inert, never Markdown, HTML, link or image.

Outputs, cells of test sets, prompts, reasons, messages of providers, names that came with a file: all of them go
through ``show…`` here or, inside a label, through ``plain``. A test bans every other sink from the pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from experiments.prompts.content import VARIABLE, DiffPart, word_diff
from pages.components.inert import Html, cut, element, joined, plain, visible

__all__ = [
    "load_style",
    "plain",
    "show",
    "show_diff",
    "show_filled",
    "show_lines",
    "show_record",
    "show_text",
    "show_values",
]

MOST_CHARACTERS = 20_000
"""More of one text is never sent to the browser; exports hold all of it."""
MOST_TO_DIFF = 16_000
"""Two texts of more characters together are shown without a diff: it would take seconds."""


def load_style() -> None:
    """The looks of everything drawn here; once per run, by the shell."""
    st.html(Path(__file__).with_name("style.css"))


def show(markup: Html) -> None:
    """Draw markup made by ``inert.element``."""
    if not isinstance(markup, Html):
        raise TypeError("markup is made by inert.element, so that its texts are escaped")
    st.html(markup)


def show_text(text: str, *, muted: bool = False) -> None:
    """A text as it is: lines kept, long words broken."""
    show(element("div", _shortened(text), cls="bk-text bk-muted" if muted else "bk-text"))


def show_lines(lines: Sequence[str], *, muted: bool = False) -> None:
    """Short texts, one a line, as a list."""
    show(
        element(
            "ul", *(element("li", cut(line, 2000)) for line in lines), cls="bk-list bk-muted" if muted else "bk-list"
        )
    )


def show_record(values: Mapping[str, str | None]) -> None:
    """Named texts under each other: the cells of a row, the variables of a prompt."""
    rows = [
        element("div", element("div", cut(name, 120), cls="bk-name"), element("div", _cell(text), cls="bk-text"))
        for name, text in values.items()
    ]
    show(element("div", *rows, cls="bk-record"))


def show_values(values: Mapping[str, str]) -> None:
    """Short facts as a table of two columns."""
    rows = [element("tr", element("th", name), element("td", cut(value, 500))) for name, value in values.items()]
    show(element("table", element("tbody", *rows), cls="bk-facts"))


def show_filled(text: str, values: Mapping[str, str | None]) -> None:
    """A prompt with its variables filled in: each value tinted, each hole without one marked."""
    pieces: list[str] = []
    end = 0
    for hole in VARIABLE.finditer(cut(text, MOST_CHARACTERS)):
        pieces.append(text[end : hole.start()])
        value = values.get(hole.group(1))
        if value is None:
            pieces.append(element("mark", hole.group(0), cls="bk-hole", title="no value"))
        else:
            pieces.append(element("mark", cut(value, 2000), cls="bk-value", title=hole.group(1)))
        end = hole.end()
    show(element("div", *pieces, cut(text, MOST_CHARACTERS)[end:], cls="bk-text"))


def show_diff(before: str, after: str, *, side: str = "both") -> None:
    """What changed word by word. ``side``: ``before`` shows what was removed, ``after`` what was added, or ``both``."""
    show(element("div", diff_markup(before, after, side=side), cls="bk-text"))


def diff_markup(before: str, after: str, *, side: str = "both") -> Html:
    """The marked text of one side, or of both in one."""
    if len(before) + len(after) > MOST_TO_DIFF:
        return joined(_shortened(before if side == "before" else after))
    parts = word_diff(before, after)
    unlike = not any(part.kind == "same" for part in parts)
    hidden = {"before": "added", "after": "removed"}.get(side)
    return joined(*(_part(part, unlike=unlike and side != "both") for part in parts if part.kind != hidden))


def _part(part: DiffPart, *, unlike: bool) -> str:
    """One stretch; where two texts share nothing, marking all of it would say nothing."""
    if part.kind == "same" or unlike:
        return part.text
    return element("del" if part.kind == "removed" else "ins", part.text)


def _shortened(text: str) -> Html:
    if len(text) <= MOST_CHARACTERS:
        return joined(text)
    more = f"… {len(text) - MOST_CHARACTERS:,} more characters; the export holds them all."
    return joined(text[:MOST_CHARACTERS], element("div", more, cls="bk-muted"))


def _cell(text: str | None) -> Html:
    if text is None:
        return element("span", "no value", cls="bk-muted")
    return _shortened(text) if visible(text).strip() else element("span", "(empty)", cls="bk-muted")
