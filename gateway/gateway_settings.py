"""How much the live routes allow, from the environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from experiments.errors import BakeoffError
from gateway.key_check import KeyLimits


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """``deadline_s``: within which an answer, or the beginning of a stream, must be there, and each further piece.

    Ten minutes by default, as OpenAI's own clients have it: a gateway must not give up what a direct call would get.
    """

    deadline_s: float = 600.0
    limits: KeyLimits = field(default_factory=KeyLimits)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> GatewaySettings:
        """The settings of an environment. Raises BakeoffError (``bad_setting``) for what is no number above 0."""
        return cls(
            deadline_s=_number(environ, "BAKEOFF_GATEWAY_DEADLINE_S", 600.0),
            limits=KeyLimits(
                per_second=_number(environ, "BAKEOFF_KEY_CALLS_PER_SECOND", 1_000.0),
                at_once=int(_number(environ, "BAKEOFF_KEY_CALLS_AT_ONCE", 512.0)),
            ),
        )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value <= 0:
        raise BakeoffError("bad_setting", f"{name} is {text!r}.", "Set it to a number above 0, or leave it out.")
    return value
