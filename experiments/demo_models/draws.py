"""Chance that can be repeated: every draw is a hash of what is asked, its name, and where it varies the repetition."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws of one answer.

    ``prompt`` identifies model, messages and seed, ``material`` the text the prompt is about. ``temperature`` is the
    share of draws that each repetition (``sample``) makes anew: at 0 all repetitions are the same answer, from 1 on
    none share a draw.
    """

    prompt: str
    material: str
    sample: int
    temperature: float

    def share(self, name: str) -> float:
        """A number in [0, 1) for this name."""
        again = f"{self.prompt}\0{name}\0{self.sample}"
        moves = _unit(f"{again}\0moves") < self.temperature
        return _unit(again) if moves else _unit(f"{self.prompt}\0{name}")

    def chance(self, name: str, probability: float) -> bool:
        """True with this probability."""
        return self.share(name) < probability

    def pick(self, name: str, options: Sequence[T]) -> T:
        """One of the options, each as likely."""
        return options[int(self.share(name) * len(options))]

    def difficulty(self) -> float:
        """How hard the material is, in [0.4, 1.6): the same whatever the prompt, so that variants stumble together."""
        return 0.4 + 1.2 * _unit(f"difficulty\0{self.material}")


def _unit(text: str) -> float:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
