"""Graded answers (1 to 5): who is rated higher, how often, and by rank tests that keep ties in mind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from experiments.stats.clustered import Floats
from experiments.stats.estimates import Estimate, NotEstimable, Outcome, State
from experiments.stats.sequential import Reading
from experiments.stats.sign_flips import FLIPS, flip_sums
from experiments.stats.summaries import Grades

Counts = npt.NDArray[np.int64]
NO_SPREAD = 1e-18
_AT_ONCE = 500


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
    all leave no spread to estimate; that and total ties are named states. A watched reading gives the always-valid
    interval: the estimate is a mean of placements up to a rest of order log log n / n.

    Source: Brunner & Munzel (2000), Biom. J. 42, 17–25; Neubert & Brunner (2007) on the degrees of freedom.
    """
    return _compared(*_counted(grades_of(control), grades_of(treatment)), reading=reading)


def brunner_munzel_of_grades(control: Grades, treatment: Grades, *, reading: Reading) -> Outcome:
    """The same from counts per value, as a database makes them: ranks of a million users from a handful of rows.

    Source: as ``brunner_munzel``; a unit's placement depends on its value alone, so counts carry all ranks.
    """
    return _compared(*_counted(control, treatment), reading=reading)


def brunner_munzel_permutation(
    control: Grades, treatment: Grades, *, reading: Reading, seed: int = 0, draws: int = FLIPS
) -> Outcome:
    """The same for small arms: statistic and interval by seeded permutations of who is in which arm.

    The interval is the estimate ± the permutation quantile of the statistic times its error, so that it leaves out 0
    exactly when the test rejects (but for the p-value's one draw of its own). Read once only.

    Source: Neubert & Brunner (2007), Comput. Stat. Data Anal. 51, 5192–5204; interval: Pauly, Asendorf & Konietschke
    (2016), Biom. J. 58, 1319–1337.
    """
    values, counts = _counted(control, treatment)
    found = _compared(values, counts, reading=reading)
    if isinstance(found, NotEstimable):
        return found
    extremes = _extremes(counts.sum(axis=0), int(counts[0].sum()), seed=seed, draws=draws)
    observed = abs(found.estimate) / found.standard_error
    half = float(np.quantile(extremes, 1 - reading.alpha, method="higher")) * found.standard_error
    return replace(
        found,
        lower=max(-0.5, found.estimate - half),
        upper=min(0.5, found.estimate + half),
        p_value=(int((extremes >= observed - 1e-9).sum()) + 1) / (draws + 1),
        method="brunner_munzel_permutation",
    )


def grades_of(values: Floats) -> Grades:
    """The values with their counts, in order."""
    held, counts = np.unique(values, return_counts=True)
    return tuple(zip(held.tolist(), counts.tolist(), strict=True))


def _counted(*arms: Grades) -> tuple[Floats, Counts]:
    """All values in order, and per arm how many units have each."""
    values = np.unique([value for arm in arms for value, _ in arm])
    counts = np.zeros((len(arms), len(values)), dtype=np.int64)
    for row, arm in zip(counts, arms, strict=True):
        held = np.array(arm, dtype=np.float64).reshape(-1, 2)
        np.add.at(row, np.searchsorted(values, held[:, 0]), held[:, 1].astype(np.int64))
    return values, counts


class _Placed(NamedTuple):
    """Win probability, its variance and degrees of freedom (of Satterthwaite), for each table of counts."""

    win: Floats
    variance: Floats
    df: Floats


def _placed(counts: Counts) -> _Placed:
    """From counts (…, arm, value): a unit's placement is the share of the other arm below it, ties counted half."""
    n = counts.sum(axis=-1)
    below = np.cumsum(counts, axis=-1) - counts / 2
    placement = below[..., ::-1, :] / n[..., ::-1, None]
    mean = (counts * placement).sum(axis=-1) / n
    parts = (counts * (placement - mean[..., None]) ** 2).sum(axis=-1) / (n - 1) / n
    variance = parts.sum(axis=-1)
    squares = (parts**2 / (n - 1)).sum(axis=-1)
    df = np.divide(variance**2, squares, out=np.ones_like(variance), where=squares > 0)
    return _Placed(mean[..., 1], variance, df)


def _extremes(both: Counts, arm: int, *, seed: int, draws: int) -> Floats:
    """How many standard errors off one half the win probability is, for random arms of ``arm`` and the other units.

    Without any spread it is as far off as can be, unless it is one half.
    """
    rng, found = np.random.default_rng(seed), []
    for start in range(0, draws, _AT_ONCE):
        first = rng.multivariate_hypergeometric(both, arm, size=min(_AT_ONCE, draws - start))
        placed = _placed(np.stack((first, both - first), axis=1))
        away = np.abs(placed.win - 0.5)
        flat = placed.variance <= NO_SPREAD
        error = np.sqrt(np.where(flat, 1.0, placed.variance))
        found.append(np.where(flat, np.where(away > 0, np.inf, 0.0), away / error))
    return np.concatenate(found)


def _compared(values: Floats, counts: Counts, *, reading: Reading) -> Outcome:
    n0, n1 = (int(n) for n in counts.sum(axis=1))
    if min(n0, n1) < 2:
        return NotEstimable(State.TOO_FEW_UNITS, "each variant needs at least two units")
    if len(values) == 1:
        return NotEstimable(State.ALL_TIES, "every unit of both variants has the same value")
    win, variance, df = (float(number) for number in _placed(counts))
    if variance <= NO_SPREAD:
        return NotEstimable(State.NO_VARIATION, "the variants do not overlap: every unit of one beats the other")
    error = variance**0.5
    half = reading.multiplier(n_units=n0 + n1, df=df) * error
    means = counts @ values / (n0, n1)
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
        details={"win_probability": win, "mean_difference": float(means[1] - means[0])},
    )
