"""What is known of the judges of an experiment: what people said of the same answers, how their votes behaved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.judges.behaviour import behaviour_of
from experiments.loading.judging.judges import judge_label
from experiments.loading.runs.blueprint import Blueprint
from experiments.results.comparisons.judge_evidence import JudgeEvidence
from storage import frames
from storage.records import RunRecord
from storage.store import Transaction

if TYPE_CHECKING:
    import pandas as pd

    from experiments.judges import Judge


def judge_evidence(
    tx: Transaction, blueprint: Blueprint, run: RunRecord, units: pd.DataFrame, ratings: pd.DataFrame
) -> tuple[JudgeEvidence, ...]:
    """One entry per metric of a judge; for single criteria only where people rated that criterion.

    ``units`` maps ``example_id`` to ``unit_id`` (see ``analysis_table.with_units``), ``ratings`` is what people said:
    output_id, metric, rater_id, value, and for preferences ``opponent``, which count for a judge of pairs where they
    are against the control.
    """
    if not blueprint.judges:
        return ()
    names = {arm.id: arm.name for arm in blueprint.arms}
    outputs = frames.answer_lengths_frame(tx, run.id).merge(units[["example_id", "unit_id"]], on="example_id")
    outputs["variant"] = outputs["variant_id"].map(names)
    rated = ratings.assign(opponent=ratings.get("opponent")).merge(outputs, on="output_id")
    found = []
    for judge in blueprint.judges:
        label = judge_label(tx, blueprint.experiment.id, judge)
        for metric, rated_as in _rated_metrics(judge):
            alike = rated["opponent"].isna()
            if judge.spec.pairwise:
                alike |= rated["opponent"] == blueprint.control.name
            labels = rated.loc[alike & (rated["metric"] == rated_as), ["variant", "unit_id", "value", "rater_id"]]
            if metric == judge.metric or len(labels):
                scores = frames.judge_scores_frame(tx, run.id, metric, judge.fingerprint)
                found.append(_evidence(metric, label, labels=labels, scores=scores, outputs=outputs))
    return tuple(found)


def _evidence(
    metric: str, label: str, *, labels: pd.DataFrame, scores: pd.DataFrame, outputs: pd.DataFrame
) -> JudgeEvidence:
    values = [
        None if missing else float(value)
        for value, missing in zip(scores["value"], scores["value"].isna(), strict=True)
    ]
    behaviour = behaviour_of(zip(values, scores["details"], strict=True))
    talked_to = {o for o, d in zip(scores["output_id"], scores["details"], strict=True) if (d or {}).get("talked_to")}
    texts = outputs.assign(talked_to=outputs["output_id"].isin(talked_to))
    return JudgeEvidence(
        metric=metric,
        judge=label,
        labels=labels.reset_index(drop=True),
        position_bias=behaviour.position_bias,
        behaviour=behaviour,
        texts=texts[["variant", "unit_id", "length", "talked_to"]],
    )


def _rated_metrics(judge: Judge) -> list[tuple[str, str]]:
    """(metric of the judge, metric under which people rate the same)."""
    return [(m.name, judge.spec.rated_as if m.name == judge.metric else m.name) for m in judge.metrics]
