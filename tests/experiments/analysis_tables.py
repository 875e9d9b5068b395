"""Small analysis tables for tests: rows from arrays, with the columns that a case needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.plans.plan import Guardrail, MetricDefinition, Plan, PrimaryMetric
from experiments.results.analysis import Analysis, analyse
from experiments.stats.estimates import Comparison
from experiments.vocabulary import Direction, HealthStatus, MetricKind, canonical_json

METRICS = {
    "correct": MetricDefinition("correct", MetricKind.BINARY, Direction.HIGHER),
    "score": MetricDefinition("score", MetricKind.SCORE, Direction.HIGHER, "score"),
    "grade": MetricDefinition("grade", MetricKind.ORDINAL, Direction.HIGHER, "score"),
    "liked": MetricDefinition("liked", MetricKind.PREFERENCE, Direction.HIGHER),
    "per_call": MetricDefinition("per_call", MetricKind.RATIO, Direction.HIGHER),
}


def rows(metric: str, values: Mapping[str, Sequence[float]], **columns: Sequence[Any]) -> pd.DataFrame:
    """One row per variant and unit ``u0 …``; further columns hold one entry per unit."""
    parts = []
    for variant, held in values.items():
        units = [f"u{i}" for i in range(len(held))]
        parts.append(pd.DataFrame({"variant": variant, "unit_id": units, "metric": metric, "value": held, **columns}))
    return pd.concat(parts, ignore_index=True)


def yes_no(*, both: int, fixed: int, broken: int, neither: int) -> pd.DataFrame:
    """Rows of the metric ``correct`` on which A and B agree or differ as told."""
    a = [1.0] * both + [0.0] * fixed + [1.0] * broken + [0.0] * neither
    b = [1.0] * both + [1.0] * fixed + [0.0] * broken + [0.0] * neither
    return rows("correct", {"A": a, "B": b})


def normal_scores(
    n: int, *, gain: float = 0.0, spread: float = 1.0, seed: int = 0, variants: str = "AB"
) -> pd.DataFrame:
    """Rows of the metric ``score``: a shared row effect, and a gain for every variant but the first."""
    rng = np.random.default_rng(seed)
    row = rng.normal(0, 1, n)
    return rows(
        "score",
        {v: row + (gain if i else 0.0) + rng.normal(0, spread / 2**0.5, n) for i, v in enumerate(variants)},
    )


def plan(metric: str = "correct", *, effect: float = 0.03, guardrails: Sequence[Guardrail] = (), **more: Any) -> Plan:
    """A plan on one metric."""
    return Plan(primary=PrimaryMetric(metric=metric, smallest_effect=effect), guardrails=tuple(guardrails), **more)


def run(table: pd.DataFrame, given_plan: Plan | None = None, **more: Any) -> Analysis:
    """The analysis of a table against the control A."""
    return analyse(table, plan=given_plan or plan(), control="A", **{"metrics": METRICS, **more})


def primary(analysis: Analysis, treatment: str = "B") -> Comparison:
    """The first overall comparison of a challenger."""
    return next(c for c in analysis.comparisons if c.treatment == treatment and c.slice is None)


def check(analysis: Analysis, name: str) -> HealthStatus:
    """The status of a health check."""
    return next(c.status for c in analysis.health if c.check == name)


def text(analysis: Analysis) -> str:
    """The analysis as bytes would hold it."""
    return canonical_json(analysis.to_json())
