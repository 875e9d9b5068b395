"""What the door asks of an engine: one call, one provider request, one honest account of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from experiments.completions.answers import Answer
from experiments.completions.exchange import Exchange
from experiments.vocabulary import Failure, Request

PassOn = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Takes each chunk of a streamed answer (chat completions protocol) as it comes; the stream waits for it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way, the number of its repetition, and the account that the engine fills in.

    ``pass_on`` gets the chunks of a streamed answer before they are put together.
    """

    request: Request
    exchange: Exchange
    sample: int = 0
    pass_on: PassOn | None = None


class Engine(Protocol):
    """One way to models. Engines keep no deadline, no retries and no prices: the door does."""

    async def open(self) -> None:
        """Makes ready for calls; what takes long once (an import) happens here, outside of any deadline."""

    async def answer(self, call: Call) -> Answer | Failure:
        """The answer, or why there is none. Sends exactly one request to the provider."""

    async def aclose(self) -> None:
        """Releases connections; a closed engine opens them again when it is used again."""
