"""Do raters agree, as far as it can be told? One block per metric that people rated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.results.comparisons.health import HealthCheck, passed, warned
from experiments.results.comparisons.unit_table import MetricValues, UnitTable
from experiments.stats.agreement import GOOD, NO_STANDARD, Level, RatingMatrix, krippendorff_alpha
from experiments.stats.clustered import Codes, Floats, totals
from experiments.stats.estimates import NotEstimable, State, number
from experiments.stats.gwet import GwetAgreement, gwet_agreement
from experiments.stats.intraclass import IntraclassCorrelations, intraclass_correlations
from experiments.stats.kappas import Weights, cohen_kappa, fleiss_kappa
from experiments.vocabulary import MetricKind

MOST_CELLS = 5_000_000
"""Items × raters up to which kappa and the intraclass correlation are shown: a crowd leaves that table nearly empty."""
LEVELS: dict[MetricKind, Level] = {
    MetricKind.BINARY: "nominal",
    MetricKind.PREFERENCE: "nominal",
    MetricKind.ORDINAL: "ordinal",
    MetricKind.SCORE: "interval",
}


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """Agreement on one metric. ``alpha`` and its limits are None when ``status`` says why there is none.

    ``gwet`` is AC1 or AC2, which does not collapse when most votes are alike; None without an item that two rated.
    """

    metric: str
    level: str
    status: State
    raters: int
    items: int
    alpha: float | None = None
    lower: float | None = None
    upper: float | None = None
    raw: float | None = None
    kappa: float | None = None
    intraclass: float | None = None
    message: str = ""
    gwet: GwetAgreement | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "metric": self.metric,
            "level": self.level,
            "status": self.status.value,
            "raters": self.raters,
            "items": self.items,
            **{name: number(getattr(self, name)) for name in ("alpha", "lower", "upper", "raw", "kappa", "intraclass")},
            "message": self.message,
            "gwet": None if self.gwet is None else {"name": self.gwet.name, **self.gwet.value.to_json()},
        }


def rater_agreement(table: UnitTable, values: MetricValues, *, seed: int) -> RaterAgreement | None:
    """Agreement of the raters of one metric, over outputs (or, for preferences, over pairs); None without raters."""
    if not values.rated:
        return None
    ratings = _ratings(table, values)
    level = LEVELS.get(values.definition.kind, "interval")
    name, n_raters = values.definition.name, len(np.unique(ratings.raters))
    found = krippendorff_alpha(ratings, level, seed=seed)
    chance_corrected = gwet_agreement(ratings, graded=level != "nominal")
    gwet = None if isinstance(chance_corrected, NotEstimable) else chance_corrected
    if isinstance(found, NotEstimable):
        items = 0 if gwet is None else gwet.items
        return RaterAgreement(name, level, found.state, n_raters, items, message=found.message, gwet=gwet)
    matrix = _matrix(ratings) if found.items * n_raters <= MOST_CELLS else None
    return RaterAgreement(
        name,
        level,
        State.OK,
        n_raters,
        found.items,
        found.alpha.estimate,
        found.alpha.lower,
        found.alpha.upper,
        found.raw,
        None if matrix is None else _kappa(matrix, level),
        _intraclass(matrix) if matrix is not None and level == "interval" else None,
        gwet=gwet,
    )


def agreement_check(agreement: RaterAgreement) -> HealthCheck:
    """Whether the raters of the deciding metric share a standard. It never blocks: a mean of noisy votes is a mean."""
    gwet = agreement.gwet
    if gwet is None:
        return warned("raters", f"It is not known whether raters agree: {agreement.message}.")
    told = f"Raters agree at {gwet.value.estimate:.2f} of 1 ({gwet.name})".replace("-", "−")
    if agreement.alpha is not None:
        told += f"; Krippendorff's alpha is {agreement.alpha:.2f}".replace("-", "−")
    best = gwet.value.estimate if agreement.alpha is None else max(gwet.value.estimate, agreement.alpha)
    if best < NO_STANDARD:
        return warned("raters", f"{told}: votes are noisy, so more of them are needed; a better guide may help.")
    if agreement.alpha is not None and agreement.alpha < NO_STANDARD <= gwet.value.estimate:
        return passed("raters", f"{told}, which is low where most votes are alike.")
    return passed("raters", f"{told}{'' if best >= GOOD else ', which is tentative'}.")


def _ratings(table: UnitTable, values: MetricValues) -> RatingMatrix:
    """One vote per output and rater; for preferences per pair, told from the side of the first variant."""
    rows = values.rows
    voted = rows.rater >= 0
    unit, variant, rater, value = rows.unit[voted], rows.variant[voted], rows.rater[voted], rows.value[voted]
    n_variants = len(table.variants)
    if values.definition.kind is MetricKind.PREFERENCE:
        # Every vote stands there from both sides; told from the side of the first variant it is there once.
        first = variant < rows.opponent[voted]
        unit, variant, rater, value = unit[first], variant[first], rater[first], value[first]
        item = (unit * n_variants + variant) * n_variants + rows.opponent[voted][first]
    else:
        item = unit * n_variants + variant
    return _one_vote_each(item.astype(np.intp), rater, value)


def _one_vote_each(item: Codes, rater: Codes, value: Floats) -> RatingMatrix:
    """Several votes of a rater on one item (both rows of a pair, repeats) become their mean."""
    n_raters = int(rater.max()) + 1
    keys, position = np.unique(item * n_raters + rater, return_inverse=True)
    mean = totals(position, value) / np.bincount(position)
    items = np.unique(keys // n_raters, return_inverse=True)[1].astype(np.intp)
    return RatingMatrix(items, (keys % n_raters).astype(np.intp), mean)


def _matrix(ratings: RatingMatrix) -> Floats:
    """Items × raters, NaN where a rater did not rate."""
    raters = np.unique(ratings.raters, return_inverse=True)[1]
    matrix = np.full((int(ratings.items.max()) + 1, int(raters.max()) + 1), np.nan)
    matrix[ratings.items, raters] = ratings.values
    return matrix


def _kappa(matrix: Floats, level: Level) -> float | None:
    """Cohen's kappa for two raters (quadratic for grades), Fleiss' where every item has as many nominal votes."""
    if matrix.shape[1] == 2:
        both = matrix[np.isfinite(matrix).all(axis=1)]
        weights: Weights = "none" if level == "nominal" else "quadratic"
        found = cohen_kappa(both[:, 0], both[:, 1], weights=weights) if len(both) else None
    elif level == "nominal":
        categories = np.unique(matrix[np.isfinite(matrix)])
        found = fleiss_kappa(np.column_stack([(matrix == c).sum(axis=1) for c in categories]).astype(np.float64))
    else:
        found = None
    return found if isinstance(found, float) else None


def _intraclass(matrix: Floats) -> float | None:
    if not np.isfinite(matrix).all():
        return None
    found = intraclass_correlations(matrix)
    return found.two_way_random if isinstance(found, IntraclassCorrelations) else None
