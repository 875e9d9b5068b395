"""The one face of all models: one attempt, one provider request, one record."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from experiments.completions.answers import Answer, completion_of, without_keys
from experiments.completions.engine import Call, Engine, PassOn
from experiments.completions.exchange import Exchange
from experiments.completions.failures import past_deadline, refused_before_sending
from experiments.completions.parameters import refused_parameter
from experiments.completions.providers import (
    DEMO,
    DEMO_EMBEDDINGS,
    DEMO_MODELS,
    INTERACTIVE_PROVIDERS,
    KEY_VARIABLES,
    PLAIN_PROVIDERS,
    is_official,
    provider_of,
)
from experiments.completions.redaction import Redactor
from experiments.completions.settings import CompletionSettings
from experiments.errors import BakeoffError
from experiments.plans.pricing import Price, PriceBook
from experiments.vocabulary import Completion, Failure, FailureKind, Request

KINDS_OF_PROBLEMS = {"missing_key": FailureKind.AUTH, "refused_parameter": FailureKind.BAD_REQUEST}

EngineName = Literal["demo", "lean", "litellm"]


class Completions:
    """Models behind one call. Safe to share between all runs of an event loop; close it there with ``aclose``."""

    def __init__(self, settings: CompletionSettings, environ: Mapping[str, str], prices: PriceBook) -> None:
        self.settings = settings
        self._environ = environ
        self._prices = prices
        self._redact = Redactor(environ)
        self._engines: dict[EngineName, Engine] = {}
        self._problems: dict[str, BakeoffError | None] = {}

    async def attempt(
        self,
        request: Request,
        *,
        deadline_s: float,
        sample: int = 0,
        prices: PriceBook | None = None,
        pass_on: PassOn | None = None,
    ) -> Completion | Failure:
        """The record of exactly one provider call, or why it gave no answer; never a hidden retry.

        Ends at most a moment after ``deadline_s`` seconds of wall time, whatever the server does. ``sample`` is the
        number of the repetition (the demo models vary by it). ``prices`` replaces the prices given at opening.
        ``pass_on`` gets the chunks of a streamed answer as they come.
        """
        impossible = self._impossible(request)
        if impossible is not None:
            return impossible
        engine = self._engine(self.engine_for(request.model))
        await engine.open()
        call = Call(request, Exchange(), sample, pass_on)
        started = time.perf_counter()
        outcome: Answer | Failure | None = None
        try:
            async with asyncio.timeout(deadline_s) as deadline:
                outcome = await engine.answer(call)
        except TimeoutError:
            if not deadline.expired():
                raise
        latency_ms = (time.perf_counter() - started) * 1000
        if deadline.expired() or outcome is None:
            # also when a library turned our cancellation into an error of its own
            outcome = past_deadline(call.exchange, deadline_s, self._redact)
        if isinstance(outcome, Failure):
            return replace(outcome, latency_ms=latency_ms)
        price = self.price(request.model, prices=prices)
        clean = without_keys(outcome, self.without_keys)
        repaired = call.exchange.repaired or clean is not outcome
        return completion_of(clean, request, price, latency_ms=latency_ms, repaired=repaired)

    def without_keys(self, text: str) -> str:
        """A text without our own keys."""
        return self._redact.without_secrets(text)

    def engine_for(self, model: str) -> EngineName:
        """The engine that calls a model: ``demo``, ``lean`` or ``litellm``."""
        provider = provider_of(model)
        if provider == DEMO:
            return "demo"
        plain = PLAIN_PROVIDERS.get(provider or "")
        if plain is None or self.settings.engine == "litellm":
            return "litellm"
        base = self.settings.api_bases.get(provider or "") or plain.official_base
        if base is None or (self.settings.engine == "auto" and is_official(base)):
            # litellm maps parameters model by model for the official endpoint
            return "litellm"
        return "lean"

    def endpoint_for(self, model: str) -> str:
        """What shares one limiter: the provider and, where it has one of its own, its host."""
        provider = provider_of(model) or model
        base = self.base_for(model)
        return f"{provider} {base.rpartition('@')[2]}" if base else provider

    def base_for(self, model: str) -> str | None:
        """The address that the environment gives for a model's provider, or None for the provider's own."""
        return self.settings.api_bases.get(provider_of(model) or "")

    def simulated(self, model: str) -> bool:
        """Whether answers of this model are simulated, which every page must say."""
        return provider_of(model) == DEMO

    def price(self, model: str, *, prices: PriceBook | None = None) -> Price | None:
        """The price that counts for a model here, or None; assumed where calls go to an endpoint of one's own."""
        base = self.base_for(model)
        return (prices or self._prices).price(model, custom_base=base is not None and not is_official(base))

    def check(self, model: str, parameters: Mapping[str, Any] | None = None) -> BakeoffError | None:
        """Why calls of this model cannot work, as far as one can know without a call; None when they may.

        Codes: ``unknown_provider``, ``unknown_demo_model``, ``interactive_provider``, ``missing_key`` (the message
        names the variable), ``missing_base``, ``refused_parameter``.
        """
        if model not in self._problems:
            self._problems[model] = self._problem(model)
        refused = refused_parameter(parameters or {})
        return self._problems[model] or (BakeoffError("refused_parameter", refused) if refused else None)

    async def aclose(self) -> None:
        """Closes the connections of all engines."""
        engines, self._engines = list(self._engines.values()), {}
        for engine in engines:
            await engine.aclose()

    def _impossible(self, request: Request) -> Failure | None:
        problem = self.check(request.model, request.parameters)
        if (
            problem is None
            and provider_of(request.model) == DEMO
            and request.embeds != (request.model in DEMO_EMBEDDINGS)
        ):
            does = "answers and gives no vectors" if request.embeds else "gives vectors and no answers"
            problem = BakeoffError("wrong_kind_of_model", f"The simulated model {request.model!r} {does}.")
        if problem is None:
            return None
        kind = KINDS_OF_PROBLEMS.get(problem.code, FailureKind.MODEL_NOT_FOUND)
        return refused_before_sending(str(problem), self._redact, kind)

    def _problem(self, model: str) -> BakeoffError | None:
        provider = provider_of(model)
        if provider is None:
            return BakeoffError(
                "unknown_provider",
                f"No provider is known for the model {model!r}.",
                "Name it as provider/model, like openai/gpt-4o-mini, or demo/small to try without a key.",
            )
        if provider == DEMO and model not in (*DEMO_MODELS, *DEMO_EMBEDDINGS):
            return BakeoffError(
                "unknown_demo_model",
                f"There is no simulated model {model!r}.",
                f"There are {', '.join(DEMO_MODELS[:-1])} and {DEMO_MODELS[-1]}.",
            )
        if provider in INTERACTIVE_PROVIDERS:
            return BakeoffError(
                "interactive_provider",
                f"{provider} asks a person to log in during the call.",
                "Use a provider with an API key.",
            )
        return self._missing(provider)

    def _missing(self, provider: str) -> BakeoffError | None:
        base = self.settings.api_bases.get(provider)
        plain = PLAIN_PROVIDERS.get(provider)
        if plain is not None and base is None and plain.official_base is None:
            variable = plain.base_variables[0]
            return BakeoffError(
                "missing_base",
                f"{provider} needs the address of its server, and {variable} is not set.",
                f"Set {variable} to its address, like http://127.0.0.1:8000/v1, and start again.",
            )
        keys = KEY_VARIABLES.get(provider)
        own_endpoint = base is not None and not is_official(base)
        if keys is None or own_endpoint or any(key in self.settings.keys_present for key in keys):
            return None
        return BakeoffError(
            "missing_key",
            f"{provider} needs a key, and {keys[0]} is not set.",
            f"Set {keys[0]} in the environment and start again, or choose a demo model.",
        )

    def _engine(self, name: EngineName) -> Engine:
        if name not in self._engines:
            self._engines[name] = self._open(name)
        return self._engines[name]

    def _open(self, name: EngineName) -> Engine:
        # imported when first used: each has its price in memory, litellm above all
        if name == "demo":
            from experiments.completions.demo import DemoEngine

            return DemoEngine(time_scale=self.settings.demo_time_scale)
        if name == "lean":
            from experiments.completions.lean import LeanEngine

            return LeanEngine(self.settings, self._environ, self._redact)
        from experiments.completions.litellm_engine import LitellmEngine

        return LitellmEngine(self.settings, self._environ, self._redact)


def open_completions(
    settings: CompletionSettings, *, environ: Mapping[str, str] | None = None, prices: PriceBook | None = None
) -> Completions:
    """The door to all models. Opens no connection and imports no library until the first call.

    ``environ`` holds the keys (default: the process's environment; litellm always reads that one), ``prices`` the
    prices that count (default: the shipped ones).
    """
    return Completions(settings, os.environ if environ is None else environ, prices or PriceBook())
