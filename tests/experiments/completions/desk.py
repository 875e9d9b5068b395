"""Both engines at one desk, with the server that they talk to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from experiments.completions import Completions
from experiments.vocabulary import Completion, Failure, Request
from tests.fake_provider import FakeProvider

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

LITELLM_WARNS = (
    "ignore:Items? .* on TypedDict class .* `ReadOnly` qualifier:UserWarning",
    "ignore:Accessing the 'model_.* attribute on the instance is deprecated:DeprecationWarning",
    "ignore:Pydantic serializer warnings:UserWarning",
)
"""What litellm's types make pydantic warn of, at import and at calls; for ``pytest.mark.filterwarnings``."""
CANARY_KEY = "canary-4f9a-key-of-the-tests"
ENGINES = ("lean", "litellm")


@dataclass
class Desk:
    """Both engines, opened once in one event loop, and the server they talk to."""

    provider: FakeProvider
    run: Run[Any]
    completions: Mapping[str, Completions]

    def attempt(
        self, engine: str, model: str, *, text: str = "Say hello.", deadline_s: float = 10, **parameters: Any
    ) -> Completion | Failure:
        request = Request(f"openai/{model}", ({"role": "user", "content": text},), parameters)
        return self.run(self.completions[engine].attempt(request, deadline_s=deadline_s))
