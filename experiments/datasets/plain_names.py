"""Names from other tools → the plain names that an experiment file allows."""

from __future__ import annotations

import re

from experiments.experiment_file import NAME

_MAX_CHARACTERS = 120
_EDGES = " ._-"


def nearest_plain_name(text: str, *, otherwise: str) -> str:
    """The name with other characters as dashes (``openai/x`` → ``openai-x``), at most 120 of them.

    ``otherwise`` when nothing plain is left of it.
    """
    plain = re.sub(r"[^A-Za-z0-9 ._-]+", "-", text).strip(_EDGES)[:_MAX_CHARACTERS].strip(_EDGES)
    return plain if NAME.match(plain) else otherwise
