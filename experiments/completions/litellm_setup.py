"""litellm, imported once and made quiet, local and honest: the only place that imports it.

The import costs some five seconds of CPU and 170 MB, so it happens when the first call needs it, never before.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import warnings
from functools import cache
from typing import Any, Protocol, cast

ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the import asks a host of the internet for prices, three times
    "LITELLM_MODE": "PRODUCTION",  # else the import loads whatever .env file lies above the working folder
    "HF_HUB_OFFLINE": "1",  # else counting tokens of a llama model tries to download its tokenizer
}
LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai")


class Litellm(Protocol):
    """What we use of the litellm module."""

    suppress_debug_info: bool
    drop_params: bool
    num_retries: int
    http2: bool

    def completion(self, **arguments: object) -> object:
        """A call from a thread."""

    async def acompletion(self, **arguments: object) -> object:
        """A call from an event loop: a response, or chunks of one."""

    async def aembedding(self, **arguments: object) -> object:
        """Vectors, from an event loop."""

    async def close_litellm_async_clients(self) -> None:
        """Closes all cached connections."""


_IMPORTING = threading.Lock()


def litellm_module() -> Litellm:
    """Litellm with our settings: no network at import, no console output, no dropped parameters, no retries.

    May be called from any thread; a second caller waits for the first.
    """
    with _IMPORTING:
        return _prepared()


@cache
def _prepared() -> Litellm:
    os.environ.update(ENVIRONMENT)
    for name in ("DISABLE_AIOHTTP_TRANSPORT", "LITELLM_HTTP2"):
        os.environ.pop(name, None)  # the guard below stands in the aiohttp transport
    for noisy in (r"litellm(\.|$)", r"pydantic(\.|$)"):
        warnings.filterwarnings("ignore", module=noisy)
    litellm = cast(Litellm, importlib.import_module("litellm"))
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.num_retries = 0
    litellm.http2 = False
    from experiments.completions.litellm_guard import install_guard

    install_guard()
    _leave_bookkeeping_to_us()
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.CRITICAL)
    _warm_up(litellm)
    return litellm


UNUSED_BOOKKEEPING = ("update_response_metadata", "dispatch_success_logging")


def _leave_bookkeeping_to_us() -> None:
    """Keeps litellm from reckoning the cost of every answer and logging it to nobody: a third of what a call takes.

    Raises:
        AttributeError: litellm no longer has these functions; the pinned version must not be moved without this.
    """
    module: Any = importlib.import_module("litellm.utils")
    for name in UNUSED_BOOKKEEPING:
        getattr(module, name)
        setattr(module, name, lambda *_arguments, **_options: None)


def _warm_up(litellm: Litellm) -> None:
    """Has litellm load what it loads at its first answer, which would count as latency of the first call.

    The answer comes from a transport in memory; litellm's own mock would count tokens, and load 40 MB for that. So
    does the end of a stream, which is why none is tried here.
    """
    import httpx

    openai: Any = importlib.import_module("openai")
    message = {"role": "assistant", "content": "!"}
    body = {
        "id": "warm-up",
        "object": "chat.completion",
        "created": 1,
        "model": "warm-up",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body, request=request))
    with httpx.Client(transport=transport) as http_client:
        client = openai.OpenAI(api_key="-", base_url="http://warm-up.invalid/v1", http_client=http_client)
        question = [{"role": "user", "content": "?"}]
        litellm.completion(model="openai/warm-up", messages=question, client=client, max_retries=0)
