"""How long answers have been, to reserve what the next one may cost."""

from __future__ import annotations

from experiments.vocabulary import Completion


class AnswerLengths:
    """Mean tokens of the answers so far, by whatever shapes their length: a variant, a judge's model.

    ``known`` is what earlier work found: key → (answers, mean).
    """

    ENOUGH = 5

    def __init__(self, known: dict[str, tuple[int, float]] | None = None) -> None:
        self._known = dict(known or {})

    def learn(self, key: str, completion: Completion) -> None:
        """Count an answer in; one whose length nobody told is left out."""
        tokens = completion.usage.completion_tokens
        if tokens is not None:
            count, mean = self._known.get(key, (0, 0.0))
            self._known[key] = (count + 1, mean + (tokens - mean) / (count + 1))

    def expected(self, key: str) -> float | None:
        """Half as much again as the mean, to err on the safe side; None while too few are known."""
        count, mean = self._known.get(key, (0, 0.0))
        return 1.5 * mean if count >= self.ENOUGH else None
