"""What a variant looks like: one letter, one name, one colour and one shape, everywhere the same (Okabe-Ito)."""

from __future__ import annotations

from dataclasses import dataclass

from pages.components.inert import Html, element


@dataclass(frozen=True, slots=True)
class VariantStyle:
    """The look of a letter. ``ink`` is its colour for small text (contrast of at least 4.5 on white)."""

    letter: str
    colour: str
    ink: str
    tint: str
    sign: str
    shape: str


_LOOKS = {
    "A": VariantStyle("A", "#0072B2", "#0072B2", "#D6E8F5", "●", "circle"),
    "B": VariantStyle("B", "#D55E00", "#A84A00", "#FBE3D3", "■", "square"),
    "C": VariantStyle("C", "#009E73", "#00734F", "#D3EFE6", "▲", "triangle-up"),
    "D": VariantStyle("D", "#CC79A7", "#95457A", "#F6E3ED", "◆", "diamond"),
    "E": VariantStyle("E", "#E69F00", "#8A5F00", "#FBEED0", "▼", "triangle-down"),
    "F": VariantStyle("F", "#56B4E9", "#1F6F9F", "#DFF1FC", "✚", "cross"),
}
_OTHER = VariantStyle("", "#6B7480", "#4B535E", "#EBEDF0", "○", "circle")


def look_of(letter: str) -> VariantStyle:
    """The look of a variant's letter; from G on all are grey."""
    return _LOOKS.get(letter, _OTHER)


def chip(letter: str, name: str, *, note: str = "") -> Html:
    """Shape, letter and name, with a grey note behind it."""
    look = look_of(letter)
    words = letter if name == letter else f"{letter} · {name}"
    return element(
        "span",
        element("span", look.sign, style=f"color:{look.colour}"),
        element("b", words, style=f"color:{look.ink}"),
        element("span", note, cls="bk-muted") if note else None,
        cls="bk-chip",
    )
