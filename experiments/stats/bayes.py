"""A second line for people: the chance to be better, and what being wrong would cost on average. Never the rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from experiments.stats.clustered import Floats
from experiments.stats.paired import PairTable

PRIOR_WIDTH = 5.0
"""Width of the weak prior in smallest useful effects."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Chance that the treatment is better, and the mean loss of shipping it when it is worse."""

    chance_better: float
    expected_loss: float


def normal_belief(gain: float, standard_error: float, *, smallest_effect: float) -> Belief:
    """Normal posterior of a gain (up is better) with prior N(0, (5 D)²).

    Source: conjugate normal model; expected loss s·φ(m/s) − m·Φ(−m/s), Stucchio (2015), VWO white paper,
    section 4.
    """
    prior = (PRIOR_WIDTH * smallest_effect) ** -2
    precision = standard_error**-2 + prior
    mean, spread = gain * standard_error**-2 / precision, precision**-0.5
    ratio = mean / spread
    loss = spread * float(stats.norm.pdf(ratio)) - mean * float(stats.norm.cdf(-ratio))
    return Belief(float(stats.norm.cdf(ratio)), max(0.0, loss))


def paired_belief(table: PairTable) -> Belief:
    """Posterior of treatment − control on paired yes and no, prior Dirichlet(½, ½, ½, ½); up is better.

    Only discordant rows tell the variants apart: the share fixed among them is Beta, independent of how many
    there are, which gives both numbers in closed form.

    Source: hand derivation from the aggregation property of the Dirichlet distribution.
    """
    fixed, broken = table.fixed + 0.5, table.broken + 0.5
    behind = float(special.betainc(fixed, broken, 0.5))
    discordant = (fixed + broken) / (table.n + 2)
    shortfall = behind - 2 * fixed / (fixed + broken) * float(special.betainc(fixed + 1, broken, 0.5))
    return Belief(1 - behind, max(0.0, discordant * shortfall))


def independent_belief(control: tuple[float, float], treatment: tuple[float, float]) -> Belief:
    """Posterior of treatment − control from (successes, n) each, uniform priors; up is better.

    One-dimensional integrals: P(B > A) = E[F_A(p_B)], loss = ∫ F_B (1 − F_A).

    Source: Miller (2015), "Formulas for Bayesian A/B testing", eq. 6, integrated instead of summed.
    """
    (x0, n0), (x1, n1) = control, treatment
    a = stats.beta(x0 + 1, n0 - x0 + 1)
    b = stats.beta(x1 + 1, n1 - x1 + 1)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u = (nodes + 1) / 2
    chance = float(weights @ a.cdf(b.ppf(u))) / 2
    low, high = min(a.ppf(1e-12), b.ppf(1e-12)), max(a.ppf(1 - 1e-12), b.ppf(1 - 1e-12))
    p = low + (high - low) * u
    loss = float(weights @ (b.cdf(p) * a.sf(p))) * (high - low) / 2
    return Belief(min(1.0, max(0.0, chance)), max(0.0, loss))


def chances_best(means: Floats, covariance: Floats, *, seed: int, draws: int = 20_000) -> tuple[float, ...]:
    """Chance of each variant to be the best, from the joint normal posterior of their means (up is better).

    Source: Monte Carlo over the posterior with a flat prior; exact ties go to the first.
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = means + rng.standard_normal((draws, len(means))) @ root.T
    counts = np.bincount(drawn.argmax(axis=1), minlength=len(means))
    return tuple(float(count) / draws for count in counts)
