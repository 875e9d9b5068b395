"""What a rater sees of a task, and nothing else: an opaque id, the row's visible input, the texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shown:
    """One task as it leaves for the browser. A pair has ``left`` and ``right``, a single answer has ``text``."""

    id: str
    prompt_text: str
    left: str | None = None
    right: str | None = None
    text: str | None = None
    reference: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; what does not apply is left out."""
        values = {
            "id": self.id,
            "prompt_text": self.prompt_text,
            "left": self.left,
            "right": self.right,
            "text": self.text,
            "reference": self.reference,
        }
        return {name: value for name, value in values.items() if value is not None}


def visible_input(cells: Mapping[str, str | None], columns: Sequence[str]) -> str:
    """The cells that raters see: one alone, several with their names before them; empty cells are left out."""
    found = [(column, cells.get(column) or "") for column in columns]
    filled = [(column, cell) for column, cell in found if cell.strip()]
    if len(filled) == 1:
        return filled[0][1]
    return "\n".join(f"{column}: {cell}" for column, cell in filled)


def shown(
    task_id: str,
    prompt_text: str,
    answers: tuple[str, str | None],
    *,
    swapped: bool,
    reference: str | None = None,
    mask: Callable[[str], str] | None = None,
) -> Shown:
    """A task with its answers on their sides; ``mask`` covers names in the answers."""
    first, second = answers
    if mask is not None:
        first, second = mask(first), None if second is None else mask(second)
    if second is None:
        return Shown(task_id, prompt_text, text=first, reference=reference)
    left, right = (second, first) if swapped else (first, second)
    return Shown(task_id, prompt_text, left=left, right=right, reference=reference)
