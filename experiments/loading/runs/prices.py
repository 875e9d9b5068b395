"""Which prices count for an experiment."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.experiment_file import PriceSpec
from experiments.loading.runs.blueprint import Blueprint
from experiments.plans.pricing import Price, PriceBook
from storage.store import Transaction


def installation_prices(tx: Transaction) -> PriceBook:
    """The prices typed in, over the shipped snapshot's."""
    return PriceBook({model: Price(*price) for model, price in tx.installation.prices().items()})


def price_book(tx: Transaction, blueprint: Blueprint) -> PriceBook:
    """Prices of an experiment: its file's, over the ones typed in, over the shipped snapshot's."""
    return installation_prices(tx).with_prices(file_prices(blueprint.spec.prices))


def file_prices(written: Mapping[str, PriceSpec]) -> dict[str, Price]:
    """The prices of an experiment file, by model: in runs, in live traffic and for silent answers alike."""
    return {
        model: Price(price.input_per_million, price.output_per_million, price.cached_input_per_million)
        for model, price in written.items()
    }
