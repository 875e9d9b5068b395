"""Rows of live traffic for exports, read as they are taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, select

from storage.live_sums import standing
from storage.live_tables import ExposureRow, GatewayCallRow, LivePhase, OutcomeRow
from storage.store import Transaction
from storage.tables import table_of

EXPOSURE, CALL, PHASE, OUTCOME = (table_of(kind).c for kind in (ExposureRow, GatewayCallRow, LivePhase, OutcomeRow))
_BATCH = 500


def stream_exposures(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every exposure (all columns) with key and phase, in the order of phases and first times."""
    query = (
        select(*EXPOSURE, PHASE.key, PHASE.number.label("phase"))
        .join(table_of(LivePhase), PHASE.id == EXPOSURE.phase_id)
        .where(PHASE.experiment_id == experiment_id)
        .order_by(PHASE.number, EXPOSURE.first_at, EXPOSURE.id)
    )
    return _rows(tx, query)


def stream_outcomes(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every outcome reported under the experiment's key, in the order they arrived."""
    keys = select(PHASE.key).where(PHASE.experiment_id == experiment_id)
    query = select(*OUTCOME).where(OUTCOME.key.in_(keys)).order_by(OUTCOME.received_at, OUTCOME.id)
    return _rows(tx, query)


def stream_calls(tx: Transaction, experiment_id: str) -> Iterator[dict[str, Any]]:
    """Every model call of the experiment (all columns) with its phase and the unit that was exposed."""
    query = (
        select(*CALL, PHASE.number.label("phase"), EXPOSURE.unit)
        .join(table_of(LivePhase), PHASE.id == CALL.phase_id)
        .outerjoin(table_of(ExposureRow), EXPOSURE.id == CALL.exposure_id)
        .where(PHASE.experiment_id == experiment_id)
        .order_by(CALL.at, CALL.id)
    )
    return _rows(tx, query)


def stream_counted_outcomes(tx: Transaction, phase_id: str) -> Iterator[dict[str, Any]]:
    """The outcomes that an analysis of the phase counts, with the variant, slices and unit of their exposure."""
    query = (
        select(
            EXPOSURE.variant,
            EXPOSURE.unit,
            EXPOSURE.slices,
            OUTCOME.metric,
            OUTCOME.value,
            OUTCOME.denominator,
            OUTCOME.at,
        )
        .join(table_of(LivePhase), PHASE.id == EXPOSURE.phase_id)
        .join(
            table_of(OutcomeRow),
            and_(OUTCOME.key == PHASE.key, OUTCOME.unit == EXPOSURE.unit, OUTCOME.at >= EXPOSURE.first_at, *standing()),
        )
        .where(
            EXPOSURE.phase_id == phase_id,
            EXPOSURE.counted.is_(True),
            EXPOSURE.crossed.is_(False),
            PHASE.ended_at.is_(None) | (OUTCOME.at <= PHASE.ended_at),
        )
        .order_by(OUTCOME.at, OUTCOME.id)
    )
    return _rows(tx, query)


def _rows(tx: Transaction, query: Select[Any]) -> Iterator[dict[str, Any]]:
    found = tx.session.execute(query.execution_options(yield_per=_BATCH))
    for row in found.mappings():
        yield dict(row)
