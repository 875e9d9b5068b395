"""The only door to model providers: ``open_completions(settings).attempt(request, deadline_s=…)``.

One face, three engines: ``lean`` (aiohttp, for plain OpenAI-compatible endpoints), ``litellm`` (every other provider)
and ``demo`` (simulated models for trying without a key). A conformance test holds lean and litellm to the same records.
Retries, limits, cache and storage are the caller's: see ``retry`` and ``limiter``.
"""

from experiments.completions.door import Completions, open_completions
from experiments.completions.request_hash import request_hash
from experiments.completions.settings import CompletionSettings

__all__ = ["CompletionSettings", "Completions", "open_completions", "request_hash"]
