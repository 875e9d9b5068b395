"""N-grams and what two texts share of them: the common ground of ROUGE, BLEU and chrF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

LONGEST_TEXT = 200_000
"""Characters; longer texts are not compared n-gram by n-gram."""
TOO_LONG = f"longer than {LONGEST_TEXT:,} characters, too long to compare"


def ngrams(items: Sequence[Hashable], n: int) -> Counter[Hashable]:
    """How often each run of ``n`` neighbours occurs; empty when there are fewer items. Texts give their substrings."""
    if isinstance(items, str):
        return Counter(items[i : i + n] for i in range(len(items) - n + 1))
    return Counter(zip(*(items[i:] for i in range(n)), strict=False))


def shared(first: Counter[Hashable], second: Counter[Hashable]) -> int:
    """How many n-grams both have, each as often as it occurs in both."""
    if len(second) < len(first):
        first, second = second, first
    return sum(min(times, second[gram]) for gram, times in first.items() if gram in second)


def f_measure(precision: float, recall: float, *, beta: float = 1.0) -> float:
    """(1 + β²) P R / (β² P + R), the weighted harmonic mean; 0 when both are 0."""
    if precision + recall == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
