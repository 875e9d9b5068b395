"""``bakeoff analyse``: the bytes of an analysis table and of a plan file → results, without a database."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from experiments.datasets.reading import read_table
from experiments.datasets.table import Table
from experiments.errors import BakeoffError
from experiments.plans.plan import AnalysisPlan
from experiments.strict_yaml import parse_model

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("value", "denominator", "covariate")
"""Columns that hold numbers; an empty cell is a missing value."""
NAMES = ("variant", "unit_id", "metric")
"""Columns in which every row needs an entry."""


def analyse_table(content: bytes, *, filename: str, plan_text: str, plan_name: str) -> dict[str, Any]:
    """The results JSON of any analysis table (CSV, JSONL, Parquet) under a plan.

    Raises:
        BakeoffError: whatever is wrong with the table or the plan, with line and column.
    """
    from experiments.results.decision import analyse_table as decide_on

    plan = parse_model(AnalysisPlan, plan_text, source=plan_name)
    frame = _frame(read_table(content, filename=filename), filename)
    analysis, verdict = decide_on(frame, plan)
    statuses = Counter(frame["status"]) if "status" in frame else Counter({"ok": len(frame)})
    return {
        "experiment": filename,
        "state": "analysed",
        "simulated": False,
        "verdict": verdict.to_json(),
        **analysis.to_json(),
        "cost": None,
        "counts": {"rows": len(frame), **{str(k): v for k, v in sorted(statuses.items())}},
    }


def _frame(table: Table, filename: str) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    for name in table.columns:
        cells = table.column(name)
        columns[name] = _numbers(table, name, cells, filename) if name in NUMBERS else list(cells)
        if name in NAMES:
            _check_filled(table, name, cells, filename)
    if "status" in columns:
        columns["status"] = [cell or "ok" for cell in columns["status"]]
    for name in ("cluster_id", "rater_id", "opponent", "repetition"):
        if name in columns:
            columns[name] = [cell or None for cell in columns[name]]
    return pd.DataFrame(columns)


def _check_filled(table: Table, name: str, cells: list[str | None], filename: str) -> None:
    for index, cell in enumerate(cells):
        if not (cell or "").strip():
            raise BakeoffError(
                "bad_table",
                f"{filename}, {table.place(index)}: the row has no '{name}'.",
                "Fill it in or remove the row.",
            )


def _numbers(table: Table, name: str, cells: list[str | None], filename: str) -> list[float]:
    numbers = []
    for index, cell in enumerate(cells):
        try:
            numbers.append(float("nan") if cell is None or not cell.strip() else _number(cell))
        except ValueError:
            raise BakeoffError(
                "bad_number", f"{filename}, {table.place(index)}: '{cell}' in '{name}' is no finite number."
            ) from None
    return numbers


def _number(cell: str) -> float:
    words = {"true": 1.0, "false": 0.0}
    value = words.get(cell.strip().lower())
    value = float(cell) if value is None else value
    if not math.isfinite(value):
        raise ValueError(cell)
    return value
