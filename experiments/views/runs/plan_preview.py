"""A plan that is not an experiment yet: does it fit, what would it cost, how sure would it make us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.experiment_file import ExperimentSpec
from experiments.judges import JUDGE, Judge
from experiments.loading.runs.blueprint import Arm, Blueprint, Roles
from experiments.loading.runs.design import ResolvedDesign, resolved_design
from experiments.loading.runs.projecting import projection_for
from experiments.plans.plan import MetricDefinition
from experiments.plans.projection import Projection
from experiments.scoring import BoundScorer
from experiments.views.runs.planning import assumptions_of, sized
from experiments.vocabulary import ExperimentState, MetricKind
from storage.records import ExperimentRecord, ScorerUseRecord
from storage.store import Store, Transaction

if TYPE_CHECKING:
    from experiments.plans.sizing import SizePlan

_USUAL_IS_KNOWN = (MetricKind.BINARY, MetricKind.SCORE, MetricKind.ORDINAL, MetricKind.PREFERENCE)
"""Kinds of measures of which one can assume something before a single answer is in."""


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """What a plan comes to.

    ``size`` is None where nothing can be said before a few answers are in (cost, time). ``drafted``: a draft of this
    very content is stored already, with or without a pilot.
    """

    spec: ExperimentSpec
    rows: int
    primary: MetricDefinition
    projection: Projection
    size: SizePlan | None
    drafted: bool


def plan_preview(store: Store, spec: ExperimentSpec, *, dataset_version_id: str) -> PlanPreview:
    """What the plan comes to; nothing is stored.

    Raises:
        BakeoffError: what does not fit, in one sentence, as creating the experiment would; NotFound.
    """
    with store.read() as tx:
        design = resolved_design(tx, spec, dataset_version_id=dataset_version_id)
        blueprint, drafted = _blueprint(tx, design)
        projection = projection_for(tx, blueprint)
        assumptions = assumptions_of(tx, blueprint) if drafted else None
    primary = blueprint.metrics()[spec.plan.primary.metric]
    told = assumptions is not None or primary.kind in _USUAL_IS_KNOWN
    return PlanPreview(
        spec=design.spec,
        rows=design.version.row_count if design.version else 0,
        primary=primary,
        projection=projection,
        size=sized(blueprint, projection, assumptions, {}) if told else None,
        drafted=drafted,
    )


def _blueprint(tx: Transaction, design: ResolvedDesign) -> tuple[Blueprint, bool]:
    """The blueprint as if the experiment existed; its ids are real where a draft of this content does."""
    spec = design.spec
    known = tx.experiments.by_name(spec.name)
    drafted = known is not None and known.design_hash == design.hash() and known.locked_at is None
    record = known if known is not None and drafted else _imagined(tx, design)
    ids = {v.name: v.id for v in tx.experiments.variants(record.id)} if drafted else {}
    arms = tuple(
        Arm(ids.get(name, name), position, name, content.model if content else "", content)
        for position, (name, content) in enumerate(design.contents.items())
    )
    uses = tx.experiments.scorers(record.id) if drafted else _imagined_uses(design)
    roles = Roles(dict(spec.inputs), spec.reference, spec.unit, spec.cluster, spec.slices)
    rated = tuple(rating.definition() for rating in spec.ratings)
    return Blueprint(record, spec, arms, tuple(uses), design.version, roles, rated=rated), drafted


def _imagined_uses(design: ResolvedDesign) -> list[ScorerUseRecord]:
    judged = [_judge_use(judge, metric) for judge in design.judges for metric in judge.metrics]
    return [*(_use(scorer) for scorer in design.scorers), *judged]


def _judge_use(judge: Judge, metric: MetricDefinition) -> ScorerUseRecord:
    return ScorerUseRecord(
        id="",
        experiment_id="",
        position=0,
        metric=metric.name,
        scorer=JUDGE,
        version=judge.version,
        entry=judge.entry,
        fingerprint=judge.fingerprint,
        kind=metric.kind,
        direction=metric.direction,
        unit=metric.unit,
        active=True,
    )


def _use(scorer: BoundScorer) -> ScorerUseRecord:
    return ScorerUseRecord(
        id="",
        experiment_id="",
        position=0,
        metric=scorer.metric,
        scorer=scorer.scorer,
        version=scorer.version,
        entry={scorer.scorer: dict(scorer.options)},
        fingerprint=scorer.fingerprint,
        kind=scorer.kind,
        direction=scorer.direction,
        unit=scorer.unit,
        active=True,
    )


def _imagined(tx: Transaction, design: ResolvedDesign) -> ExperimentRecord:
    spec = design.spec
    return ExperimentRecord(
        id="",
        name=spec.name,
        state=ExperimentState.DRAFT,
        origin="page",
        hypothesis=spec.hypothesis,
        spec={},
        design_hash=design.hash(),
        plan_hash=spec.plan.hash(),
        plan_version=1,
        locked_at=None,
        dataset_version_id=design.version.id if design.version else None,
        prompt_id=None,
        simulated=False,
        sample=False,
        created_by="",
        created_at=tx.clock(),
        archived_at=None,
    )
