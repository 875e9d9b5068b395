"""The price of certainty: rows needed, power of the rows there are, cost range and time, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.loading.find import find_experiment
from experiments.loading.results.evidence_table import evidence_table
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.projecting import projection_for
from experiments.plans.projection import Projection
from storage.store import Store, Transaction

if TYPE_CHECKING:
    from experiments.plans.sizing import Assumptions, SizePlan


@dataclass(frozen=True)
class Planning:
    """What a plan asks for and what that costs. ``size`` counts independent units, ``projection`` is the whole run."""

    experiment: str
    rows: int
    repeats: int
    variants: int
    budget_usd: float | None
    projection: Projection
    size: SizePlan

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values (``bakeoff plan --json``)."""
        p = self.projection
        return {
            "experiment": self.experiment,
            "rows": self.rows,
            "repeats": self.repeats,
            "variants": self.variants,
            "calls": p.calls,
            "cost": {
                "low_usd": p.low_usd,
                "high_usd": p.high_usd,
                "from_pilot": p.from_pilot,
                "unpriced": list(p.unpriced),
                "budget_usd": self.budget_usd,
            },
            "judges": [
                {"metric": j.metric, "model": j.model, "calls": j.calls, "low_usd": j.low_usd, "high_usd": j.high_usd}
                for j in p.judges
            ],
            "seconds": p.seconds,
            "size": self.size.to_json(),
        }


def projection_of(
    store: Store, experiment_name: str, *, rows: int | None = None, concurrency: int | None = None
) -> Projection:
    """Cost and time of the experiment's run. Raises NotFound; BakeoffError ``nothing_to_run``."""
    with store.read() as tx:
        blueprint = load_blueprint(tx, find_experiment(tx, experiment_name))
        return projection_for(tx, blueprint, rows=rows, concurrency=concurrency)


def planning_of(store: Store, experiment_name: str, *, assumed: Mapping[str, Any] | None = None) -> Planning:
    """The planning of a stored experiment, from its pilot or first rows where there are any.

    ``assumed`` replaces single assumptions (``disagreement``, ``sd`` …; see ``planning.Assumptions``).

    Raises:
        NotFound; BakeoffError ``nothing_to_run``.
    """
    with store.read() as tx:
        blueprint = load_blueprint(tx, find_experiment(tx, experiment_name))
        projection = projection_for(tx, blueprint)
        assumptions = assumptions_of(tx, blueprint)
    return Planning(
        experiment=blueprint.experiment.name,
        rows=blueprint.dataset.row_count if blueprint.dataset else 0,
        repeats=blueprint.spec.repeats,
        variants=len(blueprint.arms),
        budget_usd=blueprint.spec.limits.budget_usd,
        projection=projection,
        size=sized(blueprint, projection, assumptions, assumed or {}),
    )


def sized(
    blueprint: Blueprint, projection: Projection, assumptions: Assumptions | None, assumed: Mapping[str, Any]
) -> SizePlan:
    """Units needed, power and the table around it, priced by the projection."""
    from dataclasses import replace

    from experiments.plans.sizing import CallPrice, plan_size, usual_assumptions

    plan = blueprint.spec.plan
    given = replace(assumptions or usual_assumptions(plan), **assumed)
    price = CallPrice(
        usd_per_call={v.variant: _per_call(v.low_usd, v.high_usd, v.calls) for v in projection.variants},
        seconds_per_call=projection.seconds_per_call,
        concurrency=blueprint.spec.limits.concurrency,
    )
    return plan_size(
        plan,
        kind=blueprint.metrics()[plan.primary.metric].kind,
        assumptions=given,
        challengers=len(blueprint.arms) - 1,
        repeats=blueprint.spec.repeats,
        available=blueprint.dataset.row_count if blueprint.dataset else None,
        price=price,
    )


def _per_call(low_usd: float | None, high_usd: float | None, calls: int) -> float | None:
    if low_usd is None or high_usd is None:
        return None
    return 0.0 if calls == 0 else (low_usd + high_usd) / 2 / calls


def assumptions_of(tx: Transaction, blueprint: Blueprint) -> Assumptions | None:
    """What the newest answers say of the primary metric: rows that every variant has; None below ten of them."""
    runs = [r for r in tx.runs.of_experiment(blueprint.experiment.id) if r.revision > 0]
    if not runs or blueprint.dataset is None:
        return None
    from experiments.plans.sizing import from_pilot

    table = evidence_table(tx, blueprint, runs[0]).table
    metric = blueprint.spec.plan.primary.metric
    values = table[(table["metric"] == metric) & (table["status"] == "ok")]
    means = values.pivot_table(index="unit_id", columns="variant", values="value", aggfunc="mean").dropna()
    names = [arm.name for arm in blueprint.arms]
    if len(means) < 10 or not set(names) <= set(means.columns):
        return None
    control, treatment = means[names[0]].to_numpy(float), means[names[1]].to_numpy(float)
    return from_pilot(control, treatment)
