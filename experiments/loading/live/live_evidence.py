"""What the database keeps of a live test → the sums and facts that an analysis stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from experiments.experiment_file import LiveSpec
from experiments.loading.live.findings import Fact, findings
from experiments.loading.live.folds import earlier_values, fold_of
from experiments.loading.live.judged import JudgedMetric, judged_metrics
from experiments.loading.runs.blueprint import Blueprint
from experiments.vocabulary import HealthStatus, MetricKind, content_hash
from experiments.wording import count
from storage.call_metrics import CALL_METRICS
from storage.live_caps import Caps
from storage.live_sums import Fold, LiveSumsQueries, Traffic, fingerprint_of, traffic_of
from storage.live_sums import Grades as StoredGrades
from storage.live_sums import Sums as StoredSums
from storage.records import LivePhaseRecord
from storage.store import Transaction

if TYPE_CHECKING:
    from experiments.results.live_analysis import LiveSums
    from experiments.stats.covariates import SeveralEarlier
    from experiments.stats.quantiles import Observations

MOST_SLICE_VALUES = 12
MOST_VALUES = 40_000
"""Single values that a percentile is computed from; beyond, users are drawn by their hash."""
MOST_GRADES = 5_000
"""Different values of all variants that a graded metric may have: its users' means, not only 1 to 5."""
CAP_QUANTILE = 0.999
"""Where contributions are cut unless the plan says otherwise, as in ``stats.contributions``, which is imported late."""
LARGEST_GRADE = 100.0
YES_NO_CALLS = frozenset({"failed", "refused"})
LOST = 0.01
MOST_LOST = 0.05


@dataclass(frozen=True)
class LiveEvidence:
    """A live test as it stands: its sums, what its traffic and its judges tell besides, and the hash of it all."""

    sums: LiveSums
    traffic: Traffic
    facts: tuple[Fact, ...]
    data_hash: str
    judged: tuple[JudgedMetric, ...] = ()


def live_data_version(tx: Transaction, phase: LivePhaseRecord, blueprint: Blueprint, now: datetime) -> str:
    """A word that changes whenever an analysis of this phase would; days that pass change it too."""
    scorers = ",".join(sorted(use.fingerprint[:12] for use in blueprint.scorer_uses))
    days = int(_days(phase, now))
    draws = [run.revision for d in tx.live_judging.draws(phase.id) for run in tx.runs.of_experiment(d["experiment_id"])]
    rated = f":{sum(draws)}" if draws else ""
    return f"live:{phase.id}:{phase.revision}:{days}:{fingerprint_of(tx.session, phase)}:{scorers}{rated}"


def live_evidence(tx: Transaction, blueprint: Blueprint, phase: LivePhaseRecord, now: datetime) -> LiveEvidence:
    """The evidence of a phase."""
    from experiments.results.live_analysis import LiveSums
    from experiments.stats.summaries import UnitSums

    live = blueprint.spec.live
    assert live is not None
    whole = LiveSumsQueries(tx.session, phase)
    stored, grades = _stored_sums(whole, blueprint, phase), _stored_grades(whole, blueprint, live)
    exposed = whole.exposed()
    traffic = traffic_of(tx.session, phase)
    slices = {}
    for attribute in blueprint.roles.slices:
        for value in whole.slice_values(attribute, most=MOST_SLICE_VALUES):
            part = LiveSumsQueries(tx.session, phase, slice_of=(attribute, value))
            held = _stored_sums(part, blueprint, phase), _stored_grades(part, blueprint, live)
            slices[f"{attribute}={value}"] = _as_unit_sums(*held, {}, UnitSums)
    judged = judged_metrics(tx, blueprint, phase)
    sums = LiveSums(
        metrics=_as_unit_sums(stored, grades, exposed, UnitSums) | _corrected(judged, exposed),
        exposed=exposed,
        crossed=traffic.crossed,
        days=_days(phase, now),
        slices=_without(slices, {one.metric for one in judged}),
        least_days=live.minimum_days,
        values=_single_values(tx, blueprint, phase),
    )
    facts = (*_facts(phase, traffic, blueprint.control.name), *findings(tx, blueprint, phase, traffic))
    facts += tuple(one.fact() for one in judged)
    told: dict[str, Any] = {"phase": phase.id, "sums": stored, "exposed": exposed, "traffic": asdict(traffic)}
    if grades:
        told["grades"] = grades
    if judged:
        told["judged"] = [one.evidence_json() for one in judged]
    return LiveEvidence(sums, traffic, facts, content_hash(_plain(told)), judged)


def _corrected(judged: Sequence[JudgedMetric], exposed: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """The sums that people's ratings make of a judge's, in place of the judge's own."""
    return {
        one.metric: {
            name: replace(arm.sums, missing=max(0, exposed.get(name, 0) - arm.sums.units))
            for name, arm in one.corrected.items()
        }
        for one in judged
        if one.corrected is not None
    }


def _without(slices: Mapping[str, Mapping[str, Any]], metrics: set[str]) -> dict[str, dict[str, Any]]:
    """Slices without what only a judge says there: ratings are too few to correct it in each."""
    return {label: {m: sums for m, sums in held.items() if m not in metrics} for label, held in slices.items()}


def _stored_sums(queries: LiveSumsQueries, blueprint: Blueprint, phase: LivePhaseRecord) -> dict[str, StoredSums]:
    quantile = blueprint.spec.plan.cap_quantile or CAP_QUANTILE
    found = {
        metric: queries.of_calls(metric, caps=Caps(quantile, amounts=metric not in YES_NO_CALLS))
        for metric in CALL_METRICS
    }
    for outcome in blueprint.spec.live.outcomes if blueprint.spec.live else ():
        since = phase.started_at - timedelta(days=outcome.before_days) if outcome.before_days is not None else None
        caps = _caps(MetricKind(outcome.kind), quantile)
        earlier = earlier_values(outcome)
        if since is not None and len(earlier) > 1:
            found[outcome.metric] = queries.of_outcome_with(
                outcome.metric, fold_of(outcome), earlier, caps=caps, since=since
            )
        else:
            found[outcome.metric] = queries.of_outcome(outcome.metric, fold_of(outcome), caps=caps, since=since)
    for use in blueprint.scorer_uses:
        fold: Fold = "mean" if use.kind in (MetricKind.SCORE, MetricKind.ORDINAL) else "requests"
        caps = _caps(MetricKind(use.kind), quantile)
        found[use.metric] = queries.of_score(use.metric, use.fingerprint, fold, caps=caps)
    return {metric: sums for metric, sums in found.items() if sums}


def _caps(kind: MetricKind, quantile: float) -> Caps:
    """Amounts are cut; a score is one where it lies beyond every usual scale of grades."""
    score = kind is MetricKind.SCORE
    amounts = score or kind in (MetricKind.COST, MetricKind.LATENCY, MetricKind.RATIO)
    return Caps(quantile, amounts=amounts, beyond=LARGEST_GRADE if score else None)


def _stored_grades(queries: LiveSumsQueries, blueprint: Blueprint, live: LiveSpec) -> dict[str, StoredGrades]:
    """Metric → users per value, for the metrics that are compared by rank."""
    found = {
        outcome.metric: queries.grades_of_outcome(outcome.metric, fold_of(outcome), most=MOST_GRADES)
        for outcome in live.outcomes
        if outcome.kind == "ordinal"
    }
    for use in blueprint.scorer_uses:
        if use.kind == MetricKind.ORDINAL:
            found[use.metric] = queries.grades_of_score(use.metric, use.fingerprint, "mean", most=MOST_GRADES)
    return {metric: grades for metric, grades in found.items() if grades}


def _as_unit_sums(
    stored: Mapping[str, StoredSums],
    grades: Mapping[str, StoredGrades],
    exposed: Mapping[str, int],
    unit_sums: Any,  # noqa: ANN401
) -> dict[str, dict[str, Any]]:
    """Metric → variant → ``UnitSums``; users without a value are counted where ``exposed`` tells how many there are."""
    from experiments.stats.contributions import Largest

    found = {}
    for metric, by_variant in stored.items():
        arms = {
            variant: unit_sums.from_mapping(
                {
                    **sums,
                    "missing": max(0, exposed.get(variant, 0) - int(sums["units"])) if exposed else 0,
                    "grades": tuple(grades.get(metric, {}).get(variant, ())),
                    "largest": Largest(sums["top_y"], sums["top_n"], sums["top_share"]),
                }
            )
            for variant, sums in by_variant.items()
        }
        found[metric] = _adjusted(arms, by_variant)
    return found


def _adjusted(arms: dict[str, Any], stored: StoredSums) -> dict[str, Any]:
    """The arms with their users' values from before, where those were asked for."""
    if all("x0" in sums for sums in stored.values()):
        from experiments.stats.covariates import with_several

        return with_several(arms, {variant: _several(sums) for variant, sums in stored.items()})
    if not all("known" in sums for sums in stored.values()):
        return arms
    from experiments.stats.covariates import Earlier, with_earlier

    earlier = {
        variant: Earlier(int(sums["known"]), sums["y_known"], sums["x"], sums["xx"], sums["xy"])
        for variant, sums in stored.items()
    }
    return with_earlier(arms, earlier)


def _several(sums: Mapping[str, float]) -> SeveralEarlier:
    """The sums of several values from before as arrays; columns as ``storage.live_caps.several_earlier``."""
    import numpy as np

    from experiments.stats.covariates import SeveralEarlier

    names = [name for name in (f"x{place}" for place in range(len(sums))) if name in sums]
    pairs = [[sums[f"{min(a, b)}_{max(a, b)}"] for b in names] for a in names]
    return SeveralEarlier(
        x=np.array([sums[name] for name in names]),
        xx=np.array(pairs),
        xy=np.array([sums[f"{name}_y"] for name in names]),
        xn=np.array([sums[f"{name}_n"] for name in names]),
        filled=int(sums["units"] - min(sums[f"with_{name}"] for name in names)),
    )


def _single_values(tx: Transaction, blueprint: Blueprint, phase: LivePhaseRecord) -> dict[str, dict[str, Observations]]:
    """Single values of the metrics whose percentiles the plan asks for."""
    import numpy as np

    from experiments.stats.quantiles import Observations

    plan = blueprint.spec.plan
    asked = {guardrail.metric for guardrail in plan.guardrails if guardrail.aggregate != "mean"}
    if plan.primary.aggregate != "mean":
        asked.add(plan.primary.metric)
    if plan.swap_goal is not None and plan.swap_goal.aggregate != "mean":
        asked.add(plan.swap_goal.metric)
    found: dict[str, dict[str, Observations]] = {}
    for metric in sorted(asked & set(CALL_METRICS)):
        rows = LiveSumsQueries(tx.session, phase).call_values(metric, most=MOST_VALUES)
        for variant in sorted({row[0] for row in rows}):
            mine = [row for row in rows if row[0] == variant]
            _, users = np.unique([row[1] for row in mine], return_inverse=True)
            values = np.array([row[2] for row in mine])
            found.setdefault(metric, {})[variant] = Observations(values, users)
    return found


def _days(phase: LivePhaseRecord, now: datetime) -> float:
    return ((phase.ended_at or now) - phase.started_at) / timedelta(days=1)


# --- health --------------------------------------------------------------------------------------------------------


def _facts(phase: LivePhaseRecord, traffic: Traffic, control: str) -> list[Fact]:
    facts: list[Fact] = []
    if traffic.not_replayed:
        message = f"{traffic.not_replayed:,} users met a variant that the hash does not give. Begin a new phase."
        facts.append(("replay", HealthStatus.FAIL, message))
    else:
        facts.append(("replay", HealthStatus.OK, "Every exposure is the one that the hash gives."))
    facts += _losses(traffic, control)
    if phase.pauses:
        paused = count(len(phase.pauses), "time")
        message = f"It was paused {paused}; users met the control then, and still count as assigned."
        facts.append(("paused", HealthStatus.WARN, message))
    nameless = traffic.uncounted.get("no_unit", 0)
    if nameless:
        message = f"{nameless:,} requests named no user; they met the control and are not counted."
        facts.append(("no_unit", HealthStatus.WARN, message))
    return facts


def _losses(traffic: Traffic, control: str) -> list[Fact]:
    """Users whose model call failed, per variant: an exact test against the control, and a limit."""
    from scipy import stats

    found: list[Fact] = []
    base = traffic.users_failed.get(control)
    for variant, (lost, seen) in sorted(traffic.users_failed.items()):
        if lost > MOST_LOST * seen:
            message = f"{lost:,} of {seen:,} users of {variant} got no answer of its own."
            found.append(("call_failures", HealthStatus.FAIL, message))
        elif variant != control and base is not None:
            table = [[lost, seen - lost], [base[0], base[1] - base[0]]]
            if stats.fisher_exact(table).pvalue < LOST:
                against = f"{base[0]:,} of {base[1]:,} of {control}"
                message = f"Calls failed for {lost:,} of {seen:,} users of {variant} and {against}."
                found.append(("call_failures", HealthStatus.FAIL, message))
    if not found and traffic.users_failed:
        found.append(("call_failures", HealthStatus.OK, "No variant's calls failed more often than another's."))
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401
    """JSON values: times as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value
