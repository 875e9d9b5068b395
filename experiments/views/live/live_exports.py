"""Exports of live traffic: exposures, outcomes, model calls, and the analysis table of the newest phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.loading.runs.blueprint import Blueprint
from storage import live_streams
from storage.records import ExperimentRecord, LivePhaseRecord
from storage.store import Transaction

EXPOSURE_COLUMNS = (
    "exposure_id", "experiment", "key", "phase", "unit", "variant", "reason", "counted", "crossed", "replayed",
    "first_at", "slices", "source",
)  # fmt: skip
OUTCOME_COLUMNS = (
    "outcome_id", "experiment", "key", "unit", "metric", "value", "denominator", "at", "exposure_id", "received_at",
    "voided_at", "voided_by", "void_reason",
)  # fmt: skip
CALL_COLUMNS = (
    "call_id", "experiment", "phase", "unit", "variant", "prompt", "version", "model", "status", "response_class",
    "error_kind", "latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens", "answer_chars", "cost_usd",
    "cost_status", "fell_back", "streamed", "shadow", "exposure_id", "at",
)  # fmt: skip

Row = Mapping[str, Any]


def exposures(tx: Transaction, experiment: ExperimentRecord, _blueprint: Blueprint) -> Iterator[Row]:
    """One row per exposure of any phase."""
    for row in live_streams.stream_exposures(tx, experiment.id):
        yield {**_picked(row, EXPOSURE_COLUMNS), "exposure_id": row["id"], "experiment": experiment.name}


def outcomes(tx: Transaction, experiment: ExperimentRecord, _blueprint: Blueprint) -> Iterator[Row]:
    """One row per reported outcome, counted or not."""
    for row in live_streams.stream_outcomes(tx, experiment.id):
        yield {**_picked(row, OUTCOME_COLUMNS), "outcome_id": row["id"], "experiment": experiment.name}


def calls(tx: Transaction, experiment: ExperimentRecord, _blueprint: Blueprint) -> Iterator[Row]:
    """One row per model call of the gateway, silent answers of challengers too."""
    for row in live_streams.stream_calls(tx, experiment.id):
        yield {**_picked(row, CALL_COLUMNS), "call_id": row["id"], "experiment": experiment.name}


def analysis_columns(slices: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of the analysis table of live traffic."""
    return ("variant", "unit_id", "metric", "value", "denominator", "status", "at", *slices)


def analysis(tx: Transaction, phase: LivePhaseRecord, slices: tuple[str, ...]) -> Iterator[Row]:
    """The analysis table: the outcomes that count, one row each."""
    for row in live_streams.stream_counted_outcomes(tx, phase.id):
        named = {**row, "unit_id": row["unit"], "status": "ok", **{s: row["slices"].get(s) for s in slices}}
        yield _picked(named, analysis_columns(slices))


def _picked(row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    return {name: row.get(name) for name in columns}
