"""Everything, always: rows of an experiment's outputs, attempts, scores, ratings and analysis table, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from experiments.datasets.output_columns import EXPORTED
from experiments.errors import BakeoffError, NotFound, nearest
from experiments.loading.find import find_experiment
from experiments.loading.results.evidence_table import evidence_run, evidence_table
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.results.analysis_table import unit_ids
from experiments.views.live import live_exports
from experiments.vocabulary import QuestionKind
from storage import streams
from storage.records import ExampleRecord, ExperimentRecord, LivePhaseRecord
from storage.store import Store, Transaction

ATTEMPT_COLUMNS = (
    "attempt_id", "experiment", "variant", "model", "example_id", "repetition", "purpose", "state", "http_status",
    "cost_usd", "cost_status", "started_at", "ended_at", "error_kind", "error_message", "estimated_cost_usd", "number",
    "request_hash",
)  # fmt: skip
SCORE_COLUMNS = (
    "experiment",
    "variant",
    "example_id",
    "repetition",
    "metric",
    "value",
    "reason",
    "scorer",
    "version",
    "active",
    "details",
    "created_at",
)
RATING_COLUMNS = (
    "experiment",
    "variant",
    "example_id",
    "repetition",
    "metric",
    "rater_id",
    "value",
    "comment",
    "created_at",
    "opponent",
    "session",
    "purpose",
    "state",
    "choice",
    "side",
    "reasons",
    "seconds",
    "probability",
)

Row = Mapping[str, Any]


def export_rows(store: Store, experiment_name: str, what: str) -> tuple[tuple[str, ...], Iterator[Row]]:
    """(columns, rows) of what is asked for; the rows are read as they are taken.

    Raises:
        BakeoffError: ``unknown_export``; NotFound.
    """
    if what == "analysis":
        return _analysis(store, experiment_name)
    if what not in _EXPORTS:
        raise BakeoffError(
            "unknown_export",
            f"There is nothing called '{what[:40]}' to export.",
            nearest(what, [*_EXPORTS, "analysis"]),
        )
    columns, rows = _EXPORTS[what]
    with store.read() as tx:
        find_experiment(tx, experiment_name)
    return columns, _streamed(store, experiment_name, rows)


def _streamed(store: Store, name: str, rows: Callable[..., Iterator[Row]]) -> Iterator[Row]:
    with store.read() as tx:
        experiment = find_experiment(tx, name)
        yield from rows(tx, experiment, load_blueprint(tx, experiment))


def example_names(tx: Transaction, blueprint: Blueprint) -> dict[int, str]:
    """Position of each row → the id that exports and the analysis table know it by."""
    if blueprint.dataset is None:
        return {}
    unit = blueprint.roles.unit
    positions, named, hashes = [], [], []
    for example in tx.datasets.stream_examples(blueprint.dataset.id, chunk=2000):
        positions.append(example.position)
        named.append(example.cells.get(unit) if unit else None)
        hashes.append(example.content_hash)
    return dict(zip(positions, unit_ids(named, hashes), strict=True))


def _outputs(tx: Transaction, experiment: ExperimentRecord, blueprint: Blueprint) -> Iterator[Row]:
    names = example_names(tx, blueprint)
    for row in streams.stream_outputs(tx, experiment.id):
        arm = blueprint.arms[row["variant_position"]]
        example = ExampleRecord(row["example_id"], row["position"], row["cells"], "")
        request = blueprint.request(arm, example) if arm.content is not None else None
        variables = blueprint.values(arm.content, example) if arm.content is not None else dict(example.cells)
        yield {
            **{name: row.get(name) for name in EXPORTED},
            "experiment": experiment.name,
            "example_id": names[row["position"]],
            "messages": [dict(m) for m in request.messages] if request else None,
            "variables": variables,
            "reference": blueprint.reference(example),
        }


def _attempts(tx: Transaction, experiment: ExperimentRecord, blueprint: Blueprint) -> Iterator[Row]:
    names = example_names(tx, blueprint)
    for row in streams.stream_attempts(tx, experiment.id):
        yield {
            **{name: row.get(name) for name in ATTEMPT_COLUMNS},
            "attempt_id": row["id"],
            "experiment": experiment.name,
            "example_id": names[row["position"]],
        }


def _scores(tx: Transaction, experiment: ExperimentRecord, blueprint: Blueprint) -> Iterator[Row]:
    names = example_names(tx, blueprint)
    for row in streams.stream_scores(tx, experiment.id):
        yield {**row, "experiment": experiment.name, "example_id": names[row["position"]]}


def _ratings(tx: Transaction, experiment: ExperimentRecord, blueprint: Blueprint) -> Iterator[Row]:
    names = example_names(tx, blueprint)
    for row in streams.stream_ratings(tx, experiment.id):
        yield {**row, "experiment": experiment.name, "example_id": names[row["position"]]}
    for row in streams.stream_votes(tx, experiment.id):
        yield _vote(row, experiment, names)


def _vote(row: Row, experiment: ExperimentRecord, names: Mapping[int, str]) -> Row:
    """One decision of a rating session; ``side`` says where the variant's answer stood, for pairs."""
    purpose = "gold" if row["gold"] else "repeat" if row["repeat"] else "rating"
    paired = row["kind"] == QuestionKind.PAIRWISE
    return {
        "experiment": experiment.name,
        "variant": row["variant"],
        "example_id": names.get(row["position"]),
        "repetition": 0,
        "metric": row["metric"],
        "rater_id": f"s{row['session']}r{row['rater']}",
        "value": row["value"],
        "comment": row["comment"],
        "created_at": row["created_at"],
        "opponent": row["opponent"],
        "session": row["session"],
        "purpose": purpose,
        "state": row["state"],
        "choice": row["choice"],
        "side": ("right" if row["swapped"] else "left") if paired else None,
        "reasons": row["reasons"],
        "seconds": None if row["milliseconds"] is None else row["milliseconds"] / 1000,
        "probability": row["probability"],
    }


def _analysis(store: Store, experiment_name: str) -> tuple[tuple[str, ...], Iterator[Row]]:
    with store.read() as tx:
        experiment = find_experiment(tx, experiment_name)
        phases = tx.live.phases(experiment.id)
        if phases:
            return _live_analysis(store, phases[0], tuple(experiment.spec.get("slices", ())))
        run = evidence_run(tx, experiment.id)
        if run is None:
            raise NotFound("never_ran", f"'{experiment.name}' has not run yet.", "Start it first.")
        table = evidence_table(tx, load_blueprint(tx, experiment), run).table
    table = table.astype(object).where(table.notna(), None)
    columns = tuple(str(c) for c in table.columns)
    return columns, (dict(zip(columns, row, strict=True)) for row in table.itertuples(index=False, name=None))


def _live_analysis(
    store: Store, phase: LivePhaseRecord, slices: tuple[str, ...]
) -> tuple[tuple[str, ...], Iterator[Row]]:
    def rows() -> Iterator[Row]:
        with store.read() as tx:
            yield from live_exports.analysis(tx, phase, slices)

    return live_exports.analysis_columns(slices), rows()


_EXPORTS: dict[str, tuple[tuple[str, ...], Callable[..., Iterator[Row]]]] = {
    "outputs": (EXPORTED, _outputs),
    "attempts": (ATTEMPT_COLUMNS, _attempts),
    "scores": (SCORE_COLUMNS, _scores),
    "ratings": (RATING_COLUMNS, _ratings),
    "exposures": (live_exports.EXPOSURE_COLUMNS, live_exports.exposures),
    "outcomes": (live_exports.OUTCOME_COLUMNS, live_exports.outcomes),
    "calls": (live_exports.CALL_COLUMNS, live_exports.calls),
}
