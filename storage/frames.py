"""SQL → pandas frames for the analysis table. pandas is imported only when a frame is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from experiments.vocabulary import OutputStatus
from storage.store import Transaction
from storage.tables import ExampleRow, Output, Rating, ScoreRow, ScorerUse, table_of

if TYPE_CHECKING:
    import pandas as pd

OUTPUT, SCORE, USE, RATING, EXAMPLE = (table_of(kind).c for kind in (Output, ScoreRow, ScorerUse, Rating, ExampleRow))


def outputs_frame(tx: Transaction, run_id: str) -> pd.DataFrame:
    """One row per final result of the run: ids, status and what was measured; no texts.

    Columns: output_id, example_id, variant_id, repetition, status, response_class, error_kind, served_model, cached,
    cost_usd, latency_ms, first_token_ms, prompt_tokens, completion_tokens, created_at.
    """
    query = select(
        OUTPUT.id.label("output_id"),
        OUTPUT.example_id,
        OUTPUT.variant_id,
        OUTPUT.repetition,
        OUTPUT.status,
        OUTPUT.response_class,
        OUTPUT.error_kind,
        OUTPUT.served_model,
        OUTPUT.cached,
        OUTPUT.cost_usd,
        OUTPUT.latency_ms,
        OUTPUT.first_token_ms,
        OUTPUT.prompt_tokens,
        OUTPUT.completion_tokens,
        OUTPUT.created_at,
    )
    return _frame(tx, query.where(OUTPUT.run_id == run_id))


def scores_frame(tx: Transaction, run_id: str, experiment_id: str) -> pd.DataFrame:
    """One row per score of the scorers in use: output_id, metric, value (NaN when there is none)."""
    in_use = (
        (USE.metric == SCORE.metric) & (USE.fingerprint == SCORE.fingerprint) & (USE.experiment_id == experiment_id)
    )
    query = (
        select(SCORE.output_id, SCORE.metric, SCORE.value)
        .join(table_of(Output), OUTPUT.id == SCORE.output_id)
        .join(table_of(ScorerUse), in_use)
        .where(OUTPUT.run_id == run_id, USE.active)
    )
    return _frame(tx, query)


def ratings_frame(tx: Transaction, experiment_id: str) -> pd.DataFrame:
    """One row per rating: output_id, metric, rater_id, value."""
    query = select(RATING.output_id, RATING.metric, RATING.rater_id, RATING.value)
    return _frame(tx, query.where(RATING.experiment_id == experiment_id))


def answer_lengths_frame(tx: Transaction, run_id: str) -> pd.DataFrame:
    """One row per answer of the run: output_id, example_id, variant_id, length in characters."""
    query = select(
        OUTPUT.id.label("output_id"), OUTPUT.example_id, OUTPUT.variant_id, func.length(OUTPUT.text).label("length")
    )
    return _frame(tx, query.where(OUTPUT.run_id == run_id, OUTPUT.status == OutputStatus.OK))


def judge_scores_frame(tx: Transaction, run_id: str, metric: str, fingerprint: str) -> pd.DataFrame:
    """One row per score that this version of a judge gave in the run: output_id, value, details, by output."""
    query = (
        select(SCORE.output_id, SCORE.value, SCORE.details)
        .join(table_of(Output), OUTPUT.id == SCORE.output_id)
        .where(OUTPUT.run_id == run_id, SCORE.metric == metric, SCORE.fingerprint == fingerprint)
        .order_by(SCORE.output_id)
    )
    return _frame(tx, query)


def examples_frame(tx: Transaction, dataset_version_id: str, columns: list[str]) -> pd.DataFrame:
    """One row per example: example_id, position, content_hash and the named cells as text (None where missing)."""
    import pandas as pd

    query = (
        select(EXAMPLE.id, EXAMPLE.position, EXAMPLE.content_hash, EXAMPLE.cells)
        .where(EXAMPLE.dataset_version_id == dataset_version_id)
        .order_by(EXAMPLE.position)
        .execution_options(yield_per=2000)
    )
    rows = [
        (identity, position, content_hash, *(cells.get(name) for name in columns))
        for identity, position, content_hash, cells in tx.session.connection().execute(query)
    ]
    return pd.DataFrame(rows, columns=["example_id", "position", "content_hash", *[f"cell:{name}" for name in columns]])


def answer_sizes(tx: Transaction, run_id: str, *, limit: int) -> list[tuple[str, float, float]]:
    """(variant id, completion tokens, latency in ms) of answered trials that were measured, at most ``limit``."""
    measured = (OUTPUT.run_id == run_id, OUTPUT.completion_tokens.is_not(None), OUTPUT.latency_ms.is_not(None))
    query = select(OUTPUT.variant_id, OUTPUT.completion_tokens, OUTPUT.latency_ms).where(*measured).limit(limit)
    return [(v, float(t), float(ms)) for v, t, ms in tx.session.connection().execute(query)]


def _frame(tx: Transaction, query: Select[Any]) -> pd.DataFrame:
    import pandas as pd

    result = tx.session.connection().execute(query)
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))
