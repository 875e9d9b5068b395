"""The one rule for text that people and programs send: no NUL, no half of a character, whatever the script.

PostgreSQL refuses NUL and UTF-8 cannot encode half of a surrogate pair. SQLite keeps the first, so without the rule the
same text is accepted by one database and an error in the other. Any other character is welcome. What machines send is
not refused but cleaned: see ``experiments.storable``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.errors import BakeoffError
from experiments.storable import UNSTORABLE

WITHOUT_NUL = r"^[^\u0000]*$"
"""The rule as a JSON Schema pattern; half of a character cannot be said there."""
TEXTS_BY_NAME: dict[str, Any] = {
    "propertyNames": {"pattern": WITHOUT_NUL},
    "additionalProperties": {"type": "string", "pattern": WITHOUT_NUL},
}
"""JSON Schema of an object of such texts."""


def is_storable(text: str) -> bool:
    """True when every database keeps the text as it is."""
    if text.isascii():
        return "\x00" not in text
    return UNSTORABLE.search(text) is None


def name_of_character(character: str) -> str:
    """How a refused character is called."""
    return "a NUL character" if character == "\x00" else f"half of a character (U+{ord(character):04X})"


def check_text(text: str, *, what: str) -> str:
    """The text itself. Raises BakeoffError ``bad_character``, naming ``what`` and the place in it."""
    found = None if is_storable(text) else UNSTORABLE.search(text)
    if found is not None:
        raise BakeoffError(
            "bad_character",
            f"{what} holds {name_of_character(found[0])} at character {found.start() + 1}.",
            "Remove that character; it is invisible and cannot be stored.",
        )
    return text


def check_texts(value: object, *, what: str) -> None:
    """Nothing when every text inside a plain JSON value, names included, passes ``check_text``; which raises."""
    if isinstance(value, str):
        check_text(value, what=what)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            check_text(str(name), what=f"A name in {what[:1].lower()}{what[1:]}")
            check_texts(inner, what=what)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_texts(inner, what=what)
