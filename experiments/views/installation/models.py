"""Models: which ones to offer, what they cost, and which the provider withdraws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from experiments.completions.providers import DEMO_MODELS, provider_of
from experiments.loading.runs.prices import installation_prices
from experiments.plans.pricing import Price, PriceBook, shipped_snapshot
from experiments.vocabulary import is_simulated
from storage.store import Store

SOON_DAYS = 90


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model. ``source`` says whose price it is: typed in, shipped, simulated, local, or unknown."""

    name: str
    price: Price | None
    source: str
    retires: date | None
    in_use: bool

    @property
    def simulated(self) -> bool:
        """True for the demo models."""
        return is_simulated(self.name)

    def days_left(self, today: date) -> int | None:
        """Days until the provider withdraws it; None when no day is announced."""
        return None if self.retires is None else (self.retires - today).days


def known_models(store: Store) -> list[ModelView]:
    """The models that this installation has met: in prompts, with a typed-in price, and the demo models."""
    with store.read() as tx:
        used = tx.prompts.models()
        typed = tx.installation.prices()
        book = installation_prices(tx)
    names = sorted({*used, *typed, *DEMO_MODELS}, key=lambda name: (is_simulated(name), name))
    return [_view(name, book, typed=name in typed, in_use=name in used) for name in names]


def model_choices(store: Store, *, providers: Iterable[str] = ()) -> list[str]:
    """Names to offer: those in use first, the shipped list's of ``providers`` (whose key is there), the demo models."""
    met = [m.name for m in known_models(store)]
    wanted = set(providers)
    listed = [
        name if "/" in name else f"{entry[0]}/{name}"
        for name, entry in shipped_snapshot().models.items()
        if (provider_of(name) if "/" in name else entry[0]) in wanted
    ]
    return list(dict.fromkeys([*(n for n in met if not is_simulated(n)), *sorted(listed), *DEMO_MODELS]))


def _view(name: str, book: PriceBook, *, typed: bool, in_use: bool) -> ModelView:
    price = book.price(name)
    if typed:
        source = "typed in"
    elif price is None:
        source = "unknown"
    elif is_simulated(name):
        source = "simulated"
    else:
        source = "shipped" if book.facts(name) is not None else "local"
    return ModelView(name, price, source, book.retirement_date(name), in_use)
