"""What equal values can and cannot show: n rows that are all the same bound the mean, they do not settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.stats.sequential import Reading
from experiments.vocabulary import MetricKind

SCALES = ((0.0, 1.0), (1.0, 5.0), (0.0, 10.0), (0.0, 100.0))
"""The usual scales of grades and scores, narrowest first."""
_GRADED = frozenset({MetricKind.SCORE, MetricKind.ORDINAL})
_SHARES = frozenset({MetricKind.BINARY, MetricKind.PREFERENCE})


@dataclass(frozen=True, slots=True)
class Scale:
    """The ends that a value of a graded metric may have."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """The range of the scale."""
        return self.high - self.low


def scale_of(kind: MetricKind, lowest: float, highest: float) -> Scale | None:
    """The scale of a metric: 0 to 1 for shares, else the narrowest usual scale that holds the values seen.

    None for costs, latencies and ratios, which have no upper end, and for values that no usual scale holds.
    """
    if kind in _SHARES:
        return Scale(0.0, 1.0)
    if kind not in _GRADED:
        return None
    return next((Scale(*ends) for ends in SCALES if ends[0] <= lowest and highest <= ends[1]), None)


def unseen_share(n: float, *, reading: Reading) -> float:
    """The largest share of units that may differ where ``n`` independent ones were all the same; about 3/n at 95 %.

    Watched it is ln((n + 1)/alpha)/n: the mixture over all shares, which holds at every look.

    Source: Hanley & Lippman-Hand (1983), JAMA 249, 1743–1745 (rule of three, exact form); watched: Robbins (1970), Ann.
    Math. Statist. 41, section 6, for a stream without events.
    """
    odds = reading.alpha / (n + 1) if reading.sequential else reading.alpha
    return float(1 - odds ** (1 / n))


def hidden_variance(n: int, scale: Scale, *, reading: Reading) -> float:
    """The variance of an arm's mean that ``n`` equal values leave open: the range it gives is the rule of three's.

    Source: as ``unseen_share``; a range to both sides as a standard error, Newcombe (1998), Stat. Med. 17, 873–890.
    """
    multiplier = reading.multiplier(n_units=n, df=max(1, n - 1))
    return (unseen_share(n, reading=reading) * scale.width / multiplier) ** 2


@dataclass(frozen=True, slots=True)
class EqualRange:
    """Limits of the mean of equal differences, and the p-value that it is 0."""

    lower: float
    upper: float
    p_value: float


def equal_range(difference: float, ends: tuple[float, float], n: float, *, reading: Reading) -> EqualRange:
    """The mean difference that ``n`` equal differences leave credible, ``ends`` being what one row's may be.

    A share s = ``unseen_share`` of rows may differ, at worst all at one end. The p-value is the smallest alpha whose
    range leaves out 0: (1 − s)^n with s = |d| / (|d| + distance of 0 to the far end); 1 for equal values.

    Source: as ``unseen_share``; a mean of bounded values at worst, Stringer's bound in its simplest case.
    """
    share = unseen_share(n, reading=reading)
    lower = difference - share * (difference - ends[0])
    upper = difference + share * (ends[1] - difference)
    reach = difference - ends[0] if difference > 0 else ends[1] - difference
    needed = abs(difference) / reach if reach > 0 else 1.0
    raised = n + 1 if reading.sequential else 1.0
    return EqualRange(lower, upper, 1.0 if difference == 0 else min(1.0, raised * (1 - needed) ** n))


def equal_placements(win: float, n: tuple[int, int], *, reading: Reading) -> EqualRange:
    """The win probability less one half that equal placements leave credible: all tie (½), or no overlap (0 or 1).

    In each arm a share of ``unseen_share`` at alpha/2 may differ, which moves the win probability by half of 1 − (1 −
    s0)(1 − s1) from a tie and by all of it from 0 or 1. The p-value is the alpha at which that reaches one half.

    Source: as ``unseen_share``, for both arms at once by Bonferroni.
    """
    each = reading.at(reading.alpha / 2)
    moved = 1 - (1 - unseen_share(n[0], reading=each)) * (1 - unseen_share(n[1], reading=each))
    if win == 0.5:
        return EqualRange(-moved / 2, moved / 2, 1.0)
    raised = math.prod((size + 1) ** (1 / size) for size in n) if reading.sequential else 1.0
    p_value = min(1.0, 2 * (raised / 2) ** (1 / (1 / n[0] + 1 / n[1])))
    return EqualRange(0.5 - moved, 0.5, p_value) if win > 0.5 else EqualRange(-0.5, moved - 0.5, p_value)
