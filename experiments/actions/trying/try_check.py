"""Queue a try of a judge on a few answers, and a question for suggestions; the worker answers both like any try."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.actions.authorise import authorise
from experiments.errors import BakeoffError
from experiments.experiment_file import ScorerEntry
from experiments.judges import Judge, bind_rubric_judge
from experiments.judges.asking import suggestion_request
from experiments.judges.remarks import Remark
from experiments.judges.trying import call_letter
from experiments.loading.find import find_experiment
from experiments.loading.judging.cases import case_of, lacking
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.permissions import Operation
from experiments.vocabulary import Actor, new_id
from storage.store import Store, Transaction

MOST_ANSWERS = 20


def try_check(
    store: Store, experiment_name: str, entry: ScorerEntry, *, output_ids: Sequence[str], actor: Actor
) -> str:
    """The id of the queued batch: the calls of answer ``i`` have letters ``call_letter(i, 0)``, ``(i, 1)`` ….

    Nothing is kept as a score: a try is for reading. Answers that cannot be judged have no call.

    Raises:
        BakeoffError: ``bad_judge``, ``too_many``; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.SPEND, "try")
    judge = bind_rubric_judge(entry)
    if len(output_ids) > MOST_ANSWERS:
        raise BakeoffError(
            "too_many", f"A try takes at most {MOST_ANSWERS} answers.", "Apply the check to all instead."
        )
    batch_id = new_id()
    with store.begin() as tx:
        blueprint = load_blueprint(tx, find_experiment(tx, experiment_name))
        for number, output_id in enumerate(output_ids):
            _queue(tx, blueprint, judge, output_id, batch_id=batch_id, number=number, actor=actor)
    return batch_id


def ask_for_suggestions(store: Store, remarks: Sequence[Remark], *, rubric: str, model: str, actor: Actor) -> str:
    """The id of the queued batch of one call, letter ``A``. Raises Forbidden."""
    authorise(store, actor, Operation.SPEND, "try")
    request = suggestion_request(remarks, rubric=rubric, model=model)
    batch_id = new_id()
    with store.begin() as tx:
        tx.previews.add(batch_id, "A", request.payload(), actor=actor.name, at=tx.clock())
    return batch_id


def _queue(
    tx: Transaction, blueprint: Blueprint, judge: Judge, output_id: str, *, batch_id: str, number: int, actor: Actor
) -> None:
    found = tx.judgements.answer(output_id, control_id=blueprint.control.id)
    if found is None:
        return
    case = case_of(blueprint, judge.spec, found.example, found.output, found.control)
    if lacking(judge.spec, case) is not None:
        return
    for index, call in enumerate(judge.calls(case)):
        letter = call_letter(number, index)
        tx.previews.add(batch_id, letter, call.request.payload(), actor=actor.name, at=tx.clock())
