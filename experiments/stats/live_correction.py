"""A judge's scores of live answers corrected by what people say of a random few: sums over users, per variant."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experiments.stats.clustered import Codes, Floats
from experiments.stats.summaries import UnitSums

FITTED = 2
"""Numbers that are fitted to the rated answers: the weight of the judge and the level."""
UNSEEN_SD = 3 / 1.96
"""The rule of three as a standard deviation of a mean: n equal values leave 3/n of the range at 95 %."""


@dataclass(frozen=True, slots=True)
class JudgedArm:
    """One variant: sums over its users' mean scores, and its rated answers as columns of equal length.

    A user with m judged answers counts each as 1/m (``share``). ``user`` is the code of an answer's user and
    ``user_score`` that user's mean score; ``judge`` and ``people`` are both values of the answer.
    """

    units: int
    total: float
    squares: float
    user: Codes
    share: Floats
    user_score: Floats
    judge: Floats
    people: Floats


@dataclass(frozen=True, slots=True)
class CorrectedArm:
    """The corrected sums, how far the judge was trusted (0: people only, 1: fully), and the share of answers rated."""

    sums: UnitSums
    weight: float
    rated_share: float


def corrected_arm(arm: JudgedArm, *, weight: float | None = None) -> CorrectedArm:
    """The sums of z = g + (y − g) ξ/π over users, with g = w f + c: the mean that people would give (PPI++).

    f is the judge's score, y the people's, ξ whether people rated the answer, π the share that they rated. w is the
    slope of y on f among rated answers, clipped to [0, 1] (given: ``weight``), and c makes their residuals sum to 0. So
    the mean is mean(y) + w (mean(f) − mean(f of rated answers)), people's mean where all are rated or w is 0. π is the
    realised share: sessions end before every drawn answer is rated, and which ones are is random. Needs three rated
    answers. Residuals that are all equal leave open what the rule of three does.

    Source: Angelopoulos, Duchi & Zrnic (2023), PPI++, arXiv 2311.01453, eq. 4; with sampling probabilities Zrnic &
    Candès (2024), Active statistical inference, arXiv 2403.03208, eq. 3.
    """
    labels, shares = len(arm.people), float(arm.share.sum())
    rated_share = shares / arm.units
    f, y = (float(arm.share @ values) / shares for values in (arm.judge, arm.people))
    spread = float(arm.share @ (arm.judge - f) ** 2)
    if weight is None:
        slope = float(arm.share @ ((arm.judge - f) * (arm.people - y))) / spread if spread > 0 else 0.0
        weight = min(1.0, max(0.0, slope))
    level = y - weight * f
    residuals = arm.people - weight * arm.judge - level
    users, code = np.unique(arm.user, return_inverse=True)
    r = np.bincount(code, weights=arm.share * residuals, minlength=len(users)) / rated_share
    g = np.zeros(len(users))
    g[code] = weight * arm.user_score + level
    squares = weight**2 * arm.squares + 2 * weight * level * arm.total + level**2 * arm.units
    squares += float(2 * g @ r) + float(r @ r) * labels / (labels - FITTED)
    total = weight * arm.total + level * arm.units + float(r.sum())
    sums = UnitSums(
        arm.units, total, squares, arm.units, arm.units, total, hidden=_hidden(arm, residuals, labels, rated_share)
    )
    return CorrectedArm(sums, weight, rated_share)


def _hidden(arm: JudgedArm, residuals: Floats, labels: int, rated_share: float) -> float:
    """The variance of the mean that equal residuals leave open; none where every answer was rated."""
    values = np.concatenate((arm.judge, arm.people))
    width = float(np.ptp(values)) or 1.0
    if float(np.ptp(residuals)) > 1e-9 * width or math.isclose(rated_share, 1.0):
        return 0.0
    return float((UNSEEN_SD * width / labels) ** 2)
