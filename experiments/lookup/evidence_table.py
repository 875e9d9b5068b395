"""The analysis table of a stored experiment, and what else an analysis must know of its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments import analysis_table
from experiments.errors import NotFound
from experiments.lookup.blueprint import Blueprint
from experiments.vocabulary import OutputStatus, RunState
from storage import frames
from storage.records import RunRecord
from storage.store import Transaction

if TYPE_CHECKING:
    import pandas as pd

    from experiments.comparisons.judge_evidence import JudgeEvidence

EVIDENCE_KINDS = ("full", "import")


@dataclass(frozen=True)
class EvidenceTable:
    """The table and what only the database knows: rows to come, changed models, judges' worth."""

    table: pd.DataFrame
    planned_units: int
    served_models: dict[str, tuple[str, ...]]
    judges: tuple[JudgeEvidence, ...]


def evidence_run(tx: Transaction, experiment_id: str) -> RunRecord | None:
    """The newest run whose answers are evidence, or None."""
    return next((r for r in tx.runs.of_experiment(experiment_id) if r.kind in EVIDENCE_KINDS), None)


def data_version(run: RunRecord, blueprint: Blueprint) -> str:
    """A word that changes whenever an analysis of this run would: outputs, scores, ratings or scorers changed."""
    ended = run.state in (RunState.FINISHED, RunState.CANCELLED)
    scorers = ",".join(sorted(use.fingerprint[:12] for use in blueprint.scorer_uses))
    return f"{run.id}:{run.revision}:{run.planned_trials}:{int(ended)}:{scorers}"


def evidence_table(tx: Transaction, blueprint: Blueprint, run: RunRecord) -> EvidenceTable:
    """The analysis table of a run. Raises NotFound when the experiment has no rows at all."""
    if blueprint.dataset is None:
        raise NotFound("no_rows", f"'{blueprint.experiment.name}' has no test set.")
    from experiments.lookup.judge_evidence import judge_evidence

    roles = blueprint.roles
    inputs = blueprint.input_columns()
    named = [roles.unit, roles.cluster, *roles.slices, *inputs]
    columns = list(dict.fromkeys(c for c in named if c is not None))
    examples = frames.examples_frame(tx, blueprint.dataset.id, columns)
    units = analysis_table.with_units(
        examples, unit=roles.unit, cluster=roles.cluster, inputs=inputs, slices=roles.slices
    )
    outputs = frames.outputs_frame(tx, run.id)
    ratings = frames.ratings_frame(tx, blueprint.experiment.id)
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
    return EvidenceTable(table, planned, _served_models(outputs, blueprint), judge_evidence(tx, blueprint, run, units))


def _served_models(outputs: pd.DataFrame, blueprint: Blueprint) -> dict[str, tuple[str, ...]]:
    answered = outputs[outputs["status"] == OutputStatus.OK.value]
    names = {arm.id: arm.name for arm in blueprint.arms}
    found = answered.dropna(subset=["served_model"]).groupby("variant_id")["served_model"].unique()
    return {names[str(variant)]: tuple(sorted(models)) for variant, models in found.items()}
