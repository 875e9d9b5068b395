"""Whether the traffic was split as planned (sample ratio mismatch), and whether failures fall on one variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

ALARM = 0.001
ALARM_WATCHED = 0.0005


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """p-value of the split, and whether it is off: below 0.001, or 0.0005 when the check is repeated."""

    p_value: float
    off: bool


def split_check(units: Mapping[str, int], weights: Mapping[str, float], *, watched: bool) -> SplitCheck:
    """Pearson's chi-squared test of units per variant against planned weights.

    A variant with weight 0 is left out of the degrees of freedom, and is off as soon as it has a unit. No
    units at all are as planned.

    Source: Fabijan et al. (2019), KDD, section 2; Kohavi, Tang & Xu (2020), Trustworthy Experiments, chapter
    21.
    """
    planned = {name: weight for name, weight in weights.items() if weight > 0}
    if any(count > 0 for name, count in units.items() if name not in planned):
        return SplitCheck(0.0, True)
    total, weight = sum(units.values()), sum(planned.values())
    if total == 0 or len(planned) < 2:
        return SplitCheck(1.0, False)
    observed = [units.get(name, 0) for name in planned]
    expected = [total * share / weight for share in planned.values()]
    p_value = float(stats.chisquare(observed, expected).pvalue)
    return SplitCheck(p_value, p_value < (ALARM_WATCHED if watched else ALARM))
