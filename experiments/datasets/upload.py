"""One file as it was given to us: its bytes, its cleaned name, its limits, and the wording of complaints."""

from __future__ import annotations

import re
from dataclasses import dataclass

from experiments.datasets.limits import FileLimits
from experiments.errors import BakeoffError, TooLarge
from experiments.plain_text import name_of_character
from experiments.storable import UNSTORABLE


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The bytes of a file and the name it has in messages: no folder, printable, at most 80 characters."""

    name: str
    content: bytes
    limits: FileLimits

    def problem(
        self, code: str, what: str, hint: str = "", *, place: str | None = None, column: int | None = None
    ) -> BakeoffError:
        """The error ``<name>, <place>, column <column>: <what>``; the column counts characters from 1."""
        where = ", ".join(p for p in (self.name, place, f"column {column}" if column else None) if p)
        return BakeoffError(code, f"{where}: {what}", hint)

    def too_large(self, limit: str, what: str, hint: str, *, place: str | None = None) -> TooLarge:
        """The error for a broken limit; ``limit`` is a field of ``FileLimits``, the message tells its value."""
        allowed = f"the limit ({limit}) is {getattr(self.limits, limit):,}"
        return TooLarge("too_large", f"{', '.join(p for p in (self.name, place) if p)}: {what}; {allowed}.", hint)

    def ending(self) -> str:
        """The ending of the name in lower case without the dot, or empty text: a hint, never a proof."""
        return self.name.rsplit(".", 1)[1].lower() if "." in self.name else ""

    def check_characters(self, text: str, *, place: str, column_name: str) -> None:
        """Raise BakeoffError ``bad_character`` when the cell holds NUL or half of a surrogate pair."""
        found = UNSTORABLE.search(text)
        if found is not None:
            raise self.problem(
                "bad_character",
                f"the cell in '{column_name}' holds {name_of_character(found[0])}.",
                "Remove that character; it is invisible and cannot be stored.",
                place=place,
                column=found.start() + 1,
            )


def sendable(name: str) -> str:
    """A refused name as a message can hold it: what cannot be stored or sent is a question mark."""
    return name.replace("\x00", "?").encode("utf-8", "replace").decode("utf-8")


def display_name(filename: str) -> str:
    """The last part of a file name, printable and short enough for one sentence."""
    name = re.split(r"[\\/]", filename)[-1]
    name = "".join(c if c.isprintable() else "?" for c in name).strip()
    return name if len(name) <= 80 else f"{name[:50]}…{name[-25:]}"
