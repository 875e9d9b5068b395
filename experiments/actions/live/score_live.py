"""Score sampled answers of live traffic by the experiment's automatic scorers, and hand them on to its judges."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from experiments.errors import BakeoffError
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.scoring import BoundScorer, ScoringContext
from experiments.vocabulary import ResponseClass
from storage.store import Store

logger = logging.getLogger(__name__)

AT_ONCE = 50


def score_waiting(store: Store, *, limit: int = AT_ONCE) -> int:
    """How many answers were scored, at most ``limit``; 0 when none waits.

    Two workers that score the same answer at once agree: a score is kept once per answer and scorer version.
    """
    with store.read() as tx:
        waiting = tx.live_work.answers_to_score(limit=limit)
        experiments = {row["experiment_id"] for row in waiting}
        blueprints = {one: load_blueprint(tx, tx.experiments.get(one)) for one in experiments}
    if not waiting:
        return 0
    scorers: dict[str, tuple[BoundScorer, ...]] = {}
    for one, blueprint in blueprints.items():
        try:
            scorers[one] = blueprint.scorers
        except BakeoffError as error:
            logger.warning("answers of '%s' are not scored: %s", blueprint.experiment.name, error.message)
            scorers[one] = ()
    scores = [
        score
        for row in waiting
        for score in _scores(row, blueprints[row["experiment_id"]], scorers[row["experiment_id"]])
    ]
    judged = {one for one, blueprint in blueprints.items() if blueprint.judged_metrics()}
    to_judge = [r["id"] for r in waiting if r["experiment_id"] in judged and r["status"] == "ok" and not r["shadow"]]
    with store.begin() as tx:
        tx.live_work.keep_scores([row["id"] for row in waiting], scores, at=tx.clock(), to_judge=to_judge)
    return len(waiting)


def _scores(row: Mapping[str, Any], blueprint: Blueprint, scorers: tuple[BoundScorer, ...]) -> list[dict[str, Any]]:
    if row["status"] != "ok":
        return []
    sample = row["sample"]
    context = ScoringContext(
        output=blueprint.answer(sample["text"]),
        variables=sample["variables"] or {},
        row=sample["variables"] or {},
        messages=tuple(sample["messages"]),
        response_class=ResponseClass(row["response_class"] or ResponseClass.ANSWER),
        model=row["model"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cost_usd=row["cost_usd"],
        latency_ms=row["latency_ms"],
        first_token_ms=row["first_token_ms"],
    )
    found = []
    for scorer in scorers:
        score = scorer.score(context)
        found.append(
            {
                "call_id": row["id"],
                "metric": scorer.metric,
                "fingerprint": scorer.fingerprint,
                "value": score.value,
                "reason": score.reason,
            }
        )
    return found
