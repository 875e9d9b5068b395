"""What a model call costs: tokens × price, with a status that says how far to trust it.

Prices come from the experiment's author first, then from the snapshot that ships with the project
(``price_snapshot.json``; ``experiments.completions.make_price_snapshot`` renews it). A model without a price
costs None with the status ``unknown``, never 0. An endpoint of one's own (a custom API base) may charge
something else than the model's namesake: its cost is computed with the namesake's price, so that budgets
still hold, and marked ``estimated`` until the author gives its price.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from experiments.plans.token_estimates import completed_usage, projected_usage
from experiments.vocabulary import CostStatus, Request, Usage

PER_MILLION = 1_000_000
LOCAL_PROVIDERS = frozenset({"ollama", "ollama_chat", "lm_studio", "llamafile", "lemonade", "docker_model_runner"})
"""Providers that run models on one's own machine: nobody charges for a call, so its price is a known 0."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens.

    ``cached_input_per_million`` is None where nobody gave it: cached prompt tokens then count as others, which is an
    estimate, because providers charge less for them. Requests whose
    prompt is longer than ``long_above_tokens`` cost the ``long_…`` prices throughout. ``assumed`` marks the
    price of a namesake.
    """

    input_per_million: float
    output_per_million: float
    cached_input_per_million: float | None = None
    long_above_tokens: int | None = None
    long_input_per_million: float | None = None
    long_output_per_million: float | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the snapshot knows of a model on one provider's route; each part may be None for not known."""

    provider: str
    price: Price | None
    context_tokens: int | None
    max_output_tokens: int | None
    retires: date | None


DEMO_PRICES: Mapping[str, Price] = {
    "demo/small": Price(input_per_million=0.15, output_per_million=0.60),
    "demo/large": Price(input_per_million=2.50, output_per_million=10.00),
    "demo/judge": Price(input_per_million=0.25, output_per_million=1.00),
    "demo/embedding": Price(input_per_million=0.02, output_per_million=0.00),
}
"""Invented prices of the simulated models, of the size that a small and a large hosted model had in 2026."""

FREE = Price(input_per_million=0.0, output_per_million=0.0)


@dataclass(frozen=True)
class Snapshot:
    """The shipped price list: where it is from, and one entry per model and route."""

    source: str
    made_on: date
    models: Mapping[str, list[Any]] = field(repr=False)
    providers: frozenset[str] = field(repr=False)

    def facts(self, model: str) -> ModelFacts | None:
        """What is known of ``provider/model`` (or of a bare model name), or None."""
        prefix, _, rest = model.partition("/")
        entry = self.models.get(model)
        if entry is None and rest:
            # an entry without prefix belongs to its own provider only: bedrock's routes are bedrock_converse, …
            found = self.models.get(rest) or self.models.get(_fine_tuning_base(rest))
            entry = found if found and str(found[0]).startswith(prefix) else None
        return None if entry is None else _facts(entry)


@cache
def shipped_snapshot() -> Snapshot:
    """The snapshot of this installation, read once."""
    text = resources.files(__package__).joinpath("price_snapshot.json").read_text("utf-8")
    raw = json.loads(text)
    return Snapshot(
        source=raw["source"],
        made_on=date.fromisoformat(raw["made_on"]),
        models=raw["models"],
        providers=frozenset(raw["providers"]),
    )


class PriceBook:
    """Prices of models: the author's own, over the demo models', over the snapshot's."""

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        self._own = dict(own or {})

    def with_prices(self, own: Mapping[str, Price]) -> PriceBook:
        """A book in which ``own`` prices come first."""
        return PriceBook({**self._own, **own})

    def facts(self, model: str) -> ModelFacts | None:
        """What the snapshot knows of a model, or None."""
        return shipped_snapshot().facts(model)

    def price(self, model: str, *, custom_base: bool = False) -> Price | None:
        """The price of a model, or None when nobody gave one.

        ``custom_base`` says that calls go to an endpoint of one's own instead of the provider's.
        """
        given = self._own.get(model) or DEMO_PRICES.get(model)
        if given is not None:
            return given
        if runs_locally(model):
            return FREE
        facts = self.facts(model)
        if facts is None or facts.price is None:
            return None
        return replace(facts.price, assumed=True) if custom_base else facts.price

    def retirement_date(self, model: str) -> date | None:
        """The day on which the provider withdraws this model on this route, or None when none is announced."""
        facts = self.facts(model)
        return facts.retires if facts else None


def runs_locally(model: str) -> bool:
    """Whether a model runs on one's own machine; ``ollama/…-cloud`` models do not, no matter who serves them."""
    return model.partition("/")[0] in LOCAL_PROVIDERS and not model.endswith("cloud")


def cost(usage: Usage, price: Price | None, *, estimated: bool = False) -> tuple[float | None, CostStatus]:
    """US dollars of a call and their status.

    ``estimated`` says that the token counts are not the provider's own. Without a price the cost is (None,
    unknown); so it is when a count is missing, because then nothing was estimated for it either. Cost beyond
    a long-context threshold counts as estimated: providers differ in what part of the request they charge
    more for.
    """
    if price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None, CostStatus.UNKNOWN
    is_long = price.long_above_tokens is not None and usage.prompt_tokens > price.long_above_tokens
    per_input, per_output, per_cached = _rates(price, is_long=is_long)
    cached = usage.cached_prompt_tokens or 0
    dollars = (
        (usage.prompt_tokens - cached) * per_input + cached * per_cached + usage.completion_tokens * per_output
    ) / PER_MILLION
    guesses_cached = cached > 0 and price.cached_input_per_million is None and per_input > 0
    is_known = not (estimated or price.assumed or is_long or guesses_cached)
    return dollars, CostStatus.KNOWN if is_known else CostStatus.ESTIMATED


def cost_of_answer(request: Request, usage: Usage, answer: str, price: Price | None) -> tuple[float | None, CostStatus]:
    """US dollars of an answered call; what the provider did not count is estimated from the texts."""
    counted, estimated = completed_usage(usage, request, answer)
    return cost(counted, price, estimated=estimated)


def projected_cost(
    request: Request, price: Price | None, *, mean_completion_tokens: float | None = None
) -> float | None:
    """US dollars that a request will probably cost, before it is sent; None without a price.

    Without ``mean_completion_tokens`` the answer is taken to be as long as it may be, which suits reservations.
    """
    usage = projected_usage(request, mean_completion_tokens=mean_completion_tokens)
    return cost(usage, price, estimated=True)[0]


def _rates(price: Price, *, is_long: bool) -> tuple[float, float, float]:
    per_input, per_output = price.input_per_million, price.output_per_million
    cached = per_input if price.cached_input_per_million is None else price.cached_input_per_million
    if not is_long:
        return per_input, per_output, cached
    long_input = per_input if price.long_input_per_million is None else price.long_input_per_million
    long_output = per_output if price.long_output_per_million is None else price.long_output_per_million
    return long_input, long_output, cached * (long_input / per_input if per_input else 1.0)


def _fine_tuning_base(name: str) -> str:
    """``ft:gpt-4o-mini:team::id`` is priced as ``ft:gpt-4o-mini``."""
    return ":".join(name.split(":")[:2]) if name.startswith("ft:") else name


def _facts(entry: list[Any]) -> ModelFacts:
    provider, per_input, per_output, cached, context, max_output, retires, long = entry
    price = None
    if per_input is not None and per_output is not None:
        price = Price(per_input, per_output, cached, *(long or (None, None, None)))
    return ModelFacts(provider, price, context, max_output, date.fromisoformat(retires) if retires else None)
