"""Where something stands in a promptfoo configuration, what of it cannot be expressed, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from experiments.errors import BakeoffError

_TOLD = 20
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A path inside one file; as text ``tests[1].assert[0] (line 14)``, with the file's name unless it is the main."""

    path: Path = ()
    lines: Mapping[Path, int] = field(default_factory=dict, compare=False, hash=False, repr=False)
    source: str = ""

    def at(self, *keys: str | int) -> Place:
        """The place further inside."""
        return replace(self, path=(*self.path, *keys))

    def __str__(self) -> str:
        """The path in the notation of promptfoo's own messages, and its line where one is known."""
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path).lstrip(".")
        known = next(
            (self.lines[self.path[:n]] for n in range(len(self.path), 0, -1) if self.path[:n] in self.lines), None
        )
        told = f"{path} (line {known})" if known else path
        return f"{self.source}: {told}" if self.source else told


@dataclass(slots=True)
class Findings:
    """Collects what cannot be expressed, so that one error tells all of it, and notes on what was decided."""

    source: str
    refused: list[str] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def refuse(self, place: Place, what: str) -> None:
        """Remember something that has no equivalent; ``what`` names it."""
        self.refused.append(f"{place}: {what}")

    def note(self, text: str) -> None:
        """Remember a decision that the owner should know; the same text once."""
        self.notes[text] = None

    def raise_refused(self) -> None:
        """Raise BakeoffError ``promptfoo_unsupported`` that lists everything refused so far, if anything was."""
        if not self.refused:
            return
        told = "; ".join(self.refused[:_TOLD])
        more = f"; and {len(self.refused) - _TOLD} more" if len(self.refused) > _TOLD else ""
        count = "1 thing" if len(self.refused) == 1 else f"{len(self.refused)} things"
        raise BakeoffError(
            "promptfoo_unsupported",
            f"{self.source} holds {count} that an experiment cannot express: {told}{more}.",
            "Remove or replace them, then import again.",
        )
