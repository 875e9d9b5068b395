"""The tables of live traffic: phases, who met what, what became of it, and the model calls of the gateway.

Like ``storage.tables``, only ``storage`` imports this.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage import tables
from storage.columns import Json, UtcDateTime

assert tables.Experiment is not None  # imported first: it sets how constraints are named


def json_column(*, nullable: bool = False) -> Any:  # noqa: ANN401
    """A column of plain JSON values."""
    return Field(sa_column=Column(Json, nullable=nullable))


def time_column(*, nullable: bool = False) -> Any:  # noqa: ANN401
    """A column of aware UTC times."""
    return Field(sa_type=UtcDateTime, nullable=nullable)


class LivePhase(SQLModel, table=True):
    """One row is one phase of a live test: who takes part and how they are split. A new seed is a new phase.

    The newest phase of a ``key`` is the one that is served. ``settings`` is what the assigner needs besides
    (variants, limits, targeting …), ``pauses`` are windows of time in which everybody met ``everyone``.
    ``revision`` counts changes, so that gateways notice.
    """

    __tablename__ = "live_phase"
    __table_args__ = (UniqueConstraint("key", "number"), Index("ix_live_phase_experiment_id", "experiment_id"))

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    key: str
    number: int
    seed: str
    state: str = Field(index=True)
    state_reason: str = ""
    everyone: str
    layer: str
    enrolled: list[list[int]] = json_column()
    settings: dict[str, Any] = json_column()
    pauses: list[list[str]] = json_column()
    revision: int = 1
    shadow_spent_usd: float = 0.0
    judge_spent_usd: float = 0.0
    created_by: str
    started_at: datetime = time_column()
    frozen_at: datetime | None = time_column(nullable=True)
    ended_at: datetime | None = time_column(nullable=True)


class ExposureRow(SQLModel, table=True):
    """One row is the first time that a unit met a variant in a phase; ``unit`` is null when nobody was named.

    ``replayed`` is false when the hash says another variant, ``crossed`` true once the unit met a second one.
    """

    __tablename__ = "exposure"

    __table_args__ = (
        UniqueConstraint("phase_id", "unit"),
        Index("ix_exposure_phase_id_first_at", "phase_id", "first_at"),
    )

    id: str = Field(primary_key=True)
    phase_id: str = Field(foreign_key="live_phase.id")
    unit: str | None = None
    variant: str
    reason: str
    counted: bool
    replayed: bool
    crossed: bool = False
    first_at: datetime = time_column()
    slices: dict[str, str] = json_column()
    source: str
    received_at: datetime = time_column()


class ExposureCrossing(SQLModel, table=True):
    """One row is a further variant that a unit met after its first exposure."""

    __tablename__ = "exposure_crossing"
    __table_args__ = (Index("ix_exposure_crossing_phase_id", "phase_id", "unit"),)

    id: str = Field(primary_key=True)
    phase_id: str = Field(foreign_key="live_phase.id")
    unit: str
    variant: str
    reason: str
    first_at: datetime = time_column()


class OutcomeRow(SQLModel, table=True):
    """One row is one reported outcome of a unit; ``body_hash`` tells a repetition from another body.

    A voided one stays, with who took it back, when and why, and is left out of every sum.
    """

    __tablename__ = "outcome"

    __table_args__ = (Index("ix_outcome_key_metric_unit", "key", "metric", "unit"),)

    id: str = Field(primary_key=True)
    key: str
    unit: str
    metric: str
    value: float
    denominator: float
    at: datetime = time_column()
    exposure_id: str | None = None
    body_hash: str
    received_at: datetime = time_column()
    voided_at: datetime | None = time_column(nullable=True)
    voided_by: str | None = None
    void_reason: str | None = Field(default=None, sa_column=Column(Text))


class GatewayCallRow(SQLModel, table=True):
    """One row is one model call for an application, or a challenger's silent answer (``shadow``).

    ``sample`` is the kept text of a sampled answer; ``scored_at`` is set once automatic scorers judged it.
    """

    __tablename__ = "gateway_call"
    __table_args__ = (
        Index("ix_gateway_call_exposure_id", "exposure_id"),
        Index("ix_gateway_call_phase_id_at", "phase_id", "at"),
    )

    id: str = Field(primary_key=True)
    at: datetime = time_column()
    phase_id: str | None = Field(default=None, foreign_key="live_phase.id")
    variant: str | None = None
    exposure_id: str | None = None
    prompt: str
    version: int | None = None
    model: str
    status: str
    response_class: str | None = None
    error_kind: str | None = None
    latency_ms: float
    first_token_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    answer_chars: int | None = None
    cost_usd: float | None = None
    cost_status: str
    fell_back: bool
    streamed: bool
    shadow: bool
    sample: dict[str, Any] | None = json_column(nullable=True)
    score_state: str | None = Field(default=None, index=True)


class LiveSpend(SQLModel, table=True):
    """One row is what the calls of one day (UTC, ``2026-01-31``), purpose, model and prompt version cost: running sums.

    ``purpose`` is ``live``, ``shadow`` or ``judge``; ``version`` is 0 and ``prompt`` empty for a model
    that was only passed through. ``usd`` holds known and estimated costs; ``unknown_calls`` are those whose cost nobody
    knows.
    """

    __tablename__ = "live_spend"

    day: str = Field(primary_key=True)
    purpose: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    prompt: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    usd: float
    calls: int
    unknown_calls: int


class LiveScore(SQLModel, table=True):
    """One row is what one scorer version says of one sampled answer; a null value carries its reason."""

    __tablename__ = "live_score"
    __table_args__ = (UniqueConstraint("call_id", "metric", "fingerprint"),)

    id: str = Field(primary_key=True)
    call_id: str = Field(foreign_key="gateway_call.id")
    metric: str
    fingerprint: str
    value: float | None = None
    reason: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = time_column()


class LiveJudgement(SQLModel, table=True):
    """One row is one call of a judge about a sampled live answer, on the books (``sending``) before it leaves.

    ``question`` numbers the calls that decide one case, ``number`` the tries of one question: no two workers can begin
    the same. It ends as ``done`` (with the judge's ``text``), ``failed`` or ``unknown`` (its worker died).
    """

    __tablename__ = "live_judgement"
    __table_args__ = (
        UniqueConstraint("call_id", "fingerprint", "question", "number"),
        Index("ix_live_judgement_state", "state", "started_at"),
        Index("ix_live_judgement_phase_id", "phase_id", "state"),
    )

    id: str = Field(primary_key=True)
    call_id: str = Field(foreign_key="gateway_call.id")
    phase_id: str = Field(foreign_key="live_phase.id")
    fingerprint: str
    question: int
    number: int
    model: str
    state: str
    estimated_cost_usd: float | None = None
    cost_usd: float | None = None
    cost_status: str
    text: str | None = Field(default=None, sa_column=Column(Text))
    error_kind: str | None = None
    error_message: str | None = Field(default=None, sa_column=Column(Text))
    worker: str
    started_at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)


class LiveDraw(SQLModel, table=True):
    """One row is a random draw of judged live answers for people, kept as an experiment of imported answers.

    ``share`` is the probability with which each of the answers that were there was drawn, ``call_ids`` the draw.
    """

    __tablename__ = "live_draw"

    experiment_id: str = Field(primary_key=True, foreign_key="experiment.id")
    phase_id: str = Field(foreign_key="live_phase.id", index=True)
    metric: str
    answers: int
    share: float
    call_ids: list[str] = json_column()
    created_at: datetime = time_column()


class ShadowAskRow(SQLModel, table=True):
    """One row is a request that a challenger shall answer in the background; users met the control."""

    __tablename__ = "shadow_ask"
    __table_args__ = (Index("ix_shadow_ask_state", "state", "at"),)

    id: str = Field(primary_key=True)
    phase_id: str = Field(foreign_key="live_phase.id")
    variant: str
    unit: str
    control_call: str
    messages: list[dict[str, Any]] = json_column()
    variables: dict[str, str] = json_column()
    state: str
    reason: str = ""
    estimated_cost_usd: float | None = None
    worker: str | None = None
    at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)
