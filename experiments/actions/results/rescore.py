"""Score finished outputs again, or with further scorers: no model is called, earlier scores stay readable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.actions.authorise import authorise
from experiments.actions.runs.create_experiment import scorer_columns
from experiments.actions.runs.output_rows import score_rows, scoring_context
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import ScorerEntry
from experiments.judges import JUDGE
from experiments.loading.find import find_experiment
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.loading.runs.custom_scorers import custom_scorers
from experiments.loading.runs.design import check_scorers
from experiments.permissions import Operation
from experiments.scoring import BoundScorer, bind_all
from experiments.vocabulary import Actor, OutputStatus
from storage import imports
from storage.store import Store, Transaction

_BATCH = 500


def rescore(
    store: Store, experiment_name: str, *, actor: Actor, scorers: Sequence[ScorerEntry] | None = None
) -> dict[str, int]:
    """Metric → number of new scores.

    ``scorers`` are added, or replace those of the same metric; None means those in use, in their present version.

    Raises:
        BakeoffError: ``no_scorers`` and whatever is wrong with the scorers; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.DESIGN, f"experiment:{experiment_name}")
    with store.begin() as tx:
        experiment = find_experiment(tx, experiment_name)
        blueprint = load_blueprint(tx, experiment)
        entries = (
            list(scorers)
            if scorers is not None
            else [u.entry for u in blueprint.scorer_uses if u.scorer not in ("imported", JUDGE)]
        )
        if not entries:
            raise BakeoffError("no_scorers", f"'{experiment.name}' has no scorers to apply.", "Name one with --scorer.")
        bound = bind_all(entries, custom=custom_scorers())
        assert blueprint.dataset is not None
        check_scorers(bound, blueprint.spec, blueprint.dataset.columns)
        refuse_planned(blueprint, [(scorer.metric, scorer.fingerprint) for scorer in bound])
        for scorer, entry in zip(bound, entries, strict=True):
            tx.experiments.add_scorer(experiment.id, scorer_columns(scorer, entry), at=tx.clock())
        counts = _apply(tx, blueprint, bound)
        details = {"scorers": [s.fingerprint[:12] for s in bound], "scores": counts}
        tx.audit.append(actor.name, "rescored", f"experiment:{experiment.name}", details)
    return counts


def refuse_planned(blueprint: Blueprint, definitions: Sequence[tuple[str, str]]) -> None:
    """Nothing unless a (metric, fingerprint) would redefine a metric of a locked plan: that is another question.

    Raises:
        Conflict: ``plan_locked``.
    """
    if blueprint.experiment.locked_at is None:
        return
    planned = set(blueprint.spec.plan.metric_names())
    current = {use.metric: use.fingerprint for use in blueprint.scorer_uses}
    for metric, fingerprint in definitions:
        if metric in planned and current.get(metric, fingerprint) != fingerprint:
            raise Conflict(
                "plan_locked",
                f"'{metric}' is part of the locked plan and cannot be redefined.",
                "Give the new scorer another 'name'; it is shown beside the planned one.",
            )


def _apply(tx: Transaction, blueprint: Blueprint, bound: Sequence[BoundScorer]) -> dict[str, int]:
    positions = {arm.id: arm.position for arm in blueprint.arms}
    counts = dict.fromkeys((s.metric for s in bound), 0)
    for run in tx.runs.of_experiment(blueprint.experiment.id):
        batch: list[dict[str, Any]] = []
        for output, example, done in imports.outputs_to_score(tx, run.id):
            todo = [s for s in bound if s.fingerprint not in done]
            if output["status"] != OutputStatus.OK or not todo:
                continue
            context = scoring_context(blueprint, positions[output["variant_id"]], example, output)
            rows = score_rows(todo, context, output["id"], at=tx.clock())
            for row in rows:
                counts[row["metric"]] += 1
            batch += rows
            if len(batch) >= _BATCH:
                imports.insert_scores(tx, batch)
                batch = []
        imports.insert_scores(tx, batch)
        if sum(counts.values()):
            tx.runs.bump_revision(run.id)
    return counts
