"""Verdicts of small tables, and tables with a cost or a latency beside the deciding metric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.results.decision import Verdict, decide
from experiments.vocabulary import VerdictOutcome
from tests.experiments.analysis_tables import rows, run, yes_no

SHIP, KEEP = VerdictOutcome.SHIP, VerdictOutcome.KEEP_CONTROL
COLLECT, CANNOT = VerdictOutcome.KEEP_COLLECTING, VerdictOutcome.CANNOT_DECIDE
GSM8K = yes_no(both=67, fixed=79, broken=22, neither=232)


def verdict(table: pd.DataFrame, given_plan: Plan, **more: Any) -> Verdict:
    return decide(given_plan, analysis(table, given_plan, **more))


def analysis(table: pd.DataFrame, given_plan: Plan, **more: Any) -> Analysis:
    return run(table, given_plan, **more)


def with_cost(table: pd.DataFrame, *, ratio: float, noise: float = 0.0, base: float = 2e-4) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    units = table.loc[table["variant"] == "A", "unit_id"]
    control = rng.gamma(4, base / 4, len(units))
    treatment = control * ratio * np.exp(rng.normal(0, noise, len(units)))
    return pd.concat([table, rows("cost_usd", {"A": control, "B": treatment})], ignore_index=True)


def with_latency(table: pd.DataFrame, *, extra: float) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = int((table["variant"] == "A").sum())
    held = {"A": rng.lognormal(6, 0.3, n), "B": rng.lognormal(6, 0.3, n) + extra}
    return pd.concat([table, rows("latency_ms", held)], ignore_index=True)
