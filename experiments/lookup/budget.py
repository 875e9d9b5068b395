"""How much a run may still spend: its own limit, and what the month leaves."""

from __future__ import annotations

from datetime import datetime

from storage.records import RunRecord
from storage.store import Transaction

MONTHLY_BUDGET = "monthly_budget_usd"


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


def budget_of_run(tx: Transaction, run: RunRecord) -> float | None:
    """The total this run may reach in US dollars: its own limit, or what it has spent plus what the month leaves.

    None when there is neither. Calls that are out count as spent in both.
    """
    own: float | None = run.limits.get("budget_usd")
    left = monthly_left(tx)
    if left is None:
        return own
    by_month = run.spent_usd + run.reserved_usd + left
    return by_month if own is None else min(own, by_month)
