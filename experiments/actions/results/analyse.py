"""Analyse: the evidence as it stands → comparisons, health and verdict, kept as a numbered snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from experiments.actions.live.analyse_live import fresh_live_analysis
from experiments.errors import Conflict
from experiments.loading.find import find_experiment
from experiments.loading.results.evidence_table import EvidenceTable, data_version, evidence_run, evidence_table
from experiments.loading.runs.answer_counts import measures_refusals
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.progress import RunProgress, progress_of
from experiments.plans.plan import Plan
from experiments.version import VERSION
from experiments.vocabulary import ExperimentState, RunState
from experiments.wording import metric_name
from storage.records import AnalysisRecord, RunRecord
from storage.store import Store, Transaction

ENGINE = f"bakeoff {VERSION}"


def fresh_analysis(store: Store, experiment_name: str) -> AnalysisRecord:
    """The analysis of the evidence as it stands: the newest snapshot when nothing changed since, else a new one.

    Live traffic, once there is a live test, is the evidence; what ran offline before was the way to it.

    Raises:
        NotFound; Conflict ``never_ran``.
    """
    with store.read() as tx:
        experiment = find_experiment(tx, experiment_name)
        phases = tx.live.phases(experiment.id)
    if phases:
        return fresh_live_analysis(store, experiment, phases[0])
    with store.read() as tx:
        run = evidence_run(tx, experiment.id)
        if run is None:
            raise Conflict("never_ran", f"'{experiment.name}' has not run yet.", "Start it first.")
        blueprint = load_blueprint(tx, experiment)
        version = data_version(tx, run, blueprint)
        newest = tx.evidence.newest_analysis(experiment.id)
        if newest is not None and newest.data_version == version and newest.plan_hash == experiment.plan_hash:
            return newest
        evidence = evidence_table(tx, blueprint, run)
        progress = progress_of(tx, run, store.clock())
        looks = tx.evidence.looks(experiment.id)
    result, data_hash = _computed(blueprint, evidence, progress, looks)
    with store.begin() as tx:
        record = tx.evidence.add_analysis(
            blueprint.experiment.id,
            {
                "plan_hash": blueprint.experiment.plan_hash,
                "data_version": version,
                "data_hash": data_hash,
                "engine": ENGINE,
                "result": result,
                "created_at": tx.clock(),
            },
        )
        _note_state(tx, blueprint, run)
        details = {"number": record.number, "data_hash": data_hash, "verdict": result["verdict"]["outcome"]}
        tx.audit.append("analysis", "analysed", f"experiment:{blueprint.experiment.name}", details)
        return record


def _computed(
    blueprint: Blueprint, evidence: EvidenceTable, progress: RunProgress, looks: list[dict[str, Any]]
) -> tuple[dict[str, Any], str]:
    from experiments.results.analysis import analyse
    from experiments.results.analysis_table import data_hash
    from experiments.results.comparisons.answer_classes import answer_checks
    from experiments.results.comparisons.health import HealthCheck
    from experiments.results.decision import decide
    from experiments.results.peeking import Look

    plan = blueprint.spec.plan
    wider = _with_rated(plan, blueprint, evidence)
    answered = answer_checks(evidence.answers, refusals_measured=measures_refusals(blueprint))
    facts = [*answered, *(HealthCheck(*fact) for fact in _facts(blueprint, evidence))]
    analysis = analyse(
        evidence.table,
        plan=wider,
        metrics=blueprint.metrics(),
        control=blueprint.control.name,
        slices=blueprint.roles.slices,
        seed=int(blueprint.experiment.design_hash[:8], 16),
        looks=[Look.from_json(look) for look in looks],
        planned_units=evidence.planned_units,
        facts=facts,
        judges=evidence.judges,
        variants=[arm.name for arm in blueprint.arms],
    )
    analysis = replace(analysis, plan_hash=plan.hash())
    verdict = decide(plan, analysis, budget_usd=progress.budget_usd)
    result = {
        "experiment": blueprint.experiment.name,
        "simulated": blueprint.experiment.simulated,
        "verdict": verdict.to_json(),
        **analysis.to_json(),
        "look": analysis.as_look().to_json() if analysis.shows_effects else None,
        "cost": cost_json(progress, blueprint),
        "counts": counts_json(progress),
    }
    return result, data_hash(evidence.table)


def _with_rated(plan: Plan, blueprint: Blueprint, evidence: EvidenceTable) -> Plan:
    """The plan with what people rated besides as secondary metrics: they inform and never decide."""
    there = set(evidence.table["metric"].unique())
    also = [m.name for m in blueprint.rated if m.name in there and m.name not in plan.metric_names()]
    return plan.model_copy(update={"secondary": (*plan.secondary, *also)}) if also else plan


def _facts(blueprint: Blueprint, evidence: EvidenceTable) -> list[tuple[str, Any, str]]:
    from experiments.vocabulary import HealthStatus

    facts = []
    for variant, models in evidence.served_models.items():
        if len(models) > 1:
            message = f"{variant} was answered by {len(models)} models ({', '.join(models[:3])}): it changed under way."
            facts.append(("changed_midway", HealthStatus.FAIL, message))
    if blueprint.experiment.origin == "import":
        message = "The answers were there before the plan: read this as a first look, not as a test of a prediction."
        facts.append(("plan", HealthStatus.WARN, message))
    primary = blueprint.spec.plan.primary.metric
    rated = primary in {metric.name for metric in blueprint.rated}
    told = any(check == "ratings" for check, _, _ in evidence.rating_facts)
    if rated and not told and primary not in set(evidence.table["metric"].unique()):
        message = f"People decide on {metric_name(primary)}, and nobody has rated yet. Open a rating session."
        facts.append(("ratings", HealthStatus.FAIL, message))
    return facts + [(check, HealthStatus(status), message) for check, status, message in evidence.rating_facts]


def cost_json(progress: RunProgress, blueprint: Blueprint) -> dict[str, Any]:
    """The ``cost`` block of the results: what was spent, or, for imported answers, what they say they cost."""
    imported = blueprint.experiment.origin == "import"
    by_variant = {v.variant: round(v.cost_usd, 10) for v in progress.variants}
    return {
        "total_usd": round(sum(by_variant.values()) + progress.judge_usd if imported else progress.spent_usd, 10),
        "judge_usd": round(progress.judge_usd, 10),
        "estimated_usd": round(progress.estimated_usd, 10),
        "unknown_calls": progress.unknown_answers if imported else progress.unknown_calls,
        "by_variant": by_variant,
    }


def counts_json(progress: RunProgress) -> dict[str, Any]:
    """The ``counts`` block of the results; every class of answer and kind of failure stands in it."""
    return {
        "planned": progress.planned,
        "ok": progress.ok,
        "failed": progress.failed,
        "from_cache": progress.cached,
        "by_variant": {
            v.variant: {"ok": v.ok, "failed": v.failed, "classes": dict(v.classes), "failures": dict(v.failures)}
            for v in progress.variants
        },
    }


def _note_state(tx: Transaction, blueprint: Blueprint, run: RunRecord) -> None:
    if run.state == RunState.FINISHED:
        expected = {ExperimentState.RUNNING, ExperimentState.PAUSED}
        tx.experiments.move(blueprint.experiment.id, to=ExperimentState.ANALYSED, expected=expected)
