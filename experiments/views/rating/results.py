"""What the ratings of one session say of the variants, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.plans.plan import MetricDefinition, Plan, PrimaryMetric
from experiments.ratings.drawing import is_uneven
from experiments.ratings.weighting import Weighted, weighted_mean
from experiments.stats.estimates import Comparison, State
from experiments.vocabulary import MetricKind
from experiments.wording import amount, count

if TYPE_CHECKING:
    import pandas as pd

    from experiments.results.analysis import Analysis


@dataclass(frozen=True, slots=True)
class PairLine:
    """One variant against another. ``estimate`` and its limits are treatment minus control in the metric's unit.

    Wins, ties and losses count items from the treatment's side. ``over_all_rows`` corrects for rows that were drawn
    with different probabilities; None where all were drawn alike. Numbers are None where ``sentence`` says why.
    """

    control: str
    treatment: str
    items: int
    wins: int
    ties: int
    losses: int
    estimate: float | None
    lower: float | None
    upper: float | None
    unit: str
    sentence: str
    over_all_rows: Weighted | None


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One variant by itself: its mean over items and the limits, None where there are none."""

    variant: str
    mean: float | None
    lower: float | None
    upper: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class RankLine:
    """Where a variant stands among three or more: from best to worst rank that is credible."""

    variant: str
    best_rank: int
    worst_rank: int


@dataclass(frozen=True, slots=True)
class SessionResult:
    """The result of a session; empty before the first vote. ``ranking`` is for preferences among three or more."""

    pairs: tuple[PairLine, ...] = ()
    variants: tuple[VariantLine, ...] = ()
    ranking: tuple[RankLine, ...] = ()


def rated_analysis(
    table: pd.DataFrame, definition: MetricDefinition, *, control: str, variants: Sequence[str], seed: int
) -> Analysis | None:
    """The analysis of a session's votes alone; None without votes."""
    from experiments.results.analysis import analyse

    if not len(table):
        return None
    plan = Plan(primary=PrimaryMetric(metric=definition.name, smallest_effect=0.05), minimum_units=2)
    return analyse(
        table,
        plan=plan,
        metrics={definition.name: definition},
        control=control,
        variants=variants,
        seed=seed,
    )


def session_result(table: pd.DataFrame, analysis: Analysis | None, kind: MetricKind) -> SessionResult:
    """The result as people read it."""
    if analysis is None:
        return SessionResult()
    compared = [c for c in (*analysis.comparisons, *analysis.between) if c.slice is None]
    pairs = tuple(_pair(c, table, preference=kind is MetricKind.PREFERENCE) for c in compared)
    ranking = tuple(
        RankLine(place.variant, place.best_rank, place.worst_rank)
        for standings in analysis.standings
        for place in standings.variants
    )
    if kind is MetricKind.PREFERENCE:
        return SessionResult(pairs, (), ranking)
    return SessionResult(
        pairs, tuple(VariantLine(a.variant, a.value, a.lower, a.upper, a.unit) for a in analysis.arms), ranking
    )


def _pair(c: Comparison, table: pd.DataFrame, *, preference: bool) -> PairLine:
    differences = _item_differences(table, c.control, c.treatment, preference=preference)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    ties = len(differences) - wins - losses
    over_all = None
    if is_uneven(list(table["probability"])):
        chance = table.groupby("unit_id")["probability"].first()
        over_all = weighted_mean(list(differences), [chance[unit] for unit in differences.index])
    return PairLine(
        control=c.control,
        treatment=c.treatment,
        items=len(differences),
        wins=wins,
        ties=ties,
        losses=losses,
        estimate=c.estimate,
        lower=c.lower,
        upper=c.upper,
        unit=c.unit,
        sentence=_sentence(c, wins, ties, losses),
        over_all_rows=over_all,
    )


def _sentence(c: Comparison, wins: int, ties: int, losses: int) -> str:
    counted = f"{c.treatment} won {count(wins, 'item')}, tied {ties:,} and lost {losses:,}."
    if c.estimate is None or c.lower is None or c.upper is None:
        if c.status is State.NO_VARIATION and wins + losses:
            better = c.treatment if wins else c.control
            return f"{better} is rated better on every item, by as much each time; limits cannot be told. {counted}"
        return f"{c.treatment} against {c.control}: not enough ratings to tell. {counted}"
    size = amount(c.estimate, c.unit, sign=True)
    limits = f"very likely between {amount(c.lower, c.unit, sign=True)} and {amount(c.upper, c.unit, sign=True)}"
    if c.lower > 0:
        return f"{c.treatment} is rated better than {c.control}: {size}, {limits}. {counted}"
    if c.upper < 0:
        return f"{c.control} is rated better than {c.treatment}: {size}, {limits}. {counted}"
    return f"No clear difference between {c.treatment} and {c.control}: {limits}. {counted}"


def _item_differences(table: pd.DataFrame, control: str, treatment: str, *, preference: bool) -> pd.Series[float]:
    """Treatment minus control of every row that has both; for preferences the treatment's share of votes − one half."""
    if not preference:
        means = table.groupby(["variant", "unit_id"])["value"].mean()
        there = set(means.index.get_level_values(0))
        if not {control, treatment} <= there:
            return means[:0]
        both: pd.Series[float] = (means[treatment] - means[control]).dropna()
        return both
    told = [
        (table[(table["variant"] == one) & (table["opponent"] == other)].set_index("unit_id")["value"] - 0.5) * sign
        for one, other, sign in ((control, treatment, -1.0), (treatment, control, 1.0))
    ]
    items: pd.Series[float] = _joined(told).groupby(level=0).mean()
    return items


def _joined(parts: Sequence[pd.Series[float]]) -> pd.Series[float]:
    import pandas as pd

    return pd.concat([part for part in parts if len(part)] or list(parts))
