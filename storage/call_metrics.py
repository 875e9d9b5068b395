"""The measures that model calls have by themselves, each with which calls have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, literal
from sqlmodel import col

from experiments.live.events import ABANDONED
from storage.live_tables import GatewayCallRow

Sql = Any
"""A column or an expression: the types of SQLModel and SQLAlchemy for them are unrelated."""


@dataclass(frozen=True, slots=True)
class CallMetric:
    """A metric that model calls have by themselves: its value, and which calls have one."""

    value: Sql
    having: Sql


def answered() -> ColumnElement[bool]:
    """The variant itself gave an answer."""
    return and_(col(GatewayCallRow.status) == "ok", col(GatewayCallRow.fell_back).is_(False))


def not_abandoned() -> ColumnElement[bool]:
    """A caller who left says nothing of the provider: the call neither failed nor was it answered."""
    return col(GatewayCallRow.status) != ABANDONED


def flag(condition: Sql) -> ColumnElement[Any]:
    """1 where the condition holds, else 0."""
    return case((condition, 1.0), else_=0.0)


CALL_METRICS: Mapping[str, CallMetric] = {
    "cost_usd": CallMetric(
        col(GatewayCallRow.cost_usd),
        and_(col(GatewayCallRow.cost_usd).is_not(None), col(GatewayCallRow.status) != "failed"),
    ),
    "latency_ms": CallMetric(col(GatewayCallRow.latency_ms), answered()),
    "first_token_ms": CallMetric(col(GatewayCallRow.first_token_ms), col(GatewayCallRow.first_token_ms).is_not(None)),
    "prompt_tokens": CallMetric(
        col(GatewayCallRow.prompt_tokens), and_(not_abandoned(), col(GatewayCallRow.prompt_tokens).is_not(None))
    ),
    "completion_tokens": CallMetric(
        col(GatewayCallRow.completion_tokens), and_(not_abandoned(), col(GatewayCallRow.completion_tokens).is_not(None))
    ),
    "total_tokens": CallMetric(
        col(GatewayCallRow.prompt_tokens) + col(GatewayCallRow.completion_tokens),
        and_(
            not_abandoned(),
            col(GatewayCallRow.prompt_tokens).is_not(None),
            col(GatewayCallRow.completion_tokens).is_not(None),
        ),
    ),
    "failed": CallMetric(case((answered(), 0.0), else_=1.0), not_abandoned()),
    "abandoned": CallMetric(case((not_abandoned(), 0.0), else_=1.0), literal(True)),
    "refused": CallMetric(flag(col(GatewayCallRow.response_class).in_(("refusal", "content_filter"))), answered()),
    "answer_chars": CallMetric(
        col(GatewayCallRow.answer_chars), and_(not_abandoned(), col(GatewayCallRow.answer_chars).is_not(None))
    ),
}
