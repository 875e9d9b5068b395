"""One thing to be judged: an answer, what it answers, and, where two are compared, the other answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class JudgeCase:
    """What a judge sees. ``inputs`` are the values that fill the prompts of any variant, under their names.

    They are the same for all variants and the prompts themselves are not shown, so that a judge does not know whose
    answer it reads. ``material`` are further columns of the row. ``other`` is the control's answer, for pairs.
    """

    answer: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    material: Mapping[str, str] = field(default_factory=dict)
    other: str | None = None
