"""Quality checks: what is saved, answers to try one on, how a try went, and where people and a judge disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from experiments.errors import NotFound
from experiments.experiment_file import ScorerEntry
from experiments.judges import JUDGE, JudgeSpec, bind_judge, judge_spec
from experiments.judges.remarks import Remark
from experiments.judges.suggestions import Suggestion, suggestions_from
from experiments.judges.trying import call_letter
from experiments.judges.verdicts import Unreadable, read_verdicts
from experiments.judges.votes import JudgeVote, scores_of
from experiments.loading.find import find_experiment
from experiments.loading.rating.evidence import raters_left_out
from experiments.loading.results.evidence_table import evidence_run
from experiments.loading.runs.blueprint import IMPORTED, Blueprint, load_blueprint
from experiments.views.trying.previews import try_results
from experiments.vocabulary import MetricKind, RunState
from storage.rated import RatedAnswer, rated_answers
from storage.records import RunRecord
from storage.store import Store, Transaction

SHOWN = 10


@dataclass(frozen=True, slots=True)
class CheckVersionView:
    """One version of a check."""

    number: int
    spec: JudgeSpec
    note: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CheckView:
    """A saved check, its newest version first."""

    name: str
    versions: tuple[CheckVersionView, ...]


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """An answer to try a check on. ``people`` is the mean of their ratings, None when nobody rated it."""

    output_id: str
    row: int
    variant: str
    text: str
    people: float | None
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriedVerdict:
    """What a try said of one answer; ``ended`` is false while a call is out, ``value`` None without a verdict."""

    ended: bool
    value: float | None
    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One answer on which people and the judge differ, the widest gap first; values are as stored."""

    row: int
    variant: str
    text: str
    inputs: dict[str, str | None]
    people: float
    raters: int
    comments: tuple[str, ...]
    judge: float
    reason: str


def uses_of(store: Store, experiment_name: str) -> tuple[list[ScorerEntry], list[ScorerEntry]]:
    """(entries of rules, entries of judges) that an experiment is scored by, each once. Raises NotFound."""
    with store.read() as tx:
        uses = tx.experiments.scorers(find_experiment(tx, experiment_name).id)
    rules = [use.entry for use in uses if use.scorer not in (IMPORTED, JUDGE)]
    judges = {use.fingerprint: use.entry for use in uses if use.scorer == JUDGE}
    return rules, list(judges.values())


def list_checks(store: Store) -> list[CheckView]:
    """All saved checks by name."""
    with store.read() as tx:
        return [
            CheckView(
                check.name,
                tuple(
                    CheckVersionView(v.number, judge_spec(v.entry), v.note, v.created_by, v.created_at)
                    for v in tx.checks.versions(check.id)
                ),
            )
            for check in tx.checks.all()
        ]


def labelled(check: CheckView, entry: ScorerEntry) -> ScorerEntry:
    """The entry under the name of the saved version that it is, or as it stands when it is none."""
    judge = bind_judge(entry)
    saved = next((v.number for v in check.versions if v.spec.fingerprint() == judge.fingerprint), None)
    if saved is None or not isinstance(entry, dict):
        return entry
    return {JUDGE: {**entry[JUDGE], "check": f"{check.name}@{saved}"}}


def judgeable(store: Store) -> list[str]:
    """Names of the experiments whose answers are all there, newest first."""
    with store.read() as tx:
        found = []
        for experiment in tx.experiments.all():
            run = evidence_run(tx, experiment.id)
            if run is not None and run.state == RunState.FINISHED:
                found.append(experiment.name)
        return found


def answers_to_try(store: Store, experiment_name: str, *, rated_as: str, limit: int = SHOWN) -> list[SampleAnswer]:
    """Answers to try a check on: rated ones first, liked and disliked in turn; else spread over rows and variants.

    Raises:
        NotFound.
    """
    with store.read() as tx:
        blueprint, run = _of(tx, experiment_name)
        names = {arm.id: arm.name for arm in blueprint.arms}
        rated = _rated_as(tx, run, rated_as)
        chosen = _in_turn(rated)[:limit]
        found = [
            SampleAnswer(r.output_id, r.position + 1, names[r.variant_id], r.text, r.people, r.comments) for r in chosen
        ]
        if len(found) < limit:
            known = {one.output_id for one in found}
            for item in tx.judgements.spread_answers(run.id, limit=limit):
                if item.output["id"] not in known and len(found) < limit:
                    output, row = item.output, item.example.position + 1
                    found.append(SampleAnswer(output["id"], row, names[output["variant_id"]], output["text"], None, ()))
        return found


def check_try(store: Store, batch_id: str, entry: ScorerEntry, *, answers: int) -> list[TriedVerdict]:
    """What the try said of each of its answers, in their order."""
    judge = bind_judge(entry)
    results = try_results(store, batch_id)
    verdicts = []
    for number in range(answers):
        votes, problem, ended, asked = [], "", True, 0
        for index, (model, sample, swapped) in enumerate(judge.call_keys()):
            result = results.get(call_letter(number, index))
            if result is None:
                continue
            asked += 1
            ended = ended and result.ended
            if result.state == "failed":
                problem = result.error_message or "the judge could not be asked"
            elif result.ended:
                found = read_verdicts(judge.spec, result.text)
                if isinstance(found, Unreadable):
                    problem = f"the judge's answer is no verdict: {found.reason}"
                else:
                    votes.append(JudgeVote(model, swapped, sample, found))
        if not asked:
            verdicts.append(TriedVerdict(True, None, "", "this row lacks what the judge must see"))
        elif not ended or not votes:
            verdicts.append(TriedVerdict(ended, None, "", problem))
        else:
            score = scores_of(judge.spec, votes)[judge.metric]
            verdicts.append(TriedVerdict(True, score.value, _word(judge.spec, score.value), score.reason or problem))
    return verdicts


def disagreements(store: Store, experiment_name: str, metric: str) -> tuple[list[Disagreement], int]:
    """(answers on which people and the judge of that metric differ, how many have both). Raises NotFound."""
    with store.read() as tx:
        blueprint, run = _of(tx, experiment_name)
        names = {arm.id: arm.name for arm in blueprint.arms}
        rated = [r for r in _rated(tx, blueprint, run, metric) if r.judge is not None]
    differing = [
        Disagreement(
            row=r.position + 1,
            variant=names[r.variant_id],
            text=r.text,
            inputs=_inputs(blueprint, r.cells),
            people=r.people,
            raters=r.raters,
            comments=r.comments,
            judge=r.judge,
            reason=r.reason or "",
        )
        for r in rated
        if r.judge is not None and r.judge != r.people
    ]
    return sorted(differing, key=lambda d: (-abs(d.people - d.judge), d.row, d.variant)), len(rated)


def suggestions(store: Store, experiment_name: str, *, metric: str, rated_as: str) -> tuple[Suggestion, ...]:
    """What people's ratings suggest for a check; empty without ratings that say no. Raises NotFound."""
    return suggestions_from(remarks_on(store, experiment_name, metric=metric, rated_as=rated_as))


def remarks_on(store: Store, experiment_name: str, *, metric: str, rated_as: str) -> list[Remark]:
    """The rated answers as remarks: grades are brought to 0 to 1 by the range that people used."""
    with store.read() as tx:
        blueprint, run = _of(tx, experiment_name)
        rated = _rated(tx, blueprint, run, metric) or _rated_as(tx, run, rated_as)
    values = [r.people for r in rated] + [r.judge for r in rated if r.judge is not None]
    low, high = min([0.0, *values]), max([1.0, *values])

    def share(value: float) -> float:
        return (value - low) / (high - low)

    return [Remark(r.text, share(r.people), None if r.judge is None else share(r.judge), r.comments) for r in rated]


def _rated(tx: Transaction, blueprint: Blueprint, run: RunRecord, metric: str) -> list[RatedAnswer]:
    judge = next((j for j in blueprint.judges for m in j.metrics if m.name == metric), None)
    if judge is None:
        return []
    rated_as = judge.spec.rated_as if metric == judge.metric else metric
    return _rated_as(tx, run, rated_as, metric=metric, fingerprint=judge.fingerprint)


def _rated_as(
    tx: Transaction, run: RunRecord, rated_as: str, *, metric: str = "", fingerprint: str = ""
) -> list[RatedAnswer]:
    """What people said under a name, with the score of a judge where one is named."""
    left_out = raters_left_out(tx, run.experiment_id, rated_as)
    return rated_answers(tx, run.id, rated_as=rated_as, metric=metric, fingerprint=fingerprint, left_out=left_out)


def _of(tx: Transaction, experiment_name: str) -> tuple[Blueprint, RunRecord]:
    experiment = find_experiment(tx, experiment_name)
    run = evidence_run(tx, experiment.id)
    if run is None:
        raise NotFound("never_ran", f"'{experiment.name}' has not run yet.", "Start it first.")
    return load_blueprint(tx, experiment), run


def _in_turn(rated: Sequence[RatedAnswer]) -> list[RatedAnswer]:
    """Liked and disliked answers in turn, so that ten of them show both."""
    middle = (min(r.people for r in rated) + max(r.people for r in rated)) / 2 if rated else 0.5
    groups = ([r for r in rated if r.people > middle], [r for r in rated if r.people <= middle])
    longest = max(map(len, groups), default=0)
    return [group[i] for i in range(longest) for group in groups if i < len(group)]


def _inputs(blueprint: Blueprint, cells: dict[str, str | None]) -> dict[str, str | None]:
    roles = blueprint.roles
    columns = set(roles.inputs.values())
    hidden = {roles.reference, roles.unit, roles.cluster, *roles.slices}
    return {k: v for k, v in cells.items() if (k in columns if columns else k not in hidden)}


def _word(spec: JudgeSpec, value: float | None) -> str:
    if value is None:
        return "no verdict"
    if spec.criteria:
        return f"{100 * value:.0f} of 100" if spec.scale == "pass_fail" else f"{value:.1f}"
    kind = bind_judge({JUDGE: spec.model_dump(mode="json", exclude_defaults=True)}).metrics[0].kind
    if kind is MetricKind.PREFERENCE:
        return {1.0: "better than the control", 0.0: "worse than the control"}.get(value, "tie")
    if spec.categories:
        return next((word for word, worth in spec.categories.items() if worth == value), f"{value:g}")
    return f"{value:g}" if isinstance(spec.scale, dict) else ("pass" if value else "fail")
