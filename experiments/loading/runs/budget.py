"""How much a run may still spend: its own limit, and what the month leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records import RunRecord
from storage.store import Transaction

MONTHLY_BUDGET = "monthly_budget_usd"
OWN_BUDGET_KIND, MONTHLY_BUDGET_KIND = "budget", "monthly_budget"
"""How the reason of a stopped run begins, so that people are told which limit to raise."""


def month_start(now: datetime) -> datetime:
    """The first moment of the calendar month (UTC)."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def monthly_budget(tx: Transaction) -> float | None:
    """The installation's budget per calendar month in US dollars, or None."""
    value = tx.installation.setting(MONTHLY_BUDGET)
    return None if value is None else float(value)


def monthly_left(tx: Transaction) -> float | None:
    """US dollars that the month leaves (never below 0), or None without a monthly budget."""
    budget = monthly_budget(tx)
    return None if budget is None else max(0.0, budget - tx.installation.spent_since(month_start(tx.clock())))


@dataclass(frozen=True, slots=True)
class RunBudget:
    """The total that a run may reach in US dollars (None: no limit), and which limit that is."""

    usd: float | None
    name: str = OWN_BUDGET_KIND


def budget_of_run(tx: Transaction, run: RunRecord) -> RunBudget:
    """The run's own limit, or what it has spent plus what the month leaves, whichever is reached first.

    Calls that are out count as spent in both.
    """
    own: float | None = run.limits.get("budget_usd")
    left = monthly_left(tx)
    if left is None:
        return RunBudget(own)
    by_month = run.spent_usd + run.reserved_usd + left
    return RunBudget(by_month, MONTHLY_BUDGET_KIND) if own is None or by_month < own else RunBudget(own)
