"""What is fixed before anybody looks: the question, the measure that decides, the limits, the stopping rule.

A plan is locked when the experiment starts; its hash stands on every result and on the decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from experiments.vocabulary import Design, Direction, MetricKind, content_hash

Aggregate = Literal["mean", "p50", "p95"]
Positive = Annotated[float, Field(ge=1e-12, le=1e12, allow_inf_nan=False)]
"""A gain or a margin: squares and fourth powers of it, and of values over it, stay inside floating point."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PrimaryMetric(_Strict):
    """The one measure that decides. ``smallest_effect`` is the smallest gain worth having, in the metric's unit.

    With the intent ``swap`` the quality may be worse by at most ``margin`` (default: ``smallest_effect``).
    """

    metric: str
    smallest_effect: Positive
    relative: bool = False
    aggregate: Aggregate = "mean"
    margin: Positive | None = None


class Guardrail(_Strict):
    """A measure that must not get worse by more than ``margin`` (a share of the control when ``relative``)."""

    metric: str
    margin: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
    relative: bool = False
    aggregate: Aggregate = "mean"


class SwapGoal(_Strict):
    """What a swap is for: the measure on which the challenger must be better."""

    metric: str = "cost_usd"
    aggregate: Aggregate = "mean"


class Plan(_Strict):
    """The rules of one experiment. ``planned_units`` and ``minimum_units`` are counts of independent units.

    With ``failed_rows: zero`` a failed call counts as 0 in every higher-is-better binary or score metric; the
    default leaves its pair out and counts it, and a difference in failure rates blocks the verdict. Of different
    users none contributes more than the ``cap_quantile`` of all of them (default 0.999; 1 cuts nobody).
    """

    intent: Literal["improve", "swap"] = "improve"
    primary: PrimaryMetric
    guardrails: tuple[Guardrail, ...] = Field(default=(), max_length=8)
    secondary: tuple[str, ...] = ()
    swap_goal: SwapGoal | None = None
    alpha: Annotated[float, Field(ge=1e-6, le=0.2)] = 0.05
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    stopping: Literal["fixed", "sequential", "hybrid"] = "fixed"
    planned_units: Annotated[int, Field(ge=2)] | None = None
    minimum_units: Annotated[int, Field(ge=2)] | None = None
    judge_floor: Annotated[float, Field(ge=0, le=1)] | None = None
    failed_rows: Literal["exclude", "zero"] = "exclude"
    cap_quantile: Annotated[float, Field(ge=0.9, le=1)] | None = None

    @model_validator(mode="after")
    def _each_metric_once(self) -> Plan:
        limits = [(g.metric, g.aggregate) for g in self.guardrails]
        if len(set(limits)) != len(limits):
            raise ValueError("a guardrail stands in the plan twice")
        if (self.primary.metric, self.primary.aggregate) in limits:
            raise ValueError("the primary metric is a guardrail of itself; name it once")
        return self

    def hash(self) -> str:
        """SHA-256 of the plan's canonical JSON; what a lock binds. A newer rule counts only where it is set."""
        written = self.model_dump(mode="json")
        if self.cap_quantile is None:
            del written["cap_quantile"]
        return content_hash(written)

    def measures_time(self) -> bool:
        """Whether a latency decides or limits: answers from the cache cannot serve then, they were measured apart."""
        return any(name.endswith("_ms") for name in self.metric_names())

    def metric_names(self) -> tuple[str, ...]:
        """Every metric the plan speaks of, primary first, each once."""
        names = [self.primary.metric, *(g.metric for g in self.guardrails), *self.secondary]
        if self.intent == "swap":
            names.append((self.swap_goal or SwapGoal()).metric)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """What a metric's numbers are. ``unit`` is shown beside them: points, usd, ms, tokens, score.

    The unit ``points`` means shares between 0 and 1, shown as 0 to 100.
    """

    name: str
    kind: MetricKind
    direction: Direction
    unit: str = "points"


SYSTEM_METRICS: dict[str, MetricDefinition] = {
    m.name: m
    for m in (
        MetricDefinition("cost_usd", MetricKind.COST, Direction.LOWER, "usd"),
        MetricDefinition("latency_ms", MetricKind.LATENCY, Direction.LOWER, "ms"),
        MetricDefinition("first_token_ms", MetricKind.LATENCY, Direction.LOWER, "ms"),
        MetricDefinition("prompt_tokens", MetricKind.COST, Direction.LOWER, "tokens"),
        MetricDefinition("completion_tokens", MetricKind.COST, Direction.LOWER, "tokens"),
        MetricDefinition("total_tokens", MetricKind.COST, Direction.LOWER, "tokens"),
    )
}
"""Metrics that every output has without a scorer."""


class AnalysisPlan(_Strict):
    """``PLAN.yaml`` of ``bakeoff analyse``: the plan plus what an analysis table alone does not tell."""

    class Metric(_Strict):
        """Kind and direction of one metric of the table; without ``unit`` the kind decides it."""

        kind: MetricKind
        direction: Direction | None = None
        unit: str | None = None

    design: Design = Design.PAIRED
    control: str
    plan: Plan
    metrics: dict[str, Metric]
    slices: tuple[str, ...] = ()
    live: bool = False
    seed: int = 0
    split: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    looks: tuple[Annotated[int, Field(ge=1)], ...] = ()

    def definitions(self) -> dict[str, MetricDefinition]:
        """The metrics of the table by name: as written here, else Bakeoff's own (``cost_usd``, ``latency_ms`` …)."""
        return SYSTEM_METRICS | {
            name: MetricDefinition(
                name,
                metric.kind,
                metric.direction or _usual_direction(metric.kind),
                metric.unit or _USUAL_UNIT.get(metric.kind, "points"),
            )
            for name, metric in self.metrics.items()
        }

    def bounded(self) -> dict[str, MetricDefinition]:
        """The metrics whose range is known from here: scores and ratios without a unit may be on any scale."""
        any_scale = {
            name for name, metric in self.metrics.items() if metric.kind is MetricKind.SCORE and metric.unit is None
        }
        return {name: found for name, found in self.definitions().items() if name not in any_scale}


_USUAL_UNIT = {MetricKind.COST: "usd", MetricKind.LATENCY: "ms", MetricKind.ORDINAL: "score"}


def _usual_direction(kind: MetricKind) -> Direction:
    return Direction.LOWER if kind in {MetricKind.COST, MetricKind.LATENCY} else Direction.HIGHER
