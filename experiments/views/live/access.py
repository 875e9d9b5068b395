"""What answering without a database needs beside the live tests: who holds which key, and which prices count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from experiments.plans.pricing import Price, PriceBook
from storage.records import ApiKeyRecord, TypedPrice
from storage.store import Store

TIMES = ("created_at", "expires_at", "revoked_at")


@dataclass(frozen=True, slots=True)
class Access:
    """Keys by their id (hashes only, no secret is in here), and prices typed in: model → dollars per million tokens."""

    keys: Mapping[str, ApiKeyRecord] = field(default_factory=dict)
    prices: Mapping[str, TypedPrice] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; ``from_json`` reads it."""
        return {
            "keys": [_key_to_json(record) for record in self.keys.values()],
            "prices": {model: list(price) for model, price in self.prices.items()},
        }

    def price_book(self) -> PriceBook:
        """The prices typed in, over the shipped snapshot's."""
        return PriceBook({model: Price(*price) for model, price in self.prices.items()})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Access:
        """What ``to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        keys = [_key_from_json(k) for k in values["keys"]]
        prices = {str(model): _price_from_json(*price) for model, price in values["prices"].items()}
        return cls({k.id: k for k in keys}, prices)


def load_access(store: Store) -> Access:
    """The present keys, revoked ones too, and prices."""
    with store.read() as tx:
        return Access({k.id: k for k in tx.keys.all()}, tx.installation.prices())


def _key_to_json(record: ApiKeyRecord) -> dict[str, Any]:
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return values | {name: values[name].isoformat() if values[name] else None for name in TIMES}


def _price_from_json(paid_in: float, paid_out: float, cached: float | None = None) -> TypedPrice:
    return TypedPrice(float(paid_in), float(paid_out), None if cached is None else float(cached))


def _key_from_json(values: Mapping[str, Any]) -> ApiKeyRecord:
    times = {name: datetime.fromisoformat(values[name]) if values[name] else None for name in TIMES}
    return ApiKeyRecord(**{**values, **times})
