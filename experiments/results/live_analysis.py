"""Live traffic as sums per variant → ``Analysis``: a million users cost as much as ten, because no row is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from experiments.errors import BakeoffError
from experiments.plans.plan import SYSTEM_METRICS, MetricDefinition, Plan
from experiments.results.analysis import Analysis
from experiments.results.comparisons.arms import ArmValue, arms_from_sums
from experiments.results.comparisons.compare import as_comparison, with_false_discovery, with_judgement
from experiments.results.comparisons.families import NOT_YET, dunnett_of_sums
from experiments.results.comparisons.health import (
    LIVE_DAYS,
    MINIMUM_LIVE,
    HealthCheck,
    duration_check,
    failed,
    lost_check,
    passed,
    split_checks,
    units_check,
)
from experiments.results.comparisons.independent import outcome_from_sums, quantile_outcome
from experiments.results.comparisons.measures import measure_check_of_sums
from experiments.results.comparisons.preparing import Sizes
from experiments.results.comparisons.second_line import with_second_line
from experiments.results.comparisons.targets import Target, targets_of
from experiments.results.peeking import HowToRead, Look, as_looks, how_to_read, narrowed
from experiments.stats.estimates import Comparison, Estimate, NotEstimable, Outcome, State
from experiments.stats.multiplicity import Family, holm
from experiments.stats.quantiles import Observations
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import Design, MetricKind, MetricRole
from experiments.wording import metric_name

Sums = Mapping[str, Mapping[str, UnitSums]]
"""Metric → variant → sums over its users."""

FEWEST_USERS_IN_SLICE = 20


@dataclass(frozen=True, slots=True)
class LiveSums:
    """What a database keeps of a live test. ``exposed`` are users per variant, each in one variant only.

    ``crossed`` users met several variants and are in none of the sums. ``slices`` maps labels such as
    ``plan=pro`` to sums of their own. ``days`` is how long the test has run, None when nobody knows;
    ``least_days`` how long it must. ``values`` are single values of users drawn at random, for percentiles: metric →
    variant → values and the user of each.
    """

    metrics: Sums
    exposed: Mapping[str, int]
    crossed: int = 0
    days: float | None = None
    slices: Mapping[str, Sums] = field(default_factory=dict)
    least_days: float = LIVE_DAYS
    values: Mapping[str, Mapping[str, Observations]] = field(default_factory=dict)


def analyse_sums(
    sums: LiveSums,
    *,
    plan: Plan,
    metrics: Mapping[str, MetricDefinition],
    control: str,
    looks: Sequence[Look | int] = (),
    planned_units: int | None = None,
    split: Mapping[str, float] | None = None,
    facts: Sequence[HealthCheck] = (),
    variants: Sequence[str] | None = None,
    seed: int = 0,
) -> Analysis:
    """The analysis of a live test from sums; arguments as in ``analyse``. Percentiles need single values.

    Raises:
        BakeoffError: ``unknown_metric`` for a metric of the plan that nobody described.
    """
    definitions, targets, earlier = {**SYSTEM_METRICS, **metrics}, targets_of(plan), as_looks(looks)
    _check_known(targets, definitions)
    names = sorted({*(variants or ()), *sums.exposed})
    sizes = _sizes(sums, targets[0], names)
    how = how_to_read(
        plan, n_units=sizes.seen, n_values=sizes.values, planned_units=planned_units, live=True, looks=earlier
    )
    challengers = tuple(name for name in names if name != control)
    inquiry = _Inquiry(sums, plan, control, challengers, how.reading, definitions, seed)
    overall = []
    for comparison in (narrowed(c, earlier) for c in inquiry.overall(targets)):
        informs = comparison.role is MetricRole.SECONDARY and not comparison.swap_goal
        overall.append(comparison if informs else with_judgement(comparison))
    return _assembled(inquiry, how, sizes, targets, overall=overall, split=split, facts=facts, seed=seed)


def _assembled(
    inquiry: _Inquiry,
    how: HowToRead,
    sizes: Sizes,
    targets: Sequence[Target],
    *,
    overall: Sequence[Comparison],
    split: Mapping[str, float] | None,
    facts: Sequence[HealthCheck],
    seed: int,
) -> Analysis:
    plan = inquiry.plan
    minimum = plan.minimum_units or MINIMUM_LIVE
    health = _health(inquiry, how, targets[0], used=sizes.used, minimum=minimum, split=split)
    return Analysis(
        plan_hash=plan.hash(),
        design=Design.INDEPENDENT,
        live=True,
        control=inquiry.control,
        challengers=inquiry.challengers,
        comparisons=(*overall, *inquiry.in_slices(targets)),
        between=tuple(inquiry.between(targets[0])),
        health=(*health, *facts),
        agreement=(),
        judges=(),
        arms=tuple(inquiry.arms(targets)) if how.reading else (),
        standings=(),
        omnibus=None,
        chances_best={},
        n_units=sizes.used,
        minimum_units=minimum,
        n_seen=sizes.seen,
        n_values=sizes.values,
        target=how.target,
        complete=how.complete,
        sequential=bool(how.reading and how.reading.sequential),
        shows_effects=how.reading is not None,
        how_read=how.reason,
        seed=seed,
    )


def _check_known(targets: Sequence[Target], definitions: Mapping[str, MetricDefinition]) -> None:
    for target in targets:
        if target.metric not in definitions:
            raise BakeoffError(
                "unknown_metric",
                f"The plan names the metric {target.metric!r}, which nobody has described.",
                "Add it to the outcomes with its kind, or correct the name.",
            )


def _sizes(sums: LiveSums, primary: Target, names: Sequence[str]) -> Sizes:
    arms = sums.metrics.get(primary.metric, {})
    used = min((arms[name].units if name in arms else 0 for name in names), default=0)
    return Sizes(used, sum(sums.exposed.values()), int(sum(arm.n for arm in arms.values())))


@dataclass(frozen=True, slots=True)
class _Inquiry:
    """The comparisons of one live analysis, all from sums."""

    sums: LiveSums
    plan: Plan
    control: str
    challengers: tuple[str, ...]
    reading: Reading | None
    definitions: Mapping[str, MetricDefinition]
    seed: int

    def overall(self, targets: Sequence[Target]) -> list[Comparison]:
        """Every target against every challenger, the error of deciding targets shared."""
        found: list[Comparison] = []
        for target in targets:
            outcomes, adjusted = self._family(target)
            for name in self.challengers:
                comparison = self._comparison(self.sums.metrics, target, name, outcomes[name])
                comparison = with_second_line(comparison, self.plan, challengers=len(self.challengers))
                if name in adjusted:
                    comparison = replace(comparison, adjusted_p_value=adjusted[name])
                found.append(comparison)
        informative = [c for c in found if c.role is MetricRole.SECONDARY and not c.swap_goal]
        discovered = iter(with_false_discovery(informative))
        return [next(discovered) if c.role is MetricRole.SECONDARY and not c.swap_goal else c for c in found]

    def in_slices(self, targets: Sequence[Target]) -> list[Comparison]:
        """Primary metric and guardrails in every slice, one family per metric."""
        found: list[Comparison] = []
        for target in (t for t in targets if t.role is not MetricRole.SECONDARY and t.aggregate == "mean"):
            family = []
            for label, sums in sorted(self.sums.slices.items()):
                arms = sums.get(target.metric, {})
                enough = sum(arm.units for arm in arms.values()) >= FEWEST_USERS_IN_SLICE
                for name in self.challengers:
                    few: Outcome = NotEstimable(State.TOO_FEW_UNITS, "too few users")
                    outcome = self._outcome(sums, target, name, self.reading) if enough else few
                    family.append(self._comparison(sums, target, name, outcome, label=label))
            found += with_false_discovery(family)
        return found

    def between(self, primary: Target) -> list[Comparison]:
        """The primary metric between every two challengers."""
        if self.reading is None:
            return []
        pairs = [(a, b) for i, a in enumerate(self.challengers) for b in self.challengers[i + 1 :]]
        return [
            self._comparison(
                self.sums.metrics,
                primary,
                b,
                self._outcome(self.sums.metrics, primary, b, self.reading, control=a),
                control=a,
            )
            for a, b in pairs
        ]

    def arms(self, targets: Sequence[Target]) -> list[ArmValue]:
        """The value of every variant on every metric there are sums of."""
        alpha = None if self.reading is None or self.reading.sequential else self.plan.alpha
        plain = {t.metric: t for t in targets if t.aggregate == "mean"}
        for name in self.sums.metrics:
            plain.setdefault(name, Target(name, "mean", MetricRole.SECONDARY))
        return [
            arm
            for name, target in plain.items()
            if name in self.sums.metrics and name in self.definitions
            for arm in arms_from_sums(
                self.sums.metrics[name],
                target,
                unit=self.definitions[name].unit,
                kind=self.definitions[name].kind,
                alpha=alpha,
            )
        ]

    def _outcome(
        self, sums: Sums, target: Target, treatment: str, reading: Reading | None, *, control: str | None = None
    ) -> Outcome:
        if reading is None:
            return NOT_YET
        arms, against = sums.get(target.metric, {}), control or self.control
        if against not in arms:
            return NotEstimable(State.NO_CONTROL, f"{against} has no values")
        if treatment not in arms:
            return NotEstimable(State.NO_DATA, f"{treatment} has no values of {metric_name(target.metric)}")
        definition = self.definitions[target.metric]
        values = self.sums.values.get(target.metric, {})
        if target.aggregate != "mean" and sums is self.sums.metrics and {against, treatment} <= set(values):
            return quantile_outcome(
                [values[against], values[treatment]],
                aggregate=target.aggregate,
                kind=definition.kind,
                reading=reading,
                seed=self.seed,
            )
        if target.aggregate != "mean":
            return NotEstimable(State.NEEDS_ROWS, "it needs the single values, not sums")
        return outcome_from_sums(
            arms[against],
            arms[treatment],
            kind=definition.kind,
            guardrail=target.role is MetricRole.GUARDRAIL,
            reading=reading,
            seed=self.seed,
        )

    def _family(self, target: Target) -> tuple[dict[str, Outcome], dict[str, float]]:
        sums = self.sums.metrics
        first = {name: self._outcome(sums, target, name, self.reading) for name in self.challengers}
        tested = {name: o for name, o in first.items() if isinstance(o, Estimate)}
        if self.reading is None or not target.deciding or len(self.challengers) == 1 or not tested:
            return first, {}
        p_values = [outcome.p_value for outcome in tested.values()]
        missing = len(self.challengers) - len(tested)
        ranked = self.definitions[target.metric].kind is MetricKind.ORDINAL
        if self.reading.sequential or missing or ranked:
            adjusted = holm(p_values + [1.0] * missing)[: len(p_values)]
            family = Family(adjusted, self.reading.alpha / len(self.challengers))
        else:
            arms = [sums[target.metric][name] for name in (self.control, *tested)]
            family = dunnett_of_sums(arms, p_values, alpha=self.reading.alpha)
        reading = self.reading.at(family.alpha_each)
        again = {name: self._outcome(sums, target, name, reading) if name in tested else first[name] for name in first}
        return again, dict(zip(tested, family.adjusted, strict=True))

    def _comparison(
        self,
        sums: Sums,
        target: Target,
        treatment: str,
        outcome: Outcome,
        *,
        label: str | None = None,
        control: str | None = None,
    ) -> Comparison:
        arms, against = sums.get(target.metric, {}), control or self.control
        definition = self.definitions[target.metric]
        ranked = definition.kind is MetricKind.ORDINAL and target.aggregate == "mean"
        return as_comparison(
            outcome,
            target=target,
            definition=definition,
            unit="points" if ranked else None,
            control=against,
            treatment=treatment,
            reading=self.reading,
            slice_label=label,
            n_missing={name: arms[name].missing for name in (against, treatment) if name in arms},
        )


def _health(
    inquiry: _Inquiry,
    how: HowToRead,
    primary: Target,
    *,
    used: int,
    minimum: int,
    split: Mapping[str, float] | None,
) -> list[HealthCheck]:
    sums, control = inquiry.sums, inquiry.control
    if not sums.exposed.get(control):
        return [failed("control", f"The control {control} has no users; there is nothing to compare with.")]
    watched = bool(how.reading and how.reading.sequential)
    arms = sums.metrics.get(primary.metric, {})
    lost = {name: (arm.missing, arm.units + arm.missing) for name, arm in arms.items()}
    measured = measure_check_of_sums(
        arms,
        inquiry.definitions[primary.metric],
        (control, *inquiry.challengers),
        minimum=minimum,
        swap=inquiry.plan.intent == "swap",
    )
    return [
        passed("control", f"Compared with {control}."),
        *([] if measured is None else [measured]),
        *split_checks(sums.exposed, split, crossed=sums.crossed, watched=watched),
        lost_check(control, lost),
        units_check(used, minimum=minimum, live=True),
        duration_check(sums.days, least=sums.least_days),
    ]
