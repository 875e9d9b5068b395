"""How good each simulated model is. They differ in skill, speed and price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skill:
    """Probabilities, and medians of time in milliseconds.

    ``follows``: does what an instruction asks. ``habit``: does the same unasked. ``keeps_format``: gives only the
    label, only the number, clean JSON when asked to. ``misreads``: takes a text for something else, before guidance
    helps. ``slips`` and ``slips_with_steps``: miscalculates at once, and step by step. ``speaks``: answers in the
    language that is called for.
    """

    follows: float
    habit: float
    keeps_format: float
    misreads: float
    slips: float
    slips_with_steps: float
    speaks: float
    first_token_ms: float
    token_ms: float
    spread: float


SKILLS: Mapping[str, Skill] = {
    "demo/small": Skill(
        follows=0.86,
        habit=0.22,
        keeps_format=0.90,
        misreads=0.20,
        slips=0.55,
        slips_with_steps=0.14,
        speaks=0.80,
        first_token_ms=160.0,
        token_ms=5.0,
        spread=0.30,
    ),
    "demo/large": Skill(
        follows=0.97,
        habit=0.34,
        keeps_format=0.985,
        misreads=0.08,
        slips=0.35,
        slips_with_steps=0.05,
        speaks=0.96,
        first_token_ms=420.0,
        token_ms=13.0,
        spread=0.35,
    ),
    "demo/judge": Skill(
        follows=0.95,
        habit=0.30,
        keeps_format=0.985,
        misreads=0.12,
        slips=0.40,
        slips_with_steps=0.08,
        speaks=0.94,
        first_token_ms=240.0,
        token_ms=6.0,
        spread=0.30,
    ),
}
