"""An answer with what people and a judge said of it: what suggestions are drawn from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One rated answer. ``people`` is their mean, ``judge`` the judge's value (None unjudged), both 0 to 1.

    ``comments`` are what raters wrote, without empty ones.
    """

    answer: str
    people: float
    judge: float | None
    comments: tuple[str, ...] = ()

    @property
    def liked(self) -> bool:
        """Whether people liked it more than not."""
        return self.people > 0.5

    @property
    def disliked(self) -> bool:
        """Whether people disliked it more than not."""
        return self.people < 0.5

    @property
    def misjudged(self) -> bool:
        """Whether the judge says the opposite of people."""
        return self.judge is not None and (self.judge > 0.5) != self.liked and self.people != 0.5
