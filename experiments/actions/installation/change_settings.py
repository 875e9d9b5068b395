"""Settings of the installation: prices of models, the monthly budget, small choices of the pages."""

from __future__ import annotations

import math

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError
from experiments.experiment_file import MOST_DOLLARS
from experiments.loading.first_steps import HIDDEN, SETTING, STEPS, first_steps
from experiments.loading.runs.budget import MONTHLY_BUDGET
from experiments.permissions import Operation
from experiments.vocabulary import Actor
from storage.store import Store


def set_price(
    store: Store,
    model: str,
    *,
    input_per_million: float,
    output_per_million: float,
    cached_input_per_million: float | None = None,
    actor: Actor,
) -> None:
    """Keep a price in US dollars per million tokens; it wins over the shipped one.

    Without a price for cached prompt tokens they count with the full one, as an estimate.

    Raises:
        BakeoffError: ``bad_model``, ``bad_price``; Forbidden.
    """
    authorise(store, actor, Operation.MANAGE, "prices")
    if not model.strip() or len(model) > 200:
        raise BakeoffError("bad_model", "Name the model as it is called, for example openai/my-model.")
    for value in (input_per_million, output_per_million, cached_input_per_million or 0.0):
        if not math.isfinite(value) or not 0 <= value <= 100_000:
            raise BakeoffError("bad_price", "A price is between 0 and 100,000 US dollars per million tokens.")
    with store.begin() as tx:
        tx.installation.set_price(
            model.strip(),
            input_per_million=input_per_million,
            output_per_million=output_per_million,
            cached_input_per_million=cached_input_per_million,
            actor=actor.name,
            at=tx.clock(),
        )
        details = {"input_per_million": input_per_million, "output_per_million": output_per_million}
        if cached_input_per_million is not None:
            details["cached_input_per_million"] = cached_input_per_million
        tx.audit.append(actor.name, "price_set", f"model:{model.strip()}", details)


def forget_price(store: Store, model: str, *, actor: Actor) -> None:
    """Go back to the shipped price of a model. Raises Forbidden."""
    authorise(store, actor, Operation.MANAGE, "prices")
    with store.begin() as tx:
        tx.installation.forget_price(model)
        tx.audit.append(actor.name, "price_forgotten", f"model:{model}")


def set_monthly_budget(store: Store, budget_usd: float | None, *, actor: Actor) -> None:
    """Cap the spend of each calendar month (UTC); None lifts it. Raises BakeoffError; Forbidden."""
    authorise(store, actor, Operation.MANAGE, "budget")
    if budget_usd is not None and not 0 <= budget_usd <= MOST_DOLLARS:
        raise BakeoffError("bad_budget", f"A budget is a number of US dollars from 0 to {MOST_DOLLARS:,.0f}.")
    with store.begin() as tx:
        tx.installation.set_setting(MONTHLY_BUDGET, budget_usd, actor=actor.name, at=tx.clock())
        tx.audit.append(actor.name, "budget_set", "installation", {"monthly_budget_usd": budget_usd})


def tick_first_step(store: Store, step: str, *, actor: Actor) -> None:
    """Note that one of the first steps of the Home page was done, or that the card was hidden. Raises Forbidden.

    No event is written: which hints a page shows is nobody's decision.
    """
    authorise(store, actor, Operation.READ, "first steps")
    with store.begin() as tx:
        done = first_steps(tx)
        if step not in done and step in (*STEPS, HIDDEN):
            tx.installation.set_setting(SETTING, [*done, step], actor=actor.name, at=tx.clock())
