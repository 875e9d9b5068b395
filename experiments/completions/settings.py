"""What the environment says about providers: bases, which keys are there (never their values), engine, demo speed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import urlsplit

from experiments.completions.providers import KEY_VARIABLES, PLAIN_PROVIDERS
from experiments.errors import BakeoffError

EngineChoice = Literal["auto", "lean", "litellm"]
BASE_ENDINGS = ("_API_BASE", "_BASE_URL")


@dataclass(frozen=True)
class CompletionSettings:
    """How calls are made. Holds no secret, so it may be shown and logged.

    ``engine``: ``auto`` sends plain OpenAI-compatible endpoints of one's own through the lean engine and everything
    else through litellm; ``lean`` and ``litellm`` force that engine wherever it can speak to the provider.
    ``api_bases``: provider → base URL, without a trailing slash. ``keys_present``: names of the key variables that
    are set. ``demo_time_scale``: factor on the demo models' sleeping, 0 for none.
    """

    engine: EngineChoice = "auto"
    api_bases: Mapping[str, str] = field(default_factory=dict)
    keys_present: frozenset[str] = frozenset()
    demo_time_scale: float = 1.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> CompletionSettings:
        """The settings of an environment.

        Raises:
            BakeoffError: ``bad_setting`` for an unknown engine, a time scale that is no number, or a base that is
                no http address.
        """
        return cls(
            engine=_engine(environ.get("BAKEOFF_ENGINE", "") or "auto"),
            api_bases=_bases(environ),
            keys_present=frozenset(v for names in KEY_VARIABLES.values() for v in names if environ.get(v))
            | frozenset(p.key_variable for p in PLAIN_PROVIDERS.values() if environ.get(p.key_variable)),
            demo_time_scale=_time_scale(environ.get("BAKEOFF_DEMO_TIME_SCALE", "") or "1"),
        )


def _engine(text: str) -> EngineChoice:
    if text not in ("auto", "lean", "litellm"):
        raise BakeoffError(
            "bad_setting", f"BAKEOFF_ENGINE is {text!r}.", "Set it to auto, lean or litellm, or leave it out."
        )
    return cast(EngineChoice, text)


def _time_scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 <= scale <= 100:
        raise BakeoffError(
            "bad_setting",
            f"BAKEOFF_DEMO_TIME_SCALE is {text!r}.",
            "Set it to a number from 0 (no waiting) to 100, or leave it out.",
        )
    return scale


def _bases(environ: Mapping[str, str]) -> dict[str, str]:
    bases = {
        name.removesuffix(ending).lower(): _address(name, value)
        for name, value in environ.items()
        for ending in BASE_ENDINGS
        if name.endswith(ending) and value
    }
    for provider, plain in PLAIN_PROVIDERS.items():
        first = next((v for v in plain.base_variables if environ.get(v)), None)
        if first is not None:
            bases[provider] = _address(first, environ[first])
    return bases


def _address(name: str, value: str) -> str:
    base = value.strip().rstrip("/")
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise BakeoffError("bad_setting", f"{name} is no web address.", "It must look like http://127.0.0.1:8000/v1.")
    return base
