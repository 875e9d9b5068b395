"""The budget of the month at the gateway: what is spent is looked up beside the requests, never by them."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from experiments.loading.runs.budget import month_start, monthly_budget
from experiments.plans.pricing import PriceBook
from experiments.vocabulary import is_simulated
from gateway.openai_errors import ChatError
from storage.store import Store

LOOK_SHARE = 0.05
"""Adding up what runs have spent may take so much of one core; in between our own calls are added here."""


class MonthBudget:
    """One per server process.

    ``look`` belongs to the thread that watches the database, ``recorded`` to the one that delivers events, the rest to
    the event loop. Money that our own calls cost counts here until a look began after the database had them: a look
    that begins between the end of a call and its delivery would otherwise forget it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._not_before = 0.0
        self._limit_usd: float | None = None
        self._spent_usd = 0.0
        self._undelivered: dict[str, float] = {}
        self._ended_usd = 0.0
        self._recorded_usd = 0.0
        self._looked_up_usd = 0.0

    def look(self) -> None:
        """Reads the budget, and what was spent unless that was read a moment ago. Raises BakeoffError."""
        with self._store.read() as tx:
            limit = monthly_budget(tx)
            if limit is not None and (limit != self._limit_usd or monotonic() >= self._not_before):
                started, recorded = monotonic(), self._recorded_usd
                spent = tx.installation.spent_since(month_start(tx.clock()))
                self._spent_usd, self._looked_up_usd = spent, recorded
                self._not_before = monotonic() + (monotonic() - started) / LOOK_SHARE
        self._limit_usd = limit

    def add(self, call_id: str, cost_usd: float | None) -> None:
        """A call of ours has ended; the database learns of it later."""
        if cost_usd:
            self._undelivered[call_id] = cost_usd
            self._ended_usd += cost_usd

    def recorded(self, call_ids: Iterable[str]) -> None:
        """The database has these calls now; those of other processes, and those delivered again, change nothing."""
        self._recorded_usd += sum(self._undelivered.pop(call_id, 0.0) for call_id in call_ids)

    def refuse_beyond(self, model: str, prices: PriceBook) -> None:
        """Nothing while the month leaves something, or for a model that costs nothing.

        Raises:
            ChatError: 402 ``budget_spent``.
        """
        limit = self._limit_usd
        spent = self._spent_usd + self._ended_usd - self._looked_up_usd
        if limit is None or spent < limit or is_simulated(model):
            return
        price = prices.price(model)
        if price is not None and not price.input_per_million and not price.output_per_million:
            return
        raise ChatError(
            402,
            f"This month's budget of ${limit:,.2f} is spent; no paid call leaves until it is raised or the month ends.",
            code="budget_spent",
            kind="insufficient_quota",
        )
