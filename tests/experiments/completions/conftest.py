from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from experiments.completions import CompletionSettings, open_completions
from experiments.plans.pricing import Price, PriceBook
from tests.experiments.completions.desk import CANARY_KEY, ENGINES, Desk
from tests.fake_provider import FakeProvider


@pytest.fixture(scope="session")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


@pytest.fixture(scope="session")
def desk(provider: FakeProvider) -> Iterator[Desk]:
    environ = {"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": CANARY_KEY}
    prices = PriceBook({"openai/priced": Price(1.0, 2.0)})
    opened = {
        engine: open_completions(
            CompletionSettings.from_env({**environ, "BAKEOFF_ENGINE": engine}), environ=environ, prices=prices
        )
        for engine in ENGINES
    }
    with asyncio.Runner() as runner:
        yield Desk(provider, runner.run, opened)
        for completions in opened.values():
            runner.run(completions.aclose())
