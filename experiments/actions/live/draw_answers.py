"""Draw a random few of the judged live answers and open a rating session over them: people correct the judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.actions.authorise import authorise
from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.rating.open_rating import OpenedSession, open_session
from experiments.errors import BakeoffError, Conflict
from experiments.judges import Judge
from experiments.loading.live.judging import inputs_of, live_judges
from experiments.loading.live.measures import deciding_metrics
from experiments.loading.live.phases import find_phase
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.permissions import Operation
from experiments.ratings.session_file import MOST_CHOICES, Category, Illustration, SessionSpec
from experiments.vocabulary import Actor, QuestionKind, content_hash
from experiments.wording import metric_name
from storage.records import LivePhaseRecord
from storage.store import Store, Transaction

USUAL = 100
MOST = 2_000
STARS = {1, 2, 3, 4, 5}


@dataclass(frozen=True, slots=True)
class AnswerDraw:
    """Answers drawn for people: ``share`` is the probability of each, ``session`` holds the raters' link."""

    experiment: str
    answers: int
    share: float
    session: OpenedSession


def draw_answers(
    store: Store, name: str, *, actor: Actor, answers: int = USUAL, metric: str | None = None
) -> AnswerDraw:
    """A rating session over so many of the answers that a judge has scored and that no earlier draw holds.

    Each of them has the same probability; the order is that of a hash with the phase's seed, so the draw can be
    repeated. The answers become an experiment of imported answers of their own, so raters meet them as any other.
    ``metric`` names the judge where several decide.

    Raises:
        BakeoffError: ``no_judge``, ``too_many``, ``bad_question``; Conflict ``nothing_judged``; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.COLLECT_RATINGS, f"live:{name}")
    if not 1 <= answers <= MOST:
        raise BakeoffError("too_many", f"A draw takes from 1 to {MOST:,} answers.", "Draw again later for more.")
    with store.read() as tx:
        phase = find_phase(tx, name)
        blueprint = load_blueprint(tx, tx.experiments.get(phase.experiment_id))
        judge = _judge(blueprint, metric)
        question = question_of(judge)
        drawn, share = _drawn(tx, phase, judge, answers)
        samples = tx.live_judging.samples([call for call, _ in drawn])
        title = _free_title(tx, f"{blueprint.experiment.name} live answers")
    lines = [_line(blueprint, call, variant, samples[call]) for call, variant in drawn if call in samples]
    if not lines:
        raise Conflict("nothing_judged", "The texts of these answers are no longer kept.", "Draw from newer answers.")
    found = import_outputs(
        store, "\n".join(lines).encode(), filename="live-answers.jsonl", experiment=title, actor=actor
    )
    with store.begin() as tx:
        calls = [call for call, _ in drawn if call in samples]
        tx.live_judging.add_draw(
            {
                "experiment_id": found.experiment.id,
                "phase_id": phase.id,
                "metric": judge.metric,
                "answers": len(calls),
                "share": share,
                "call_ids": calls,
                "created_at": tx.clock(),
            }
        )
        details = {"experiment": title, "answers": len(calls), "share": share, "metric": judge.metric}
        tx.audit.append(actor.name, "live_answers_drawn", f"experiment:{blueprint.experiment.name}", details)
    return AnswerDraw(title, len(lines), share, open_session(store, title, question, actor=actor))


def _judge(blueprint: Blueprint, metric: str | None) -> Judge:
    judges = live_judges(blueprint)
    wanted = [metric] if metric is not None else deciding_metrics(blueprint.spec.plan)
    found = [judge for name in wanted for judge in judges if judge.metric == name]
    if found or (metric is None and judges):
        return found[0] if found else judges[0]
    what = "no judge" if metric is None else f"no judge '{metric[:80]}'"
    raise BakeoffError("no_judge", f"'{blueprint.experiment.name}' has {what} of live answers.", "Name one it has.")


def _drawn(tx: Transaction, phase: LivePhaseRecord, judge: Judge, answers: int) -> tuple[list[tuple[str, str]], float]:
    before = {call for draw in tx.live_judging.draws(phase.id) for call in draw["call_ids"]}
    scored = tx.live_judging.answers(phase, metric=judge.metric, fingerprint=judge.fingerprint)
    there = [(call, variant) for call, variant in scored if call not in before]
    if not there:
        told = f"The judge of {metric_name(judge.metric)} has scored no answers that are not drawn already."
        raise Conflict("nothing_judged", told, "Wait for more traffic.")
    there.sort(key=lambda one: content_hash([phase.seed, one[0]]))
    drawn = there[:answers]
    return drawn, len(drawn) / len(there)


def _free_title(tx: Transaction, wanted: str) -> str:
    number = 1
    while tx.experiments.by_name(f"{wanted} {number}") is not None:
        number += 1
    return f"{wanted} {number}"


def _line(blueprint: Blueprint, call: str, variant: str, sample: Mapping[str, Any]) -> str:
    """One line of the import. ``answered`` is a score that every file of outputs needs; it says nothing."""
    given = inputs_of(blueprint, sample, variant)
    text = blueprint.answer(sample["text"])
    return json.dumps({"example_id": call, "variant": variant, **given, "output": text, "score:answered": 1})


def question_of(judge: Judge) -> SessionSpec:
    """The judge's own question, put to people one answer at a time. Raises BakeoffError ``bad_question``."""
    spec, kind = judge.spec, QuestionKind.THUMBS
    more: dict[str, Any] = {}
    choices: Sequence[tuple[str, str, float]] = ()
    if isinstance(spec.scale, dict) and set(spec.scale) == STARS:
        kind, more = QuestionKind.SCALE, {"anchors": {str(n): words[:120] for n, words in spec.scale.items()}}
    elif isinstance(spec.scale, dict):
        choices = [
            (f"v{i}", f"{n}: {words}"[:120], float(n)) for i, (n, words) in enumerate(sorted(spec.scale.items()))
        ]
    elif spec.categories:
        choices = [(f"v{i}", word[:120], value) for i, (word, value) in enumerate(spec.categories.items())]
    if len(choices) > MOST_CHOICES:
        told = f"The judge '{spec.name}' has {len(choices)} verdicts, and people are offered {MOST_CHOICES} at most."
        raise BakeoffError("bad_question", told, "Use a judge with fewer verdicts.")
    if choices:
        kind = QuestionKind.CATEGORIES
        more = {"categories": tuple(Category(value=v, label=label, score=score) for v, label, score in choices)}
    rules = [spec.rubric, *(f"{name}: {words}" for name, words in spec.criteria.items())]
    examples = tuple(
        Illustration(text=shown.answer, answer=str(shown.verdict), why=shown.reason) for shown in spec.examples[:10]
    )
    # a name in an answer is hidden, not left out: what is left out would no longer be a random draw
    return SessionSpec(
        kind=kind,
        metric=spec.rated_as,
        instructions="\n".join(rule for rule in rules if rule.strip())[:20_000],
        examples=examples,
        leaks="mask",
        overlap=1,
        **more,
    )
