"""Analysis table + plan → ``Analysis``: every comparison, the health of the evidence, the values of each variant.

The same plan and data give the same bytes: resampling is seeded, and neither row order nor names change a digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.plans.plan import MetricDefinition, Plan
from experiments.results.comparisons.answer_classes import refusals_of
from experiments.results.comparisons.arms import ArmValue, arm_values
from experiments.results.comparisons.causes import cause_checks
from experiments.results.comparisons.clustered_users import assigned
from experiments.results.comparisons.compare import with_judgement
from experiments.results.comparisons.covariate_check import covariate_checks
from experiments.results.comparisons.health import (
    HealthCheck,
    clusters_check,
    control_check,
    duplicates_check,
    duration_check,
    error_rates_check,
    missing_check,
    removed_check,
    same_rows_check,
    split_checks,
    units_check,
    unscored_check,
)
from experiments.results.comparisons.heavy_users import heavy_users_of
from experiments.results.comparisons.judge_evidence import JudgeEvidence
from experiments.results.comparisons.judges import JudgeCard, judge_card, judge_check
from experiments.results.comparisons.leave_one_rater import rated_questions
from experiments.results.comparisons.measures import measure_check
from experiments.results.comparisons.overall import between_challengers, overall_comparisons, slice_comparisons
from experiments.results.comparisons.preparing import Prepared, prepare
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.rater_checks import raters_check
from experiments.results.comparisons.raters import RaterAgreement, rater_agreement
from experiments.results.comparisons.robustness import Robustness, robustness_of
from experiments.results.comparisons.second_line import with_second_line
from experiments.results.comparisons.slice_differences import SliceDifference, slice_differences
from experiments.results.comparisons.standings import Standings, chances_to_be_best, omnibus_of, standings_of
from experiments.results.comparisons.targets import Target
from experiments.results.peeking import Look, as_looks, narrowed
from experiments.stats.estimates import Comparison, number
from experiments.stats.omnibus import Omnibus
from experiments.vocabulary import Design, MetricRole

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything the data say under the plan. ``comparisons`` hold the overall ones first, then those of slices.

    ``n_units`` are the units that may be judged (complete pairs, or users of the smaller arm), ``target`` the planned
    number and ``complete`` whether it is reached. ``between`` compares challengers with each other. While a plan shows
    progress only (``shows_effects`` is false) no comparison has numbers. ``chances_best`` is a second line, never the
    rule, and empty below three variants.
    """

    plan_hash: str
    design: Design
    live: bool
    control: str
    challengers: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    between: tuple[Comparison, ...]
    health: tuple[HealthCheck, ...]
    agreement: tuple[RaterAgreement, ...]
    judges: tuple[JudgeCard, ...]
    arms: tuple[ArmValue, ...]
    standings: tuple[Standings, ...]
    omnibus: Omnibus | None
    chances_best: Mapping[str, float]
    n_units: int
    minimum_units: int
    n_seen: int
    n_values: int
    target: int | None
    complete: bool
    sequential: bool
    shows_effects: bool
    how_read: str
    seed: int
    robustness: Robustness | None = None
    slice_differences: tuple[SliceDifference, ...] = ()

    def overall(self, metric: str, aggregate: str = "mean") -> tuple[Comparison, ...]:
        """The comparisons of one metric over all units, one per challenger."""
        return tuple(c for c in self.comparisons if c.slice is None and c.metric == metric and c.aggregate == aggregate)

    def arm(self, metric: str, variant: str, aggregate: str = "mean") -> float | None:
        """A variant's own value of a metric, None where there is none."""
        for arm in self.arms:
            if (arm.metric, arm.variant, arm.aggregate) == (metric, variant, aggregate):
                return arm.value
        return None

    def as_look(self) -> Look:
        """What to keep of this reading, so that the next one knows what has been seen."""
        kept = {
            (c.metric, c.aggregate, c.treatment): (c.lower, c.upper, c.p_value, c.adjusted_p_value or c.p_value)
            for c in self.comparisons
            if c.slice is None and c.lower is not None and c.upper is not None and c.p_value is not None
        }
        estimates = {
            key: c.estimate
            for c in self.comparisons
            for key in [(c.metric, c.aggregate, c.treatment)]
            if c.slice is None and c.estimate is not None and key in kept
        }
        return Look(self.n_seen, self.n_values, self.sequential, kept, estimates)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values without any number that is not finite; equal evidence gives equal text."""
        return {
            "plan_hash": self.plan_hash,
            "design": self.design.value,
            "live": self.live,
            "control": self.control,
            "challengers": list(self.challengers),
            "units": {
                "used": self.n_units,
                "minimum": self.minimum_units,
                "seen": self.n_seen,
                "planned": self.target,
                "complete": self.complete,
            },
            "sequential": self.sequential,
            "shows_effects": self.shows_effects,
            "how_read": self.how_read,
            "seed": self.seed,
            "health": [check.to_json() for check in self.health],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "between_challengers": [comparison.to_json() for comparison in self.between],
            "agreement": [agreement.to_json() for agreement in self.agreement],
            "judges": [card.to_json() for card in self.judges],
            "robustness": None if self.robustness is None else self.robustness.to_json(),
            "slice_differences": [found.to_json() for found in self.slice_differences],
            "arms": [arm.to_json() for arm in self.arms],
            "standings": [standing.to_json() for standing in self.standings],
            "chances_best": {name: number(chance) for name, chance in self.chances_best.items()},
            "omnibus": None
            if self.omnibus is None
            else {"test": self.omnibus.test, "df": self.omnibus.df, "p_value": number(self.omnibus.p_value)},
        }


def analyse(
    table: pd.DataFrame,
    *,
    plan: Plan,
    metrics: Mapping[str, MetricDefinition],
    control: str,
    design: Design = Design.PAIRED,
    slices: Sequence[str] = (),
    seed: int = 0,
    live: bool = False,
    looks: Sequence[Look | int] = (),
    planned_units: int | None = None,
    split: Mapping[str, float] | None = None,
    facts: Sequence[HealthCheck] = (),
    judges: Sequence[JudgeEvidence] = (),
    variants: Sequence[str] | None = None,
) -> Analysis:
    """The analysis of an analysis table (columns: see ``comparisons.unit_table``).

    ``looks`` are earlier readings that showed effects, ``planned_units`` how many units there will be, ``split`` the
    planned weights of live variants, ``facts`` checks that only the caller can make (a model that changed midway),
    ``judges`` the judges behind metrics with what people said of the same outputs; a judge that came after the plan is
    compared beside it. ``variants`` names all variants of
    the experiment, so that one without rows is missed.

    Raises:
        BakeoffError: ``bad_table`` or ``unknown_metric``.
    """
    earlier = as_looks(looks)
    ready = prepare(
        table,
        plan=plan,
        metrics=metrics,
        control=control,
        design=design,
        slices=slices,
        seed=seed,
        live=live,
        looks=earlier,
        planned_units=planned_units,
        variants=variants,
        beside=[evidence.metric for evidence in judges],
    )
    overall = _overall(ready, earlier)
    cards = [judge_card(ready.study, evidence, overall, floor=plan.judge_floor) for evidence in judges]
    agreement = _agreement(ready)
    health = [
        *_health(ready, split, awaited=any(fact.check == "ratings" for fact in facts)),
        *covariate_checks(overall),
        *_people(ready, agreement, cards),
        *facts,
        *_removed(ready, earlier),
    ]
    return _assembled(ready, overall, agreement=agreement, cards=cards, health=health)


def _removed(ready: Prepared, earlier: Sequence[Look]) -> list[HealthCheck]:
    unit = "user" if ready.study.design is Design.INDEPENDENT else "row"
    check = removed_check(max((look.n_units for look in earlier), default=0), ready.sizes.seen, unit=unit)
    return [] if check is None else [check]


def _assembled(
    ready: Prepared,
    overall: Sequence[Comparison],
    *,
    agreement: Sequence[RaterAgreement],
    cards: Sequence[JudgeCard],
    health: Sequence[HealthCheck],
) -> Analysis:
    study, how = ready.study, ready.how
    shown = how.reading is not None
    in_slices = slice_comparisons(study, ready.targets, ready.definitions)
    return Analysis(
        plan_hash=study.plan.hash(),
        design=study.design,
        live=ready.live,
        control=study.control,
        challengers=study.challengers,
        comparisons=(*overall, *in_slices),
        between=tuple(between_challengers(study, ready.primary, ready.definitions)),
        health=tuple(health),
        agreement=tuple(agreement),
        judges=tuple(cards) if shown else (),
        arms=tuple(_arms(ready)) if shown else (),
        standings=tuple(_standings(study)) if shown else (),
        omnibus=omnibus_of(study, ready.primary) if shown else None,
        chances_best=chances_to_be_best(study, ready.primary) if shown else {},
        n_units=ready.sizes.used,
        minimum_units=ready.minimum,
        n_seen=ready.sizes.seen,
        n_values=ready.sizes.values,
        target=how.target,
        complete=how.complete,
        sequential=bool(how.reading and how.reading.sequential),
        shows_effects=shown,
        how_read=how.reason,
        seed=study.seed,
        robustness=robustness_of(study, ready.primary, overall),
        slice_differences=slice_differences(study, ready.primary, in_slices),
    )


def _overall(ready: Prepared, earlier: Sequence[Look]) -> list[Comparison]:
    """The overall comparisons with their second line, narrowed by earlier looks, judged by what is left."""
    challengers = len(ready.study.challengers)
    found = []
    for comparison in overall_comparisons(ready.study, ready.targets, ready.definitions):
        told = narrowed(with_second_line(comparison, ready.study.plan, challengers=challengers), earlier)
        informs = told.role is MetricRole.SECONDARY and not told.swap_goal
        found.append(told if informs else with_judgement(told))
    return found


def _agreement(ready: Prepared) -> list[RaterAgreement]:
    table = ready.study.table
    named = [name for name in ready.study.plan.metric_names() if name in table.metrics]
    found = [rater_agreement(table, table.metrics[name], seed=ready.study.seed) for name in named]
    return [agreement for agreement in found if agreement is not None]


def _people(ready: Prepared, agreement: Sequence[RaterAgreement], cards: Sequence[JudgeCard]) -> list[HealthCheck]:
    """Whether raters and judges behind the metrics can be relied on."""
    deciding = ready.primary.metric
    rated = [found for found in agreement if found.metric == deciding]
    checks = [raters_check(found, rated_questions(ready.study, ready.primary)) for found in rated]
    return checks + [judge_check(card, deciding=card.metric == deciding) for card in cards]


def _health(ready: Prepared, split: Mapping[str, float] | None, *, awaited: bool) -> list[HealthCheck]:
    """The checks of the evidence; while the deciding values are ``awaited`` from people, none says they are missing."""
    study, how = ready.study, ready.how
    causes = cause_checks(study, ready.targets, named=ready.named, crossed=ready.crossed)
    if ready.live or awaited:
        causes = []
    independent = study.design is Design.INDEPENDENT
    checks: list[HealthCheck | None] = [
        control_check(study),
        *causes,
        same_rows_check(study, ready.primary, complete=how.complete),
        *refusals_of(study, ready.primary),
        measure_check(study, ready.primary, minimum=ready.minimum),
        error_rates_check(study, ready.primary),
        unscored_check(study, ready.primary),
        None
        if awaited and not ready.sizes.used
        else units_check(ready.sizes.used, minimum=ready.minimum, live=independent),
        clusters_check(study),
        missing_check(study, ready.wanted),
        duplicates_check(study),
    ]
    if independent and len(study.table.variants) > 1:
        counts = {name: assigned(study, name) for name in study.table.variants}
        watched = bool(how.reading and how.reading.sequential)
        checks += split_checks(counts, split, crossed=ready.crossed, watched=watched)
        checks.append(heavy_users_of(study, ready.primary))
    if ready.live:
        checks.append(duration_check(study.table.days))
    return [check for check in checks if check is not None]


def _arms(ready: Prepared) -> list[ArmValue]:
    """Every variant's own value of every target, and of what ties are broken by; limits only when read once."""
    study = ready.study
    extra = [Target(name, "mean", MetricRole.SECONDARY) for name in ready.wanted]
    once = {(target.metric, target.aggregate): target for target in (*extra, *ready.targets)}
    alpha = None if study.reading is None or study.reading.sequential else study.plan.alpha
    return [
        arm
        for target in once.values()
        for arm in arm_values(study.table, target, mask=study.mask, alpha=alpha, design=study.design)
    ]


def _standings(study: Study) -> list[Standings]:
    found = [standings_of(study, values) for _, values in sorted(study.table.metrics.items())]
    return [standings for standings in found if standings is not None]
