"""The scorers an installation adds: Python files in the folder that BAKEOFF_SCORERS names, and installed packages."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from experiments.scoring.custom import ENTRY_POINTS, CustomScorers


def custom_scorers() -> CustomScorers | None:
    """The custom scorers as their files are now, or None when there are none.

    Raises:
        BakeoffError: ``no_scorer_folder`` when the folder does not exist.
    """
    folder = os.environ.get("BAKEOFF_SCORERS")
    if not folder:
        return _opened(None, ()) if metadata.entry_points(group=ENTRY_POINTS) else None
    path = Path(folder).expanduser()
    files = tuple(sorted((p.name, p.stat().st_mtime_ns) for p in path.glob("*.py"))) if path.is_dir() else ()
    return _opened(path, files)


@lru_cache(maxsize=1)
def _opened(folder: Path | None, _files: tuple[tuple[str, int], ...]) -> CustomScorers:
    return CustomScorers(folder)
