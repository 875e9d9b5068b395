"""The files that a build leaves behind: JUnit XML and a Markdown summary, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.errors import BakeoffError
from experiments.results.gate_reports import junit_of_stop, junit_xml, markdown_of_stop, markdown_summary


def report_results(results: Mapping[str, Any], *, junit: Path | None, markdown: Path | None) -> None:
    """Write what was asked for. Raises BakeoffError ``unwritable``."""
    if junit is not None:
        _write(junit, junit_xml(results))
    if markdown is not None:
        _write(markdown, markdown_summary(results))


def report_stop(name: str, reason: str, *, junit: Path | None, markdown: Path | None) -> None:
    """Write that the run ended early. Raises BakeoffError ``unwritable``."""
    if junit is not None:
        _write(junit, junit_of_stop(name, reason))
    if markdown is not None:
        _write(markdown, markdown_of_stop(name, reason))


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BakeoffError("unwritable", f"{path.name} cannot be written: {error.strerror}.") from None
