"""Reading answers side by side: who won a row, by how much, and what both said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from experiments.errors import NotFound
from experiments.loading.find import find_experiment
from experiments.loading.runs.blueprint import Blueprint, load_blueprint
from experiments.vocabulary import Direction, OutputStatus
from storage.answers import PairFilter, PairQuery, PairRow
from storage.records import RunRecord
from storage.store import Store, Transaction

__all__ = ["AnswerView", "PairFilter", "PairPage", "RowAnswers", "answer_pairs", "row_answers"]

MOST_ROWS = 100
MOST_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class PairPage:
    """At most 100 pairs of one filter, and how many pairs each filter holds.

    ``excerpts`` are the beginnings of what went in, one line per row; ``metric`` is None when nothing scores by it.
    """

    rows: tuple[PairRow, ...]
    excerpts: tuple[str, ...]
    counts: Mapping[str, int]
    metric: str | None


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer, or why there is none. ``scores`` maps a metric to (value, reason)."""

    variant_id: str
    repetition: int
    ok: bool
    text: str
    tool_calls: list[dict[str, Any]] | None
    response_class: str | None
    error_kind: str | None
    error_message: str | None
    cost_usd: float | None
    cost_status: str
    latency_ms: float | None
    completion_tokens: int | None
    cached: bool
    sanitised: bool
    scores: Mapping[str, tuple[float | None, str | None]]


@dataclass(frozen=True, slots=True)
class RowAnswers:
    """One row of the test set with every answer to it."""

    number: int
    cells: Mapping[str, str | None]
    inputs: Mapping[str, str | None]
    reference: str | None
    answers: tuple[AnswerView, ...]


def answer_pairs(
    store: Store,
    experiment_name: str,
    *,
    treatment: str,
    metric: str,
    which: PairFilter = "all",
    slice_column: str | None = None,
    slice_value: str | None = None,
    limit: int = MOST_ROWS,
    offset: int = 0,
) -> PairPage:
    """A page of pairs, the control against one challenger, largest gap first. Raises NotFound."""
    with store.read() as tx:
        blueprint, run = _blueprint_and_run(tx, experiment_name)
        query = _query(blueprint, run, treatment, metric)
        query = replace(query, slice_column=slice_column, slice_value=slice_value)
        rows, counts = tx.answers.pairs(query, which, limit=min(limit, MOST_ROWS), offset=offset)
        excerpts = tuple(_excerpt(_inputs(blueprint, row.cells)) for row in rows)
        return PairPage(tuple(rows), excerpts, counts, query.metric)


def row_answers(store: Store, experiment_name: str, *, number: int) -> RowAnswers:
    """Every answer to row ``number`` (from 1). Raises NotFound."""
    with store.read() as tx:
        blueprint, run = _blueprint_and_run(tx, experiment_name)
        assert blueprint.dataset is not None
        example = tx.datasets.example_at(blueprint.dataset.id, number - 1)
        if example is None:
            raise NotFound("no_such_row", f"The test set has no row {number}.")
        order = {arm.id: arm.position for arm in blueprint.arms}
        outputs = sorted(
            tx.answers.outputs_of(run.id, example.id), key=lambda o: (order[o["variant_id"]], o["repetition"])
        )
        return RowAnswers(
            number=number,
            cells=example.cells,
            inputs=_inputs(blueprint, example.cells),
            reference=blueprint.reference(example),
            answers=tuple(_answer(o, blueprint) for o in outputs),
        )


def _blueprint_and_run(tx: Transaction, experiment_name: str) -> tuple[Blueprint, RunRecord]:
    experiment = find_experiment(tx, experiment_name)
    runs = [r for r in tx.runs.of_experiment(experiment.id) if r.kind in ("full", "import")]
    if not runs:
        raise NotFound("never_ran", f"'{experiment.name}' has not run yet.", "Start it first.")
    return load_blueprint(tx, experiment), runs[0]


def _query(blueprint: Blueprint, run: RunRecord, treatment: str, metric: str) -> PairQuery:
    arms = {arm.name: arm.id for arm in blueprint.arms}
    if treatment not in arms:
        raise NotFound("no_such_variant", f"There is no variant '{treatment[:80]}'.")
    use = next((u for u in blueprint.scorer_uses if u.metric == metric), None)
    return PairQuery(
        run_id=run.id,
        control_id=blueprint.control.id,
        treatment_id=arms[treatment],
        metric=use.metric if use else None,
        fingerprint=use.fingerprint if use else None,
        higher_is_better=use is None or use.direction == Direction.HIGHER,
    )


def _excerpt(inputs: Mapping[str, str | None]) -> str:
    """The longest input of a row as one line: that is the one people recognise it by."""
    longest = max(inputs.values(), key=lambda cell: len(cell or ""), default=None)
    return " ".join((longest or "")[: 2 * MOST_EXCERPT].split())[:MOST_EXCERPT]


def _inputs(blueprint: Blueprint, cells: Mapping[str, str | None]) -> dict[str, str | None]:
    names = dict.fromkeys(name for arm in blueprint.arms if arm.content is not None for name in arm.content.variables())
    if names:
        return {name: cells.get(blueprint.roles.inputs.get(name, name)) for name in names}
    hidden = {blueprint.roles.reference, blueprint.roles.unit, *blueprint.roles.slices}
    return {name: cell for name, cell in cells.items() if name not in hidden}


def _answer(output: dict[str, Any], blueprint: Blueprint) -> AnswerView:
    in_use = {(u.metric, u.fingerprint) for u in blueprint.scorer_uses}
    return AnswerView(
        variant_id=output["variant_id"],
        repetition=output["repetition"],
        ok=output["status"] == OutputStatus.OK,
        text=output["text"],
        tool_calls=output["tool_calls"],
        response_class=output["response_class"],
        error_kind=output["error_kind"],
        error_message=output["error_message"],
        cost_usd=output["cost_usd"],
        cost_status=output["cost_status"],
        latency_ms=output["latency_ms"],
        completion_tokens=output["completion_tokens"],
        cached=output["cached"],
        sanitised=output["sanitised"],
        scores={
            s["metric"]: (s["value"], s["reason"])
            for s in output["scores"]
            if (s["metric"], s["fingerprint"]) in in_use
        },
    )
