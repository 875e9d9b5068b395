"""Which prices count for an experiment."""

from __future__ import annotations

from experiments.lookup.blueprint import Blueprint
from experiments.pricing import Price, PriceBook
from storage.store import Transaction


def installation_prices(tx: Transaction) -> PriceBook:
    """The prices typed in, over the shipped snapshot's."""
    return PriceBook({model: Price(*pair) for model, pair in tx.installation.prices().items()})


def price_book(tx: Transaction, blueprint: Blueprint) -> PriceBook:
    """Prices of an experiment: its file's, over the ones typed in, over the shipped snapshot's."""
    own = {m: Price(p.input_per_million, p.output_per_million) for m, p in blueprint.spec.prices.items()}
    return installation_prices(tx).with_prices(own)
