"""The analysis table of a stored experiment, and what else an analysis must know of its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.errors import NotFound
from experiments.loading.rating.evidence import RatingEvidence, SessionVotes, rating_evidence
from experiments.loading.rating.sessions import rater_name, session_is_over
from experiments.loading.runs.answer_counts import answer_counts
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.results import analysis_table
from experiments.vocabulary import OutputStatus, RunState
from storage import frames
from storage.records import ExperimentRecord, RunRecord
from storage.store import Transaction

if TYPE_CHECKING:
    import pandas as pd

    from experiments.results.comparisons.answer_classes import AnswerCounts
    from experiments.results.comparisons.judge_evidence import JudgeEvidence

EVIDENCE_KINDS = ("full", "import")


@dataclass(frozen=True)
class EvidenceTable:
    """The table and what only the database knows.

    Rows to come, changed models, judges' worth, how the models answered, how people rated.
    """

    table: pd.DataFrame
    planned_units: int
    served_models: dict[str, tuple[str, ...]]
    judges: tuple[JudgeEvidence, ...]
    answers: tuple[AnswerCounts, ...]
    rating_facts: tuple[tuple[str, str, str], ...] = ()


def evidence_run(tx: Transaction, experiment_id: str) -> RunRecord | None:
    """The newest run whose answers are evidence, or None."""
    return next((r for r in tx.runs.of_experiment(experiment_id) if r.kind in EVIDENCE_KINDS), None)


def data_version(tx: Transaction, run: RunRecord, blueprint: Blueprint) -> str:
    """A word that changes whenever an analysis of this run would: outputs, scores, ratings or scorers changed.

    A rating session that ends by its time changes nothing that is stored, but what may be read of it.
    """
    ended = run.state in (RunState.FINISHED, RunState.CANCELLED)
    scorers = ",".join(sorted(use.fingerprint[:12] for use in blueprint.scorer_uses))
    now = tx.clock()
    over = sum(session_is_over(tx, session, now) for session in tx.ratings.all(blueprint.experiment.id))
    rated = f":{over}" if over else ""
    return f"{run.id}:{run.revision}:{run.planned_trials}:{int(ended)}:{scorers}{rated}"


def evidence_table(tx: Transaction, blueprint: Blueprint, run: RunRecord) -> EvidenceTable:
    """The analysis table of a run. Raises NotFound when the experiment has no rows at all."""
    if blueprint.dataset is None:
        raise NotFound("no_rows", f"'{blueprint.experiment.name}' has no test set.")
    from experiments.loading.judging.evidence import judge_evidence

    roles = blueprint.roles
    units = units_frame(tx, blueprint)
    outputs = frames.outputs_frame(tx, run.id)
    voted, ratings = _what_people_said(tx, blueprint, run)
    table = analysis_table.build(
        outputs,
        frames.scores_frame(tx, run.id, blueprint.experiment.id),
        # what people say under a judge's metric checks the judge; it is no second value of the same answer
        ratings[~ratings["metric"].isin([m.name for judge in blueprint.judges for m in judge.metrics])],
        units,
        variants={arm.id: arm.name for arm in blueprint.arms},
        metrics=[use.metric for use in blueprint.scorer_uses],
        slices=roles.slices,
        votes=[judge.metric for judge in blueprint.judges if judge.spec.pairwise],
        control=blueprint.control.name,
    )
    planned = len(units) if run.row_limit is None else min(run.row_limit, len(units))
    planned = voted.planned_rows.get(blueprint.spec.plan.primary.metric, planned)
    return EvidenceTable(
        table,
        planned,
        _served_models(outputs, blueprint),
        judge_evidence(tx, blueprint, run, units, ratings),
        answer_counts(tx, blueprint, run),
        voted.facts,
    )


def units_frame(tx: Transaction, blueprint: Blueprint) -> pd.DataFrame:
    """The rows of the test set as units, clusters and slices (``analysis_table.with_units``)."""
    assert blueprint.dataset is not None
    roles, inputs = blueprint.roles, blueprint.input_columns()
    named = [roles.unit, roles.cluster, *roles.slices, *inputs]
    columns = list(dict.fromkeys(c for c in named if c is not None))
    examples = frames.examples_frame(tx, blueprint.dataset.id, columns)
    return analysis_table.with_units(
        examples, unit=roles.unit, cluster=roles.cluster, inputs=inputs, slices=roles.slices
    )


def session_table(
    tx: Transaction, blueprint: Blueprint, votes: SessionVotes, *, with_excluded: bool = False
) -> pd.DataFrame:
    """The votes of one session alone as an analysis table, and each row's probability to be drawn."""
    import pandas as pd

    units = units_frame(tx, blueprint)
    named = dict(zip(units["example_id"], zip(units["unit_id"], units["cluster_id"], strict=True), strict=True))
    variants = tx.rating_tasks.variants_of_items(votes.session.id)
    opponents = tx.rating_tasks.variants_of_items(votes.session.id, second=True)
    rows = [
        {
            "variant": variants[d["item_id"]],
            "opponent": opponents.get(d["item_id"]),
            "unit_id": named[d["example_id"]][0],
            "cluster_id": named[d["example_id"]][1],
            "rater_id": rater_name(votes.session, d["number"]),
            "metric": votes.session.metric,
            "value": d["value"],
            "status": "ok",
            "probability": d["probability"],
        }
        for d in votes.evidence(with_excluded=with_excluded)
    ]
    columns = ["variant", "opponent", "unit_id", "cluster_id", "rater_id", "metric", "value", "status", "probability"]
    table = pd.DataFrame(rows, columns=columns)
    return table if votes.spec.pairwise else table.drop(columns="opponent")


def human_labels(tx: Transaction, experiment: ExperimentRecord) -> pd.DataFrame:
    """What people said of single answers: variant, unit_id, value, rater_id, metric; the subset that judges learn from.

    Imported ratings count, preferences do not (they say nothing of one answer), nor do raters left out by a session's
    rule. Empty without evidence.
    """
    run = evidence_run(tx, experiment.id)
    columns = ["variant", "unit_id", "value", "rater_id", "metric"]
    if run is None:
        import pandas as pd

        return pd.DataFrame(columns=columns)
    blueprint = load_blueprint(tx, experiment)
    _, ratings = _what_people_said(tx, blueprint, run)
    answers = frames.outputs_frame(tx, run.id).merge(units_frame(tx, blueprint), on="example_id")
    rated = ratings.merge(answers, on="output_id")
    rated["variant"] = rated["variant_id"].map({arm.id: arm.name for arm in blueprint.arms})
    single = rated["opponent"].isna() if "opponent" in rated else rated["output_id"].notna()
    return rated.loc[single, columns].reset_index(drop=True)


def _what_people_said(tx: Transaction, blueprint: Blueprint, run: RunRecord) -> tuple[RatingEvidence, pd.DataFrame]:
    """The votes of rating sessions, and all ratings: those and the imported ones."""
    plan = blueprint.spec.plan
    deciding = (plan.primary.metric, *(limit.metric for limit in plan.guardrails))
    voted = rating_evidence(tx, blueprint.experiment.id, run.id, deciding)
    return voted, _all_ratings(frames.ratings_frame(tx, blueprint.experiment.id), voted.rows)


def _all_ratings(imported: pd.DataFrame, voted: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    if not len(voted):
        return imported
    return pd.concat([imported, voted], ignore_index=True) if len(imported) else voted


def _served_models(outputs: pd.DataFrame, blueprint: Blueprint) -> dict[str, tuple[str, ...]]:
    answered = outputs[outputs["status"] == OutputStatus.OK.value]
    names = {arm.id: arm.name for arm in blueprint.arms}
    found = answered.dropna(subset=["served_model"]).groupby("variant_id")["served_model"].unique()
    return {names[str(variant)]: tuple(sorted(models)) for variant, models in found.items()}
