"""What is compared with what: the one argument that every comparison takes."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.plans.plan import Plan
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import MetricValues, UnitTable
from experiments.stats.contributions import CAP_QUANTILE
from experiments.stats.sequential import Reading
from experiments.vocabulary import Design, MetricKind, MetricRole

QUANTILES = {"p50": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared: two variants of one metric over the units of ``mask``, read in one way.

    ``cap`` is the quantile of the pooled arms that no unit of its own may contribute more than.
    """

    table: UnitTable
    values: MetricValues
    control: str
    treatment: str
    aggregate: str
    guardrail: bool
    mask: Flags
    reading: Reading
    seed: int
    cap: float = CAP_QUANTILE

    @property
    def codes(self) -> tuple[int, int]:
        """Positions of control and treatment."""
        return self.table.code(self.control), self.table.code(self.treatment)

    @property
    def kind(self) -> MetricKind:
        """Kind of the metric."""
        return self.values.definition.kind


@dataclass(frozen=True, slots=True)
class Study:
    """Everything the comparisons of one analysis share. ``reading`` is None while only progress is shown."""

    table: UnitTable
    plan: Plan
    design: Design
    control: str
    challengers: tuple[str, ...]
    reading: Reading | None
    mask: Flags
    seed: int

    def question(
        self,
        target: Target,
        treatment: str,
        *,
        reading: Reading,
        mask: Flags | None = None,
        control: str | None = None,
    ) -> Question | None:
        """The question of one target and challenger; None when the table has no rows of the metric."""
        values = self.table.metrics.get(target.metric)
        if values is None:
            return None
        return Question(
            table=self.table,
            values=values,
            control=control or self.control,
            treatment=treatment,
            aggregate=target.aggregate,
            guardrail=target.role is MetricRole.GUARDRAIL,
            mask=self.mask if mask is None else self.mask & mask,
            reading=reading,
            seed=self.seed,
            cap=self.plan.cap_quantile or CAP_QUANTILE,
        )
