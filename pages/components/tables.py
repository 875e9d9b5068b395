"""Small tables whose cells may hold anything: a head, rows of texts or marked cells."""

from __future__ import annotations

from collections.abc import Sequence

from pages.components.inert import Html, cut, element
from pages.components.show_output import show

SIGNS = {"better": "▲", "worse": "▼", "unclear": "●"}


def judged(judgement: str, words: str) -> Html:
    """A verdict in one cell: sign, colour and word say the same."""
    return element("span", f"{SIGNS[judgement]} {words}", cls=f"bk-{judgement}")


def two_lines(first: str, second: str, *, cls: str = "") -> Html:
    """A value with a smaller grey line under it."""
    below = element("div", second, cls="bk-muted bk-small") if second else None
    return element("div", element("span", first, cls=cls), below)


def show_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (), wide: Sequence[int] = ()
) -> None:
    """Draw a table. Columns in ``left`` are words; those in ``wide`` are left out on a phone."""

    def kind(column: int) -> str:
        words = ("bk-left" if column in left else "", "bk-wide" if column in wide else "")
        return " ".join(word for word in words if word)

    top = element("tr", *(element("th", title, cls=kind(i)) for i, title in enumerate(head)))
    body = [
        element(
            "tr",
            *(
                element("td", cell if isinstance(cell, Html) else cut(cell, 300), cls=kind(i))
                for i, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    show(
        element(
            "div", element("table", element("thead", top), element("tbody", *body), cls="bk-table"), cls="bk-scroll"
        )
    )
