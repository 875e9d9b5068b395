"""The simulated embedding model: words and runs of three characters, counted into the places of a vector.

Texts that share words are near, which is all that it knows of meaning: synonyms are as far apart as strangers.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter

from experiments.completions.answers import Answer
from experiments.completions.embeddings_protocol import embedded_text
from experiments.plans.token_estimates import prompt_tokens
from experiments.vectors import packed
from experiments.vocabulary import Request, Usage

DIMENSIONS = 384
MS = 35.0


def simulated_embedding(request: Request) -> Answer:
    """The vector of the request's text; the same text always has the same one."""
    text = packed(vector_of(embedded_text(request)))
    assert text is not None
    usage = Usage(prompt_tokens=prompt_tokens(request), completion_tokens=0)
    return Answer(
        text=text, finish_reason="stop", usage=usage, served_model=request.model, latency_ms=MS, simulated=True
    )


def vector_of(text: str) -> list[float]:
    """Damped counts of the text's words and character trigrams; zeros for a text without any."""
    words = text.casefold().split()
    pieces = Counter(words)
    for word in words:
        framed = f" {word} "
        pieces.update(framed[i : i + 3] for i in range(len(framed) - 2))
    vector = [0.0] * DIMENSIONS
    for piece, count in pieces.items():
        digest = hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=4).digest()
        vector[int.from_bytes(digest, "big") % DIMENSIONS] += 1 + math.log(count)
    return vector
