"""The answers of a run → what a rating session would consist of. Only reads; preview and opening share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.datasets.matching import check_column
from experiments.errors import BakeoffError, Conflict, nearest
from experiments.loading.find import find_experiment
from experiments.loading.results.evidence_table import evidence_run
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.plans.plan import SYSTEM_METRICS
from experiments.ratings.items import Draft, RatableRow, ShownAnswer, draft_session
from experiments.ratings.leaks import LeakFilter
from experiments.ratings.session_file import SessionSpec
from experiments.ratings.showing import visible_input
from experiments.results.analysis_table import unit_ids
from experiments.vocabulary import RunState
from storage import frames
from storage.records import ExampleRecord, RunRecord
from storage.store import Transaction

WORKED_ON = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True)
class DraftedSession:
    """A session before it opens: ``spec`` with the columns and the metric filled in."""

    blueprint: Blueprint
    run: RunRecord
    spec: SessionSpec
    draft: Draft


def drafted_session(tx: Transaction, experiment_name: str, spec: SessionSpec, *, seed: int) -> DraftedSession:
    """What a session over the experiment's answers would be.

    Raises:
        NotFound; Conflict ``never_ran``, ``still_running``, ``metric_taken``; BakeoffError ``nothing_to_rate``, and
            for columns, metrics, rows and variants that do not exist.
    """
    experiment = find_experiment(tx, experiment_name)
    run = evidence_run(tx, experiment.id)
    if run is None:
        raise Conflict("never_ran", f"'{experiment.name}' has no answers yet.", "Run it, or import answers.")
    if run.state in WORKED_ON:
        raise Conflict("still_running", f"'{experiment.name}' is still running.", "Wait for its end, or stop it.")
    blueprint = load_blueprint(tx, experiment)
    spec = _filled_in(blueprint, spec)
    _check_metric(blueprint, spec)
    variants = [arm.name for arm in blueprint.arms]
    leaks = LeakFilter.of(models=[arm.model for arm in blueprint.arms], variants=variants)
    rows = _rows(tx, blueprint, run, spec)
    draft = draft_session(rows, spec, variants=variants, leaks=leaks, seed=seed)
    if not draft.items:
        reasons = ", ".join(f"{count} {reason}" for reason, count in draft.left_out.items())
        raise BakeoffError("nothing_to_rate", f"No row can be rated{f' ({reasons})' if reasons else ''}.")
    return DraftedSession(blueprint, run, spec, draft)


def _filled_in(blueprint: Blueprint, spec: SessionSpec) -> SessionSpec:
    """The spec with the columns that raters see and the metric's name, checked against the test set."""
    columns = blueprint.dataset.columns if blueprint.dataset else []
    roles = blueprint.roles
    usual = blueprint.input_columns() or [c for c in columns if c not in (roles.unit, roles.reference, roles.cluster)]
    show = tuple(usual) if spec.show is None else spec.show
    for column in show:
        check_column(column, columns, role="to be shown to raters")
    if spec.rows.by is not None:
        check_column(spec.rows.by, columns, role="to draw rows by")
    if spec.show_reference and roles.reference is None:
        raise BakeoffError("no_reference", "The experiment names no column with the expected answer.")
    return spec.model_copy(
        update={"show": show, "metric": spec.metric_name(), "reference_column": roles.reference, "seed": None}
    )


def _check_metric(blueprint: Blueprint, spec: SessionSpec) -> None:
    wanted = spec.definition()
    if wanted.name in {*SYSTEM_METRICS, *(use.metric for use in blueprint.scorer_uses)}:
        raise Conflict(
            "metric_taken",
            f"'{wanted.name}' is measured by something else in this experiment.",
            "Give the session another 'metric'.",
        )
    for known in blueprint.rated:
        if known.name == wanted.name and known.kind is not wanted.kind:
            raise Conflict(
                "metric_taken",
                f"'{wanted.name}' stands for a metric of the kind {known.kind.value}, this is {wanted.kind.value}.",
                "Ask the same kind of question, or give the session another 'metric'.",
            )


def _rows(tx: Transaction, blueprint: Blueprint, run: RunRecord, spec: SessionSpec) -> list[RatableRow]:
    assert blueprint.dataset is not None
    examples = list(tx.datasets.stream_examples(blueprint.dataset.id, chunk=2000))
    names = {arm.id: arm.name for arm in blueprint.arms}
    answers: dict[str, dict[str, ShownAnswer]] = defaultdict(dict)
    for example_id, variant_id, output_id, text in tx.ratings.answers(run.id):
        answers[example_id][names[variant_id]] = ShownAnswer(output_id, text)
    differs = _differing(tx, blueprint, run, spec, answers)
    units = unit_ids([e.cells.get(blueprint.roles.unit or "") for e in examples], [e.content_hash for e in examples])
    return [
        RatableRow(
            example_id=example.id,
            unit_id=unit,
            prompt_text=visible_input(example.cells, spec.show or ()),
            answers=answers[example.id],
            slice=_slice(example, spec),
            differs=differs.get(example.id, False),
        )
        for example, unit in zip(examples, units, strict=True)
        if example.id in answers
    ]


def _slice(example: ExampleRecord, spec: SessionSpec) -> str:
    return (example.cells.get(spec.rows.by) or "") if spec.rows.by else ""


def _differing(
    tx: Transaction,
    blueprint: Blueprint,
    run: RunRecord,
    spec: SessionSpec,
    answers: Mapping[str, Mapping[str, ShownAnswer]],
) -> dict[str, bool]:
    """Row → whether its variants differ, in the scores of one metric or in their texts."""
    metric = spec.rows.metric
    if spec.rows.pick != "disagreement" or metric is None:
        return {row: len({answer.text for answer in given.values()}) > 1 for row, given in answers.items()}
    known = [use.metric for use in blueprint.scorer_uses]
    if metric not in known:
        raise BakeoffError("unknown_metric", f"Nothing measures '{metric[:80]}' here.", nearest(metric, known))
    scores = frames.scores_frame(tx, run.id, blueprint.experiment.id)
    own = scores[scores["metric"] == metric].dropna(subset=["value"])
    value = dict(zip(own["output_id"], own["value"], strict=True))
    return {row: _several(value, list(given.values())) for row, given in answers.items()}


def _several(value: Mapping[str, float], given: Sequence[ShownAnswer]) -> bool:
    return len({value[answer.output_id] for answer in given if answer.output_id in value}) > 1
