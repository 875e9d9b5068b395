"""Text of people and models made inert: for labels (Markdown) and for markup (HTML). Pure, nothing is drawn here.

Streamlit reads Markdown in labels, alerts and tables. A backslash before every sign is not enough there: links without
brackets, icons and emoji are found in the finished text, after the backslashes are gone, so a word joiner (invisible,
zero width) is put where such a thing would begin.
"""

from __future__ import annotations

import html
import re
from typing import Literal

Tag = Literal[
    "div", "span", "p", "table", "thead", "tbody", "tr", "th", "td", "ins", "del", "mark", "b", "ul", "li", "code"
]

_JOINER = "\u2060"
_ADDRESS = re.compile(r"(?i)(www|https?|ftp|xmpp|mailto)(?=[.:])")
_MAIL = re.compile(r"(?<=\S)@(?=\S)")
_SHORTCODE = re.compile(r":(?=[A-Za-z+_-])")
_ARROW = re.compile(r"(?<=[-=<~>])(?=[-=<>])")
_SIGN = re.compile(r"([!-/:-@\[-`{-~])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Html(str):
    """Markup whose texts are escaped; only ``element`` and ``joined`` make it."""

    __slots__ = ()


def plain(text: object, *, most: int = 2000) -> str:
    """The text for a place that reads Markdown: one line, nothing in it means anything, at most ``most`` characters."""
    line = " ".join(_CONTROL.sub("", str(text)).split())
    line = cut(line, most)
    line = _ADDRESS.sub(rf"\1{_JOINER}", line)
    line = _MAIL.sub(f"@{_JOINER}", line)
    line = _SHORTCODE.sub(f":{_JOINER}", line)
    line = _ARROW.sub(_JOINER, line)
    return _SIGN.sub(r"\\\1", line)


def cut(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def visible(text: str) -> str:
    """The text without control characters, among them those that turn the reading direction around."""
    return _CONTROL.sub("�", text.replace("\r\n", "\n").replace("\r", "\n"))


def element(tag: Tag, *children: str | None, cls: str = "", title: str = "", label: str = "", style: str = "") -> Html:
    """An element; children that are no ``Html`` are escaped. ``label`` is what a screen reader says.

    A text of people or models takes its direction from its first strong letter: Hebrew and Arabic run from the right.
    """
    is_text = tag == "li" or "bk-text" in cls.split()
    attributes = {"class": cls, "title": title, "aria-label": label, "style": style, "dir": "auto" if is_text else ""}
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items() if value)
    if label and tag in ("div", "span"):
        written += ' role="img"'
    return Html(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*children: str | None) -> Html:
    """Several children one after the other."""
    return Html("".join(c if isinstance(c, Html) else html.escape(visible(c)) for c in children if c))
