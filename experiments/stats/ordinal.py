"""Graded answers (1 to 5): who is rated higher, how often, and by rank tests that keep ties in mind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments.stats.clustered import Floats
from experiments.stats.estimates import Estimate, NotEstimable, Outcome, State
from experiments.stats.sequential import Reading
from experiments.stats.sign_flips import FLIPS, flip_sums


@dataclass(frozen=True, slots=True)
class Shares:
    """How many rows the treatment won, tied and lost, and the matched rank-biserial correlation (−1 to 1)."""

    wins: int
    ties: int
    losses: int
    rank_biserial: float


def shares(differences: Floats) -> Shares:
    """Wins, ties and losses of row differences; the correlation is 0 when all tie.

    Source: Kerby (2014), Compr. Psychol. 3, the simple difference formula on Pratt's ranks.
    """
    signed, _ = _pratt(differences)
    total = float(np.abs(signed).sum())
    return Shares(
        int((differences > 0).sum()),
        int((differences == 0).sum()),
        int((differences < 0).sum()),
        float(signed.sum()) / total if total > 0 else 0.0,
    )


def wilcoxon_pratt(differences: Floats, *, seed: int = 0, flips: int = FLIPS) -> float | NotEstimable:
    """Two-sided p-value of the signed-rank test, zeros ranked and then left out, by permutation.

    All sign patterns up to 16 differences other than 0, else seeded ones; never the normal approximation,
    which ties and zeros make wrong.

    Source: Pratt (1959), J. Am. Stat. Assoc. 54, 655–667.
    """
    signed, nonzero = _pratt(differences)
    if nonzero == 0:
        return NotEstimable(State.ALL_TIES, "both variants are rated the same on every row")
    flipped = flip_sums(np.sort(np.abs(signed[signed != 0]))[:, None], seed=seed, flips=flips)
    extra = 0 if flipped.exact else 1
    as_extreme = int((np.abs(flipped.sums[:, 0]) >= abs(float(signed.sum())) - 1e-9).sum())
    return (as_extreme + extra) / (len(flipped.sums) + extra)


def _pratt(differences: Floats) -> tuple[Floats, int]:
    ranks = stats.rankdata(np.abs(differences))
    return np.sign(differences) * ranks, int((differences != 0).sum())


def brunner_munzel(control: Floats, treatment: Floats, *, reading: Reading) -> Outcome:
    """P(treatment > control) + half P(tie), less one half, with its t interval and the Brunner–Munzel p-value.

    ``control`` and ``treatment`` of the result are 0.5 and the win probability. Groups that do not overlap at
    all leave no spread to estimate; that and total ties are named states.

    Source: Brunner & Munzel (2000), Biom. J. 42, 17–25; Neubert & Brunner (2007) on the degrees of freedom.
    """
    n0, n1 = len(control), len(treatment)
    if min(n0, n1) < 2:
        return NotEstimable(State.TOO_FEW_UNITS, "each variant needs at least two units")
    if np.ptp(np.concatenate((control, treatment))) == 0:
        return NotEstimable(State.ALL_TIES, "every unit of both variants has the same value")
    overall = stats.rankdata(np.concatenate((control, treatment)))
    placements = (
        (overall[:n0] - stats.rankdata(control)) / n1,
        (overall[n0:] - stats.rankdata(treatment)) / n0,
    )
    win = float(placements[1].mean())
    parts = [float(np.var(placement, ddof=1)) / len(placement) for placement in placements]
    variance = sum(parts)
    if variance <= 1e-18:
        return NotEstimable(State.NO_VARIATION, "the variants do not overlap: every unit of one beats the other")
    df = variance**2 / (parts[0] ** 2 / (n0 - 1) + parts[1] ** 2 / (n1 - 1))
    error = variance**0.5
    half = reading.multiplier(n_units=n0 + n1, df=df) * error
    return Estimate(
        estimate=win - 0.5,
        lower=max(-0.5, win - 0.5 - half),
        upper=min(0.5, win - 0.5 + half),
        p_value=reading.p_value((win - 0.5) / error, n_units=n0 + n1, df=df),
        standard_error=error,
        control=0.5,
        treatment=win,
        method="brunner_munzel",
        alpha=reading.alpha,
        n_units=n0 + n1,
        n_clusters=n0 + n1,
        details={"win_probability": win, "mean_difference": float(treatment.mean() - control.mean())},
    )
