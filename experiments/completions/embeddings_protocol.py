"""The OpenAI embeddings protocol: one text goes out, one vector comes back, kept as text (``experiments.vectors``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.completions.answers import Answer, reported_usage
from experiments.completions.chat_protocol import ErrorInBody, MalformedResponse
from experiments.vectors import packed
from experiments.vocabulary import Request, Usage


def embedded_text(request: Request) -> str:
    """The text whose vector is asked for."""
    return str(request.messages[0]["content"])


def embedding_body(request: Request, model: str) -> dict[str, Any]:
    """The JSON body for a plain endpoint. A list of one text is what most servers understand."""
    return {"model": model, "input": [embedded_text(request)], "encoding_format": "float"}


def embedding_of(body: Mapping[str, Any], *, request_id: str | None) -> Answer:
    """The vector in a response, as the text of an answer; an embedding has no completion tokens.

    Raises:
        MalformedResponse: without exactly one vector of numbers.
        ErrorInBody: the body is an error.
    """
    data = body.get("data")
    if data is None and body.get("error"):
        raise ErrorInBody(body)
    if not isinstance(data, Sequence) or len(data) != 1 or not isinstance(data[0], Mapping):
        raise MalformedResponse("The response does not hold one vector.")
    vector = data[0].get("embedding")
    text = packed(vector) if isinstance(vector, Sequence) and not isinstance(vector, str) else None
    if text is None:
        raise MalformedResponse("The response holds a vector that is not made of numbers.")
    model = body.get("model")
    return Answer(
        text=text,
        finish_reason="stop",
        usage=Usage(prompt_tokens=reported_usage(body.get("usage")).prompt_tokens, completion_tokens=0),
        served_model=model if isinstance(model, str) else None,
        provider_request_id=request_id,
    )
