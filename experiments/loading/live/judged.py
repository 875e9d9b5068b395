"""What judges say in a live test: corrected by people's ratings of a random few, or shown as uncorrected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.judges import Judge
from experiments.loading.live.findings import Fact
from experiments.loading.live.judging import judge_budget, live_judges, unpriced
from experiments.loading.live.measures import deciding_metrics
from experiments.loading.rating.evidence import rating_evidence
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.vocabulary import HealthStatus
from experiments.wording import count, metric_name
from storage.live_caps import Caps
from storage.live_sums import LiveSumsQueries
from storage.records import LivePhaseRecord
from storage.store import Transaction

if TYPE_CHECKING:
    from experiments.stats.live_correction import CorrectedArm, JudgedArm

FEWEST_RATED = 50
FEWEST_EACH = 20
"""Rated answers of one variant below which its part of the correction is a guess."""


@dataclass(frozen=True, slots=True)
class JudgedMetric:
    """One judge's metric in a live test.

    ``scored`` and ``rated`` count answers per variant, by the judge and of these by people; ``raw`` is the judge's mean
    over users per variant, ``corrected`` what people's ratings make of it (None until there are enough). ``waiting``
    answers are still to be judged.
    """

    metric: str
    deciding: bool
    scored: Mapping[str, int]
    rated: Mapping[str, int]
    raw: Mapping[str, float]
    corrected: Mapping[str, CorrectedArm] | None
    waiting: int
    spent_usd: float
    budget_usd: float
    problem: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **self.evidence_json(),
            "needed": {"in_all": FEWEST_RATED, "each": FEWEST_EACH},
            "waiting": self.waiting,
            "spent_usd": round(self.spent_usd, 10),
            "budget_usd": self.budget_usd,
            "problem": self.problem,
        }

    def evidence_json(self) -> dict[str, Any]:
        """What an analysis rests on, without money and waiting: the same evidence has the same hash."""
        corrected = self.corrected or {}
        return {
            "metric": self.metric,
            "scored": dict(self.scored),
            "rated": dict(self.rated),
            "raw": {name: round(value, 10) for name, value in self.raw.items()},
            "corrected": {name: round(arm.sums.mean, 10) for name, arm in corrected.items()} or None,
            "weight": {name: round(arm.weight, 10) for name, arm in corrected.items()} or None,
        }

    def fact(self) -> Fact:
        """What the health of an analysis says of it; an uncorrected judge blocks the verdict where it decides."""
        name, rated = metric_name(self.metric), sum(self.rated.values())
        told = f"{count(rated, 'answer')} of {sum(self.scored.values()):,} that the judge of {name} scored"
        stuck = f" {self.problem}" if self.problem else ""
        if self.corrected is not None:
            message = f"The effect on {name} is corrected by people, who rated {told}.{stuck}"
            return ("judge", HealthStatus.WARN if stuck else HealthStatus.OK, message)
        message = f"The judge of {name} is uncorrected: people rated {told}; {FEWEST_RATED} are needed"
        message += f", {FEWEST_EACH} of each variant. Let people rate a random few of its live answers.{stuck}"
        return ("judge", HealthStatus.FAIL if self.deciding else HealthStatus.WARN, message)


def judged_metrics(tx: Transaction, blueprint: Blueprint, phase: LivePhaseRecord) -> tuple[JudgedMetric, ...]:
    """One entry per judge that can judge live answers."""
    judges = live_judges(blueprint)
    if not judges:
        return ()
    waiting, failure = tx.live_judging.progress(phase.id)
    budget, deciding = judge_budget(blueprint.spec), set(deciding_metrics(blueprint.spec.plan))
    found = []
    for judge in judges:
        model = unpriced(tx, blueprint, judge)
        why = f"the price of {model} is unknown" if model is not None else failure and f"a call failed: {failure}"
        problem = _problem(phase, waiting, budget, why)
        found.append(
            _judged(
                tx, phase, judge, deciding=judge.metric in deciding, waiting=waiting, budget=budget, problem=problem
            )
        )
    return tuple(found)


def _judged(
    tx: Transaction,
    phase: LivePhaseRecord,
    judge: Judge,
    *,
    deciding: bool,
    waiting: int,
    budget: float,
    problem: str,
) -> JudgedMetric:
    metric, fingerprint = judge.metric, judge.fingerprint
    scored = tx.live_judging.answers(phase, metric=metric, fingerprint=fingerprint)
    sums = LiveSumsQueries(tx.session, phase).of_score(metric, fingerprint, "mean", caps=Caps())
    people = people_of(tx, phase, judge)
    arms = _arms(tx, phase, judge, sums, people)
    rated = {name: len(arm.people) for name, arm in arms.items()}
    enough = sum(rated.values()) >= FEWEST_RATED and all(rated.get(name, 0) >= FEWEST_EACH for name in sums)
    return JudgedMetric(
        metric=metric,
        deciding=deciding,
        scored=dict(sorted(Counter(variant for _, variant in scored).items())),
        rated=rated,
        raw={name: one["centre"] + one["y"] / one["units"] for name, one in sorted(sums.items())},
        corrected=_corrected(arms) if enough and len(sums) > 1 else None,
        waiting=waiting,
        spent_usd=phase.judge_spent_usd,
        budget_usd=budget,
        problem=problem,
    )


def _problem(phase: LivePhaseRecord, waiting: int, budget: float, why: str | None) -> str:
    """Why answers wait, where any do: what was spent, and the last failure."""
    if not waiting:
        return ""
    told = f"{count(waiting, 'answer waits', 'answers wait')} for a judge"
    return f"{told}{'; ' + why.rstrip('.') if why else ''} (${phase.judge_spent_usd:.4g} of ${budget:g} spent)."


def _corrected(arms: Mapping[str, JudgedArm]) -> dict[str, CorrectedArm]:
    from experiments.stats.live_correction import corrected_arm

    return {name: corrected_arm(arm) for name, arm in arms.items()}


def people_of(tx: Transaction, phase: LivePhaseRecord, judge: Judge) -> dict[str, float]:
    """Call → mean of what people said of its answer, over all draws of the phase; raters left out do not count."""
    found: dict[str, list[float]] = defaultdict(list)
    for draw in tx.live_judging.draws(phase.id):
        if draw["metric"] != judge.metric:
            continue
        for run in tx.runs.of_experiment(draw["experiment_id"]):
            votes = rating_evidence(tx, draw["experiment_id"], run.id, deciding=()).rows
            calls = _calls_of(tx, draw["experiment_id"], run.id)
            for output, metric, value in zip(votes["output_id"], votes["metric"], votes["value"], strict=True):
                if metric == judge.spec.rated_as:
                    found[calls[output]].append(float(value))
    return {call: sum(values) / len(values) for call, values in found.items()}


def _calls_of(tx: Transaction, experiment_id: str, run_id: str) -> dict[str, str]:
    """Drawn answer → the call it came from."""
    blueprint = load_blueprint(tx, tx.experiments.get(experiment_id))
    assert blueprint.dataset is not None
    assert blueprint.roles.unit is not None
    unit = blueprint.roles.unit
    names = {e.id: e.cells[unit] or "" for e in tx.datasets.stream_examples(blueprint.dataset.id, chunk=500)}
    return {output: names[example] for example, _, output, _ in tx.ratings.answers(run_id)}


def _arms(
    tx: Transaction,
    phase: LivePhaseRecord,
    judge: Judge,
    sums: Mapping[str, Mapping[str, float]],
    people: Mapping[str, float],
) -> dict[str, JudgedArm]:
    import numpy as np

    from experiments.stats.live_correction import JudgedArm

    scores = tx.live_judging.scores_of_users(phase, sorted(people), metric=judge.metric, fingerprint=judge.fingerprint)
    of_user: dict[str, list[float]] = defaultdict(list)
    for user, _, _, value in scores:
        of_user[user].append(value)
    arms = {}
    for variant, one in sorted(sums.items()):
        mine = sorted((call, user, value) for user, arm, call, value in scores if arm == variant and call in people)
        means = [sum(of_user[user]) / len(of_user[user]) for _, user, _ in mine]
        units, centre = int(one["units"]), one["centre"]
        arms[variant] = JudgedArm(
            units=units,
            total=one["y"] + centre * units,
            squares=one["yy"] + 2 * centre * one["y"] + centre**2 * units,
            user=np.unique([user for _, user, _ in mine], return_inverse=True)[1].astype(np.intp),
            share=np.array([1 / len(of_user[user]) for _, user, _ in mine], dtype=float),
            user_score=np.array(means, dtype=float),
            judge=np.array([value for _, _, value in mine], dtype=float),
            people=np.array([people[call] for call, _, _ in mine], dtype=float),
        )
    return arms
