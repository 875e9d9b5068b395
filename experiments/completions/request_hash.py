"""The identity of a paid call: two calls share an answer in the cache only when this is equal."""

from __future__ import annotations

from experiments.vocabulary import Request, content_hash

VERSION = 1


def request_hash(request: Request, *, api_base: str | None, sample: int) -> str:
    """SHA-256 (64 hex digits) of everything that shapes an answer.

    The model, all messages, all parameters (tools, response_format, seed … included), the address that it is sent to
    (None for the provider's own) and the number of the repetition: without that, repeats would copy one answer.

    Raises:
        ValueError: a parameter is NaN or infinite.
    """
    return content_hash(
        {
            "version": VERSION,
            "api_base": None if api_base is None else api_base.rstrip("/"),
            "sample": sample,
            **request.payload(),
        }
    )
