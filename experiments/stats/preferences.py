"""A ranking from pairwise votes: Bradley–Terry worths with Davidson's ties, weakly penalised, ranks as ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.sparse import csgraph

from experiments.stats.bootstrap import resampled_sums
from experiments.stats.clustered import Codes, Floats
from experiments.stats.estimates import Interval, NotEstimable, State

RIDGE = 0.1
RESAMPLES = 1_000
ITERATIONS = 60
LARGEST_STEP = 2.0


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Counts between variants: ``wins[i, j]`` how often i beat j, ``ties[i, j]`` (symmetric) how often they tied."""

    wins: Floats
    ties: Floats

    @classmethod
    def of(cls, first: Codes, second: Codes, share: Floats, n_variants: int) -> PairCounts:
        """From votes: two variants and the first one's share (1 won, 0 lost, anything between a tie)."""
        counts = _counts(first, second, share, n_variants).sum(axis=0)
        return cls(*_square(counts, n_variants))


@dataclass(frozen=True, slots=True)
class Fit:
    """Log worths with the first variant at 0, their covariance (first variant left out), and the tie parameter."""

    log_worths: Floats
    covariance: Floats
    tie: float
    separated: bool

    def interval(self, variant: int, *, alpha: float = 0.05) -> Interval:
        """Log worth against the first variant with its Wald limits (votes independent)."""
        error = 0.0 if variant == 0 else float(self.covariance[variant - 1, variant - 1]) ** 0.5
        half = float(stats.norm.ppf(1 - alpha / 2)) * error
        worth = float(self.log_worths[variant])
        return Interval(worth, worth - half, worth + half)

    def win_probability(self, variant: int) -> float:
        """Chance that the variant beats the first one, ties counted half."""
        return float(_win_probability(self.log_worths[None, variant], np.array([self.tie]))[0])


@dataclass(frozen=True, slots=True)
class RankRange:
    """One variant: chance to beat the first one (None for itself) and the range of its rank, 1 being the best."""

    variant: int
    log_worth: float
    win_probability: Interval | None
    best_rank: int
    worst_rank: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Standings in the order of the variants; ``separated`` when some group never lost to the others."""

    standings: tuple[RankRange, ...]
    tie: float
    separated: bool
    items: int


def connection(votes: PairCounts) -> State:
    """``ok``, ``disconnected`` (some variants were never compared, even indirectly), or ``separated``.

    Source: Ford (1957), Am. Math. Mon. 64: finite worths exist exactly when the graph of wins is strongly
    connected.
    """
    beat = votes.wins + votes.ties
    if csgraph.connected_components(beat > 0, directed=False)[0] > 1:
        return State.DISCONNECTED
    if csgraph.connected_components(beat > 0, directed=True, connection="strong")[0] > 1:
        return State.SEPARATED
    return State.OK


def fit(votes: PairCounts, *, ridge: float = RIDGE) -> Fit | NotEstimable:
    """Worths by maximum likelihood with a weak ridge that keeps separated variants finite.

    P(i beats j) = a_i/D, P(tie) = v sqrt(a_i a_j)/D, D = a_i + a_j + v sqrt(a_i a_j): a logit of three
    outcomes with utilities that are linear in log a and log v, so Newton's method needs a handful of steps.

    Source: Davidson (1970), J. Am. Stat. Assoc. 65, 317–328; Bradley & Terry (1952), Biometrika 39.
    """
    state = connection(votes)
    if state is State.DISCONNECTED:
        return NotEstimable(state, "some variants were never compared with the others")
    if votes.wins.sum() == 0:
        return NotEstimable(State.ALL_TIES, "every vote is a tie")
    if state is State.SEPARATED and ridge == 0:
        return NotEstimable(state, "some variants never lost to the others, so the gap has no upper limit")
    n_variants = len(votes.wins)
    model = _Model.of(n_variants, ties=bool(votes.ties.sum() > 0), ridge=ridge)
    counts = _flat(votes)[None, :]
    found, hessian = model.newton(counts)
    worths = np.concatenate(([0.0], found[0, : n_variants - 1]))
    covariance = np.linalg.inv(hessian[0])[: n_variants - 1, : n_variants - 1]
    tie = float(np.exp(found[0, -1])) if model.ties else 0.0
    return Fit(worths, covariance, tie, state is State.SEPARATED)


def rank(
    items: Codes, first: Codes, second: Codes, share: Floats, n_variants: int, *, seed: int, resamples: int = RESAMPLES
) -> Ranking | NotEstimable:
    """The ranking with ranges of ranks and win probabilities against variant 0, from resampled items, not votes.

    No vote, only ties, and variants that were never compared are named states.

    Source: Efron & Tibshirani (1993), chapter 8 (the item carries the dependence); worths as in ``fit``.
    """
    if not len(items):
        return NotEstimable(State.NO_DATA, "there is no vote")
    counts = _counts(first, second, share, n_variants, items)
    votes = PairCounts(*_square(counts.sum(axis=0), n_variants))
    fitted = fit(votes)
    if isinstance(fitted, NotEstimable):
        return fitted
    model = _Model.of(n_variants, ties=bool(votes.ties.sum() > 0), ridge=RIDGE)
    drawn = resampled_sums(counts[np.lexsort(counts.T)], resamples=resamples, seed=seed)
    found, _ = model.newton(np.maximum(drawn, 0.0))
    worths = np.column_stack((np.zeros(resamples), found[:, : n_variants - 1]))
    ties = np.exp(found[:, -1]) if model.ties else np.zeros(resamples)
    ranks = 1 + (worths[:, None, :] > worths[:, :, None] + 1e-12).sum(axis=2)
    standings = tuple(_standing(variant, fitted, worths, ties, ranks) for variant in range(n_variants))
    return Ranking(standings, fitted.tie, fitted.separated, len(np.unique(items)))


def _standing(variant: int, fitted: Fit, worths: Floats, ties: Floats, ranks: Floats) -> RankRange:
    best, worst = np.quantile(ranks[:, variant], [0.025, 0.975], method="inverted_cdf")
    chance = None
    if variant > 0:
        lower, upper = np.quantile(_win_probability(worths[:, variant], ties), [0.025, 0.975])
        point = fitted.win_probability(variant)
        chance = Interval(point, min(float(lower), point), max(float(upper), point))
    return RankRange(variant, float(fitted.log_worths[variant]), chance, int(best), int(worst))


def _win_probability(log_worth: Floats, tie: Floats) -> Floats:
    odds, draw = np.exp(np.clip(log_worth, -500, 500)), tie * np.exp(np.clip(log_worth, -500, 500) / 2)
    chance: Floats = (odds + draw / 2) / (odds + 1 + draw)
    return chance


@dataclass(frozen=True, slots=True)
class _Model:
    """Features of the three outcomes of each pair; solved for many sets of counts at once."""

    features: Floats
    ridge: float
    ties: bool

    @classmethod
    def of(cls, n_variants: int, *, ties: bool, ridge: float) -> _Model:
        upper = np.triu_indices(n_variants, 1)
        worths = np.zeros((len(upper[0]), 3, n_variants + 1))
        pairs = np.arange(len(upper[0]))
        worths[pairs, 0, upper[0]] = 1
        worths[pairs, 1, upper[1]] = 1
        worths[pairs, 2, upper[0]] = worths[pairs, 2, upper[1]] = 0.5
        worths[:, 2, n_variants] = 1
        features = worths[:, :, 1:] if ties else worths[:, :2, 1:n_variants]
        return cls(features, ridge, ties)

    def newton(self, counts: Floats) -> tuple[Floats, Floats]:
        """Maximising parameters (sets × parameters) and negative Hessians, for counts (sets × pairs · 3)."""
        n_pairs, n_outcomes, n_parameters = self.features.shape
        counts = counts.reshape(len(counts), n_pairs, 3)[:, :, :n_outcomes]
        trials = counts.sum(axis=2)
        flat = self.features.reshape(-1, n_parameters)
        products = (flat[:, :, None] * flat[:, None, :]).reshape(len(flat), -1)
        penalty = self._penalty(n_parameters)
        beta = np.zeros((len(counts), n_parameters))
        for _ in range(ITERATIONS):
            utility = np.einsum("poi,bi->bpo", self.features, beta)
            chance = np.exp(utility - utility.max(axis=2, keepdims=True))
            chance /= chance.sum(axis=2, keepdims=True)
            expected = chance * trials[:, :, None]
            gradient = (counts - expected).reshape(len(counts), -1) @ flat - beta @ penalty
            centre = np.einsum("bpo,poi->bpi", chance, self.features)
            weighted = centre * trials[:, :, None]
            hessian = (expected.reshape(len(counts), -1) @ products).reshape(-1, n_parameters, n_parameters)
            hessian -= np.einsum("bpi,bpj->bij", weighted, centre)
            hessian += penalty
            step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
            beta += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
            if np.abs(step).max() < 1e-10:
                break
        return beta, hessian

    def _penalty(self, n_parameters: int) -> Floats:
        """Ridge on log worths around their mean, so that no variant is pulled towards the first; and on log v."""
        n_free = n_parameters - 1 if self.ties else n_parameters
        penalty = np.zeros((n_parameters, n_parameters))
        penalty[:n_free, :n_free] = np.eye(n_free) - 1 / (n_free + 1)
        if self.ties:
            penalty[-1, -1] = 1.0
        return self.ridge * penalty


def _counts(first: Codes, second: Codes, share: Floats, n_variants: int, items: Codes | None = None) -> Floats:
    """Counts per item (items × pairs · 3): the lower-numbered variant won, lost, tied."""
    outcome = 2 - 2 * (share == 1) - (share == 0)
    code = (first * n_variants + second) * 3 + outcome
    width, n_rows = n_variants * n_variants * 3, 1
    if items is not None:
        row = np.unique(items, return_inverse=True)[1]
        code, n_rows = code + row * width, int(row.max()) + 1
    counts = np.bincount(code, minlength=n_rows * width).reshape(n_rows, n_variants, n_variants, 3)
    low, high = np.triu_indices(n_variants, 1)
    both = counts[:, low, high] + counts[:, high, low][:, :, [1, 0, 2]]
    return both.reshape(n_rows, -1).astype(np.float64)


def _square(counts: Floats, n_variants: int) -> tuple[Floats, Floats]:
    upper = np.triu_indices(n_variants, 1)
    wins, ties = np.zeros((n_variants, n_variants)), np.zeros((n_variants, n_variants))
    by_pair = counts.reshape(-1, 3)
    wins[upper], wins.T[upper] = by_pair[:, 0], by_pair[:, 1]
    ties[upper] = ties.T[upper] = by_pair[:, 2]
    return wins, ties


def _flat(votes: PairCounts) -> Floats:
    upper = np.triu_indices(len(votes.wins), 1)
    flat: Floats = np.column_stack((votes.wins[upper], votes.wins.T[upper], votes.ties[upper])).ravel()
    return flat
