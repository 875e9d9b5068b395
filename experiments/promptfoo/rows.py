"""Tests → the rows of a dataset: variables, descriptions, labels for slices, expected values."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.datasets.table import Row
from experiments.promptfoo.cases import TestCase
from experiments.promptfoo.findings import Findings, Place
from experiments.promptfoo.scorer_entries import ScorerPlan


def rows_of(
    cases: Sequence[TestCase], needed: Sequence[str], scorers: ScorerPlan, place: Place, findings: Findings
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """(columns, rows). A variable of a prompt that a test lacks is empty, as in promptfoo; if all lack it, refused."""
    columns: dict[str, list[str | None]] = {}
    for name in dict.fromkeys(name for case in cases for name in case.variables):
        columns[name] = [case.variables.get(name) for case in cases]
    for name in needed:
        if name not in columns:
            if cases:
                findings.refuse(place, f"{{{{{name}}}}}, a variable that no test gives")
        elif None in columns[name]:
            findings.note(f"Tests without the variable '{name}' got an empty text.")
            columns[name] = [cell or "" for cell in columns[name]]
    for name in dict.fromkeys(name for case in cases for name in case.metadata):
        cells = [case.metadata.get(name) for case in cases]
        if columns.setdefault(name, cells) != cells:
            findings.refuse(place, f"metadata '{name}', which is also the name of a variable")
    if any(case.description for case in cases):
        free = next(n for n in ("description", "test_description", "promptfoo_description") if n not in columns)
        columns[free] = [case.description for case in cases]
    columns.update(scorers.columns)
    return tuple(columns), tuple(zip(*columns.values(), strict=True))
