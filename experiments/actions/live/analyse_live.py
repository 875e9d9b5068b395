"""Analyse live traffic: the newest phase as it stands → comparisons, health and verdict, kept as a snapshot."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from experiments.actions.live.guard_live import obey_guard
from experiments.errors import BakeoffError
from experiments.loading.live.findings import Fact
from experiments.loading.live.live_evidence import LiveEvidence, live_data_version, live_evidence
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.plans.plan import MetricDefinition, Plan
from experiments.version import VERSION
from experiments.vocabulary import HealthStatus, MetricKind, canonical_json, content_hash
from storage.live_sums import LiveSumsQueries, traffic_of
from storage.records import AnalysisRecord, ExperimentRecord, LivePhaseRecord
from storage.store import Store

if TYPE_CHECKING:
    from experiments.live.guard import GuardAction
    from experiments.results.analysis import Analysis

logger = logging.getLogger(__name__)

ENGINE = f"bakeoff {VERSION}"


def fresh_live_analysis(store: Store, experiment: ExperimentRecord, phase: LivePhaseRecord) -> AnalysisRecord:
    """The analysis of a phase as it stands: the newest snapshot when nothing changed since, else a new one."""
    with store.read() as tx:
        now = tx.clock()
        blueprint = load_blueprint(tx, experiment)
        version = live_data_version(tx, phase, blueprint, now)
        newest = tx.evidence.newest_analysis(experiment.id)
        if newest is not None and newest.data_version == version and newest.plan_hash == experiment.plan_hash:
            return newest
        looks = tx.evidence.looks(experiment.id)
    result, data_hash, action = _computed_or_failed(store, blueprint, phase, looks, now)
    with store.begin() as tx:
        record = tx.evidence.add_analysis(
            experiment.id,
            {
                "plan_hash": experiment.plan_hash,
                "data_version": version,
                "data_hash": data_hash,
                "engine": ENGINE,
                "result": result,
                "created_at": tx.clock(),
            },
        )
        details = {"number": record.number, "data_hash": record.data_hash, "verdict": result["verdict"]["outcome"]}
        tx.audit.append("analysis", "analysed", f"experiment:{experiment.name}", details)
    if action is not None:
        obey_guard(store, phase, action)
    return record


def _computed_or_failed(
    store: Store, blueprint: Blueprint, phase: LivePhaseRecord, looks: list[dict[str, Any]], now: datetime
) -> tuple[dict[str, Any], str, GuardAction | None]:
    """The result, the hash of its evidence and what the guard makes of it.

    An error of ours becomes a result as well, which says so and holds the test: with an analysis that cannot be made
    the limits of the plan watch nothing, and everything that reads results must go on reading.
    """
    try:
        with store.read() as tx:
            evidence = live_evidence(tx, blueprint, phase, now)
        result, action = _computed(blueprint, phase, evidence, looks)
        canonical_json(result)  # a number that no JSON holds is an error of ours too, and is to be met here
    except BakeoffError:
        raise  # the database cannot be read now: the next look tries again
    except Exception as error:
        logger.exception("the live test '%s' could not be analysed", phase.key)
        return _unanalysed(store, blueprint, phase, type(error).__name__)
    return result, evidence.data_hash, action


def _unanalysed(
    store: Store, blueprint: Blueprint, phase: LivePhaseRecord, error: str
) -> tuple[dict[str, Any], str, GuardAction]:
    """What stands in place of an analysis that failed."""
    from experiments.live.guard import GuardAction
    from experiments.results.live_analysis import LiveSums

    with store.read() as tx:
        exposed = LiveSumsQueries(tx.session, phase).exposed()
        traffic = traffic_of(tx.session, phase)
    message = (
        f"The analysis failed ({error}), so no limit of the plan can act and everybody meets the control. "
        "Look into the server's log; take back outcomes that are wrong with: bakeoff outcomes void ID --reason …"
    )
    facts: tuple[Fact, ...] = (("analysis", HealthStatus.FAIL, message),)
    evidence = LiveEvidence(LiveSums({}, exposed), traffic, facts, content_hash({"failed": error, "exposed": exposed}))
    result, _ = _computed(blueprint, phase, evidence, [])
    return result, evidence.data_hash, GuardAction("pause", "analysis_failed", message)


def _computed(
    blueprint: Blueprint, phase: LivePhaseRecord, evidence: LiveEvidence, looks: list[dict[str, Any]]
) -> tuple[dict[str, Any], GuardAction | None]:
    """The result, and what the guard makes of the same evidence."""
    from experiments.live.guard import guard_action
    from experiments.loading.live.phases import assigner
    from experiments.results.comparisons.health import HealthCheck
    from experiments.results.decision import decide
    from experiments.results.live_analysis import analyse_sums
    from experiments.results.peeking import Look

    plan = blueprint.spec.plan
    live = assigner(phase)
    seen = [Look.from_json(look) for look in looks if look.get("phase", phase.number) == phase.number]

    def analysed(rules: Plan) -> Analysis:
        return analyse_sums(
            evidence.sums,
            plan=rules,
            metrics=_definitions(blueprint, evidence),
            control=blueprint.control.name,
            looks=seen,
            split=live.shares(),
            facts=[HealthCheck(*fact) for fact in evidence.facts],
            variants=[arm.name for arm in blueprint.arms if live.shares()[arm.name] > 0],
            seed=int(blueprint.experiment.design_hash[:8], 16),
        )

    analysis = analysed(plan)
    watched = analysis if analysis.sequential else analysed(plan.model_copy(update={"stopping": "sequential"}))
    look = {**analysis.as_look().to_json(), "phase": phase.number} if analysis.shows_effects else None
    result = {
        "experiment": blueprint.experiment.name,
        "simulated": blueprint.experiment.simulated,
        "verdict": decide(plan, analysis).to_json(),
        **analysis.to_json(),
        "look": look,
        "cost": _cost(evidence),
        "counts": _counts(evidence),
        "live": {
            "key": phase.key,
            "phase": phase.number,
            "days": evidence.sums.days,
            "exposed": dict(evidence.sums.exposed),
            "crossed": evidence.traffic.crossed,
            "uncounted": dict(evidence.traffic.uncounted),
            **({"judged": [one.to_json() for one in evidence.judged]} if evidence.judged else {}),
        },
    }
    uncorrected = {one.metric for one in evidence.judged if one.corrected is None}
    return result, guard_action((c for c in watched.comparisons if c.metric not in uncorrected), watched.health)


def _definitions(blueprint: Blueprint, evidence: LiveEvidence) -> dict[str, MetricDefinition]:
    """The metrics; a corrected one is compared by its means: its users' values are no longer yes and no, or grades."""
    known = blueprint.metrics()
    corrected = [one.metric for one in evidence.judged if one.corrected is not None]
    return known | {name: replace(known[name], kind=MetricKind.SCORE) for name in corrected}


def _cost(evidence: LiveEvidence) -> dict[str, Any]:
    calls = evidence.traffic.calls
    by_variant = {
        variant: None if told["unknown"] == told["calls"] else round(told["cost_usd"], 10)
        for variant, told in sorted(calls.items())
    }
    known = [usd for usd in by_variant.values() if usd is not None]
    return {
        "total_usd": round(sum(known), 10) if known or not calls else None,
        "estimated_usd": round(sum(told["estimated"] for told in calls.values()), 10),
        "unknown_calls": int(sum(told["unknown"] for told in calls.values())),
        "by_variant": by_variant,
    }


def _counts(evidence: LiveEvidence) -> dict[str, Any]:
    calls = evidence.traffic.calls
    failed = {variant: int(told["failed"]) for variant, told in calls.items()}
    abandoned = {variant: int(told["abandoned"]) for variant, told in calls.items()}
    answered = {name: int(told["calls"]) - failed[name] - abandoned[name] for name, told in calls.items()}
    return {
        "planned": sum(int(told["calls"]) for told in calls.values()),
        "ok": sum(answered.values()),
        "failed": sum(failed.values()),
        "abandoned": sum(abandoned.values()),
        "from_cache": 0,
        "by_variant": {
            variant: {
                "ok": answered[variant],
                "failed": failed[variant],
                "abandoned": abandoned[variant],
                "classes": {},
                "failures": {},
            }
            for variant in calls
        },
    }
