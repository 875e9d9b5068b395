"""One output through one scorer, as an experiment file would write it."""

from __future__ import annotations

from typing import Any

from experiments.scoring import ScoringContext, bind
from experiments.vocabulary import Score


def score(entry: str | dict[str, Any], output: str, reference: str | None = None, **context: Any) -> Score:
    """The score of one output."""
    return bind(entry).score(ScoringContext(output, reference, **context))


def value(entry: str | dict[str, Any], output: str, reference: str | None = None, **context: Any) -> float | None:
    """Only the score's value."""
    return score(entry, output, reference, **context).value
