"""Three variants or more: a ranking from preferences, and whether the variants differ at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import MetricValues
from experiments.stats.bayes import chances_best
from experiments.stats.clustered import Floats, cluster_sums
from experiments.stats.estimates import Interval, NotEstimable, State, number
from experiments.stats.omnibus import Omnibus, cochran_q, friedman
from experiments.stats.preferences import Ranking, rank
from experiments.vocabulary import Design, Direction, MetricKind

FEWEST_ROWS = 30


@dataclass(frozen=True, slots=True)
class VariantStanding:
    """Where one variant stands: its range of ranks, and its chance to be preferred to the control."""

    variant: str
    best_rank: int
    worst_rank: int
    log_worth: float
    against_control: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        chance = None if self.against_control is None else self.against_control.to_json()
        return {
            "variant": self.variant,
            "ranks": [self.best_rank, self.worst_rank],
            "log_worth": number(self.log_worth),
            "against_control": chance,
        }


@dataclass(frozen=True, slots=True)
class Standings:
    """The ranking of one preference metric, best first; empty with a ``status`` that names why there is none."""

    metric: str
    status: State
    items: int
    variants: tuple[VariantStanding, ...] = ()
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "metric": self.metric,
            "status": self.status.value,
            "items": self.items,
            "variants": [standing.to_json() for standing in self.variants],
            "message": self.message,
        }


def standings_of(study: Study, values: MetricValues) -> Standings | None:
    """The ranking of a preference metric over three variants or more; None where pairs say it all."""
    names = (study.control, *study.challengers)
    if values.definition.kind is not MetricKind.PREFERENCE or len(names) < 3 or not study.table.has(study.control):
        return None
    place = np.full(len(study.table.variants), -1, dtype=np.intp)
    for position, name in enumerate(names):
        place[study.table.code(name)] = position
    rows = values.rows
    once = (rows.variant < rows.opponent) & study.mask[rows.unit]
    first, second = place[rows.variant[once]], place[rows.opponent[once]]
    found = rank(rows.unit[once], first, second, rows.value[once], len(names), seed=study.seed)
    if isinstance(found, NotEstimable):
        return Standings(values.definition.name, found.state, 0, message=found.message)
    return _told(values.definition.name, names, found)


def _told(metric: str, names: tuple[str, ...], found: Ranking) -> Standings:
    order = sorted(found.standings, key=lambda standing: -standing.log_worth)
    told = tuple(
        VariantStanding(names[s.variant], s.best_rank, s.worst_rank, s.log_worth, s.win_probability) for s in order
    )
    if found.separated:
        message = "some variants never lost to the others, so the gap between them has no upper limit"
        return Standings(metric, State.SEPARATED, found.items, told, message)
    return Standings(metric, State.OK, found.items, told)


def omnibus_of(study: Study, primary: Target) -> Omnibus | None:
    """Whether three variants or more differ at all on the rows that all have; None where that is not the question."""
    values = study.table.metrics.get(primary.metric)
    names = [name for name in (study.control, *study.challengers) if study.table.has(name)]
    if values is None or len(names) < 3 or study.design is not Design.PAIRED or primary.aggregate != "mean":
        return None
    clusters = study.table.clusters
    table = values.value[[study.table.code(name) for name in names]]
    complete = study.mask & np.isfinite(table).all(axis=0)
    clustered = clusters is not None and len(np.unique(clusters[complete])) < int(complete.sum())
    if complete.sum() < 10 or clustered:
        return None
    rows = table[:, complete].T
    found = cochran_q(rows) if np.isin(rows, (0.0, 1.0)).all() else friedman(rows)
    return found if isinstance(found, Omnibus) else None


def chances_to_be_best(study: Study, primary: Target) -> dict[str, float]:
    """Chance of every variant to be the best on the deciding metric, from the joint spread of their means.

    Variants on the same rows share the rows' spread, by cluster. Empty below three variants, below 30 rows, and where
    something else than means is compared.
    """
    values = study.table.metrics.get(primary.metric)
    names = [name for name in study.table.variants if study.table.has(name)]
    if values is None or len(names) < 3 or primary.aggregate != "mean":
        return {}
    if values.definition.kind in {MetricKind.PREFERENCE, MetricKind.RATIO}:
        return {}
    held = values.value[[study.table.code(name) for name in names]]
    known = study.mask & np.isfinite(held)
    if study.design is Design.PAIRED:
        known = np.broadcast_to(known.all(axis=0), known.shape)
    if known.sum(axis=1).min() < FEWEST_ROWS:
        return {}
    means = np.array([float(np.sort(row[mask]).mean()) for row, mask in zip(held, known, strict=True)])
    covariance = _shared_rows(study, held, known[0]) if study.design is Design.PAIRED else _own_users(held, known)
    sign = 1.0 if values.definition.direction is Direction.HIGHER else -1.0
    return dict(zip(names, chances_best(sign * means, covariance, seed=study.seed), strict=True))


def _shared_rows(study: Study, held: Floats, known: Flags) -> Floats:
    """Covariance of the variants' means over the rows that all have, clusters as units."""
    rows = held[:, known].T
    order = np.lexsort(rows.T)
    clusters = np.arange(len(rows)) if study.table.clusters is None else study.table.clusters[known]
    code = np.unique(clusters, return_inverse=True)[1][order].astype(np.intp)
    centred = rows[order] - rows[order].mean(axis=0)
    sums = np.column_stack([cluster_sums(column, code).sums for column in centred.T])
    n_clusters = len(sums)
    covariance: Floats = sums.T @ sums / len(rows) ** 2 * n_clusters / max(1, n_clusters - 1)
    return covariance


def _own_users(held: Floats, known: Flags) -> Floats:
    """Covariance of the variants' means over different users: none between them."""
    arms = [np.sort(row[mask]) for row, mask in zip(held, known, strict=True)]
    return np.diag([float(arm.var(ddof=1)) / len(arm) for arm in arms])
