"""Import answers, scores and ratings that were produced elsewhere, as an experiment that is ready to be analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.actions.authorise import authorise
from experiments.actions.datasets.import_dataset import checked_name, insert_dataset
from experiments.actions.datasets.import_votes import insert_votes
from experiments.actions.runs.create_experiment import create_in
from experiments.actions.runs.output_rows import score_rows, scoring_context
from experiments.datasets.imported_outputs import ImportedOutputs, read_outputs
from experiments.datasets.output_columns import OutputOptions
from experiments.datasets.output_rows import ImportedOutput
from experiments.datasets.profiles import profile_table
from experiments.datasets.reading import read_table
from experiments.datasets.recorded_votes import RecordedVotes, recorded_votes
from experiments.datasets.table import ReadReport, Table
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import ExperimentSpec, RatingMetric, ScorerEntry, VariantSpec
from experiments.judges import bind_judges
from experiments.loading.runs.blueprint import IMPORTED, load_blueprint
from experiments.permissions import Operation
from experiments.plans.plan import MetricDefinition, Plan, PrimaryMetric
from experiments.plans.plan_limits import check_limits_fit
from experiments.ratings.questions import DEFAULT_METRIC
from experiments.vocabulary import (
    Actor,
    CostStatus,
    ExperimentState,
    MetricKind,
    OutputStatus,
    QuestionKind,
    ResponseClass,
    RunState,
    content_hash,
    new_id,
)
from experiments.wording import count
from storage import imports
from storage.records import ExperimentRecord
from storage.store import Store, Transaction

DEFAULT_SMALLEST_EFFECT = 0.03
PREFERRED = RatingMetric(metric=DEFAULT_METRIC[QuestionKind.PAIRWISE])
WITHOUT_RATER = "rater"


@dataclass(frozen=True, slots=True)
class ImportedExperiment:
    """What an import did: the experiment, and sentences about what was recognised and noticed."""

    experiment: ExperimentRecord
    outputs: int
    told: tuple[str, ...]
    notices: tuple[str, ...]


def import_outputs(
    store: Store,
    content: bytes,
    *,
    filename: str,
    experiment: str,
    actor: Actor,
    options: OutputOptions | None = None,
    scorers: Sequence[ScorerEntry] = (),
    plan: Plan | None = None,
    encoding: str | None = None,
) -> ImportedExperiment:
    """A new experiment whose answers come from a file; all of it is kept, or nothing.

    A file of votes between two answers (``recorded_votes``) becomes the answers and a closed rating session.
    Without a ``plan`` those votes, or else the first score, are the primary metric with a smallest effect of 0.03; the
    results say that the plan was not fixed beforehand.

    Raises:
        BakeoffError: whatever is wrong with the file, with line and column; ``nothing_to_compare`` without any score;
            Conflict ``name_taken``; Forbidden.
    """
    authorise(store, actor, Operation.IMPORT_DATA, f"experiment:{experiment}")
    name = checked_name(experiment)
    options = options or OutputOptions()
    table = read_table(content, filename=filename, encoding=encoding)
    voted = recorded_votes(table)
    found = read_outputs(table if voted is None else voted.answers, options)
    preferred = () if voted is None else (PREFERRED,)
    measured = (*(rated.definition() for rated in preferred), *found.metrics, *found.rating_metrics)
    plan = plan or _default_plan(measured, scorers)
    check_limits_fit(plan, {metric.name: metric for metric in measured})
    with store.begin() as tx:
        if tx.experiments.by_name(name) is not None:
            raise Conflict("name_taken", f"There is an experiment '{name}' already.", "Choose another name.")
        record = _create(
            tx,
            found,
            options,
            name=name,
            filename=filename,
            actor=actor,
            scorers=scorers,
            plan=plan,
            preferred=preferred,
        )
        _insert_outputs(tx, record, found, actor, voted)
        details = {"outputs": len(found.outputs), "variants": list(found.variants), "file": filename}
        tx.audit.append(actor.name, "outputs_imported", f"experiment:{name}", details)
    told = (*found.recognised, *(() if voted is None else _about_votes(voted)))
    return ImportedExperiment(record, len(found.outputs), told, tuple(n.message for n in found.notices))


def _about_votes(voted: RecordedVotes) -> list[str]:
    raters = len({vote.rater for vote in voted.votes})
    told = [
        f"{count(len(voted.votes), 'vote')} of {count(raters, 'rater')}; the first answer of a row stood on the left."
    ]
    return [*told, *([f"Left out: {', '.join(voted.left_out)}."] if voted.left_out else [])]


def _default_plan(measured: Sequence[MetricDefinition], scorers: Sequence[ScorerEntry]) -> Plan:
    kinds = (MetricKind.PREFERENCE, MetricKind.BINARY)
    names = [m.name for kind in kinds for m in measured if m.kind is kind] + [m.name for m in measured]
    if scorers and not names:
        first = scorers[0]
        names = [first if isinstance(first, str) else _metric_of(first)]
    if not names:
        raise BakeoffError(
            "nothing_to_compare",
            "The file holds answers but no scores.",
            "Name a score column 'score:<metric>', or add --scorer (for example --scorer exact_match).",
        )
    others = tuple(m.name for m in measured if m.name != names[0])
    return Plan(primary=PrimaryMetric(metric=names[0], smallest_effect=DEFAULT_SMALLEST_EFFECT), secondary=others)


def _metric_of(entry: Mapping[str, Any]) -> str:
    [(scorer, options)] = entry.items()
    return str(options.get("name", scorer)) if isinstance(options, dict) else str(scorer)


def _create(
    tx: Transaction,
    found: ImportedOutputs,
    options: OutputOptions,
    *,
    name: str,
    filename: str,
    actor: Actor,
    scorers: Sequence[ScorerEntry],
    plan: Plan,
    preferred: tuple[RatingMetric, ...],
) -> ExperimentRecord:
    table = _dataset_table(found)
    unit = options.unit or found.unit_column
    dataset = insert_dataset(
        tx,
        table,
        found.examples,
        profile_table(table),
        filename=filename,
        name=_free_name(tx, f"{name} rows"),
        actor=actor,
        roles={
            "unit": unit,
            "cluster": options.cluster,
            "reference": found.reference_column,
            "slices": list(options.slices),
        },
    )
    models = {o.variant: o.model for o in found.outputs if o.model}
    spec = ExperimentSpec(
        name=name,
        dataset=f"{dataset.dataset.name}@{dataset.version.number}",
        reference=found.reference_column,
        unit=unit,
        cluster=options.cluster,
        slices=options.slices,
        variants=tuple(VariantSpec(name=v, imported=True, model=models.get(v)) for v in found.variants),
        scorers=tuple(scorers),
        ratings=preferred,
        plan=plan,
        repeats=1 + max(o.repetition for o in found.outputs),
    )
    record, _ = create_in(tx, spec, dataset_version_id=dataset.version.id, actor=actor, origin="import")
    for metric in _with_values(found, scorers):
        tx.experiments.add_scorer(record.id, imported_scorer(metric), at=tx.clock())
    return tx.experiments.change(record.id, state=ExperimentState.RUNNING, locked_at=tx.clock())


def _with_values(found: ImportedOutputs, scorers: Sequence[ScorerEntry]) -> list[MetricDefinition]:
    """The metrics whose values came with the file. Ratings under a judge's name only check that judge."""
    judged = {metric.name for judge in bind_judges(scorers) for metric in judge.metrics}
    for metric in found.metrics:
        if metric.name in judged:
            told = f"'{metric.name}' is a score of the file and a judge."
            raise BakeoffError("duplicate_metric", told, "Give the judge another 'name'.")
    return [metric for metric in (*found.metrics, *found.rating_metrics) if metric.name not in judged]


def imported_scorer(metric: MetricDefinition) -> dict[str, Any]:
    """The columns of a 'scorer' whose scores came with the file."""
    return {
        "metric": metric.name,
        "scorer": IMPORTED,
        "version": "1",
        "entry": metric.name,
        "fingerprint": imported_fingerprint(metric.name),
        "kind": metric.kind,
        "direction": metric.direction,
        "unit": metric.unit,
    }


def imported_fingerprint(metric: str) -> str:
    """Fingerprint of scores that came with a file."""
    return content_hash([IMPORTED, metric])


def _dataset_table(found: ImportedOutputs) -> Table:
    columns = tuple(found.examples[0].values)
    rows = [tuple(e.values[c] for c in columns) for e in found.examples]
    report = ReadReport("csv", None, None, None, found.notices)
    return Table(columns, rows, list(range(1, len(rows) + 1)), "row", report)


def _free_name(tx: Transaction, wanted: str) -> str:
    name, n = wanted, 2
    while tx.datasets.by_name(name) is not None:
        name, n = f"{wanted} {n}", n + 1
    return name


def _insert_outputs(
    tx: Transaction, record: ExperimentRecord, found: ImportedOutputs, actor: Actor, voted: RecordedVotes | None
) -> None:
    now = tx.clock()
    blueprint = load_blueprint(tx, record)
    assert blueprint.dataset is not None
    examples = tx.datasets.examples(blueprint.dataset.id)
    arms = {arm.name: arm for arm in blueprint.arms}
    run = tx.runs.add(
        record.id,
        {
            "kind": "import",
            "state": RunState.FINISHED,
            "repeats": blueprint.spec.repeats,
            "seed": int(record.design_hash[:15], 16),
            "limits": blueprint.spec.limits.model_dump(mode="json"),
            "planned_trials": len(found.outputs),
            "revision": len(found.outputs),
            "created_by": actor.name,
            "created_at": now,
            "started_at": now,
            "ended_at": now,
        },
    )
    outputs, scores, ratings = [], [], []
    for item in found.outputs:
        arm = arms[item.variant]
        row = _output_row(item, run_id=run.id, variant_id=arm.id, example_id=examples[item.example].id, at=now)
        outputs.append(row)
        scores += [_score_row(row["id"], metric, value, now) for metric, value in item.scores.items()]
        if blueprint.scorers and item.status is OutputStatus.OK:
            context = scoring_context(blueprint, arm.position, examples[item.example], row)
            scores += score_rows(blueprint.scorers, context, row["id"], at=now)
        ratings += [
            {
                "id": new_id(),
                "experiment_id": record.id,
                "output_id": row["id"],
                "metric": r.metric,
                "rater_id": r.rater_id or WITHOUT_RATER,
                "value": r.value,
                "comment": "",
                "created_at": now,
            }
            for r in item.ratings
        ]
    imports.insert_outputs(tx, outputs, scores, ratings)
    if voted is not None:
        questions = [example.values[found.unit_column] for example in found.examples]
        answered = {
            (str(questions[item.example]), item.variant): (row["example_id"], row["id"])
            for item, row in zip(found.outputs, outputs, strict=True)
        }
        insert_votes(tx, run, voted.votes, answered, found.variants, actor=actor)


def _output_row(item: ImportedOutput, *, run_id: str, variant_id: str, example_id: str, at: Any) -> dict[str, Any]:  # noqa: ANN401
    ok = item.status is OutputStatus.OK
    return {
        "id": new_id(),
        "run_id": run_id,
        "variant_id": variant_id,
        "example_id": example_id,
        "repetition": item.repetition,
        "status": item.status.value,
        "response_class": (item.response_class or _class_of(item.text)).value if ok else None,
        "text": item.text,
        "tool_calls": None,
        "finish_reason": item.finish_reason,
        "served_model": item.model,
        "request_hash": "",
        "attempt_id": None,
        "attempts": 0,
        "prompt_tokens": item.prompt_tokens,
        "completion_tokens": item.completion_tokens,
        "cost_usd": item.cost_usd,
        "cost_status": (CostStatus.UNKNOWN if item.cost_usd is None else CostStatus.KNOWN).value,
        "latency_ms": item.latency_ms,
        "first_token_ms": item.first_token_ms,
        "cached": False,
        "simulated": False,
        "sanitised": False,
        "error_kind": item.error_kind.value if item.error_kind else None,
        "error_message": item.error_message,
        "created_at": at,
    }


def _class_of(text: str) -> ResponseClass:
    return ResponseClass.ANSWER if text.strip() else ResponseClass.EMPTY


def _score_row(output_id: str, metric: str, value: float, at: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": new_id(),
        "output_id": output_id,
        "metric": metric,
        "fingerprint": imported_fingerprint(metric),
        "value": value,
        "reason": None,
        "details": None,
        "created_at": at,
    }
