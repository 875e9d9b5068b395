"""Anchors of the audit log outside the database: after each event, its number and hash go into a file beside it.

A chain of hashes shows what was changed inside it, never that its end is missing. The file does, as long as the
same hand does not change both; so copies of a head elsewhere (backups, results, logs) still count.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

MOST_BYTES = 1_000_000
KEPT_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Anchor:
    """That the log held ``events`` events, the last with the hash ``head``; ``source`` says who remembers."""

    events: int
    head: str
    source: str = "the anchor file"


class AnchorFile:
    """One JSON line per event written by this home; lines from before a restored backup do not count any more."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, anchor: Anchor, *, restored: bool = False) -> None:
        """Append an anchor. A file that cannot be written is logged: what it tells of is committed already."""
        line = {"events": anchor.events, "head": anchor.head, **({"restored": True} if restored else {})}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            if self._path.stat().st_size > MOST_BYTES:
                self._shorten()
        except OSError as error:
            logger.warning("the head of the audit log was not noted in %s: %s", self._path.name, error.strerror)

    def read(self) -> list[Anchor]:
        """The anchors since the last restored backup, oldest first; empty without a file."""
        try:
            text = self._path.read_text("utf-8", errors="replace")
        except OSError:
            return []
        found: list[Anchor] = []
        for line in text.splitlines():
            try:
                value = json.loads(line)
                anchor = Anchor(int(value["events"]), str(value["head"]))
            except (ValueError, TypeError, KeyError):
                continue  # a line that a full disk cut
            found = [anchor] if value.get("restored") else [*found, anchor]
        return found

    def _shorten(self) -> None:
        lines = self._path.read_text("utf-8", errors="replace").splitlines()[-KEPT_LINES:]
        partial = self._path.with_name(self._path.name + ".partial")
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(self._path)
