"""Every table, in the order of the data's journey. Only ``storage`` imports this; others get values and frames.

A change here needs a migration (``storage/migrations``); a test holds the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import CanonicalJson, Json, UtcDateTime

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def table_of(kind: type[SQLModel]) -> Table:
    """The table behind a model, for queries that name columns instead of objects."""
    table: Table = kind.__table__  # type: ignore[attr-defined]
    return table


def _json(*, nullable: bool = False) -> Any:  # noqa: ANN401
    return Field(sa_column=Column(Json, nullable=nullable))


def _canonical() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(CanonicalJson, nullable=False))


def _text() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(Text, nullable=False))


def _time(*, nullable: bool = False) -> Any:  # noqa: ANN401
    return Field(sa_type=UtcDateTime, nullable=nullable)


# --- making ----------------------------------------------------------------------------------------------------


class Prompt(SQLModel, table=True):
    """One row is a named prompt, the thing whose versions are compared and served."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    description: str = ""
    created_by: str
    created_at: datetime = _time()
    archived_at: datetime | None = _time(nullable=True)


class PromptVersion(SQLModel, table=True):
    """One row is one immutable state of a prompt: messages, model and parameters, known by their hash."""

    __tablename__ = "prompt_version"
    __table_args__ = (UniqueConstraint("prompt_id", "number"), UniqueConstraint("prompt_id", "content_hash"))

    id: str = Field(primary_key=True)
    prompt_id: str = Field(foreign_key="prompt.id")
    number: int
    content_hash: str
    kind: str
    messages: list[dict[str, str]] = _json()
    model: str
    parameters: dict[str, Any] = _json()
    note: str = ""
    created_by: str
    created_at: datetime = _time()


class Label(SQLModel, table=True):
    """One row is where a label of a prompt points now; ``revision`` counts its moves (compare-and-set)."""

    prompt_id: str = Field(primary_key=True, foreign_key="prompt.id")
    label: str = Field(primary_key=True)
    version_id: str | None = Field(default=None, foreign_key="prompt_version.id")
    revision: int = 0
    moved_at: datetime = _time()


class LabelEvent(SQLModel, table=True):
    """One row is one move of a label: who, when, why, from which version to which. Never changed."""

    __tablename__ = "label_event"
    __table_args__ = (UniqueConstraint("prompt_id", "label", "revision"),)

    id: str = Field(primary_key=True)
    prompt_id: str = Field(foreign_key="prompt.id")
    label: str
    revision: int
    kind: str
    from_version_id: str | None = Field(default=None, foreign_key="prompt_version.id")
    to_version_id: str = Field(foreign_key="prompt_version.id")
    actor: str
    reason: str = ""
    decision_id: str | None = None
    at: datetime = _time()


class Dataset(SQLModel, table=True):
    """One row is a named test set; ``roles`` says which columns are unit, cluster, reference and slices."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    roles: dict[str, Any] = _json()
    created_by: str
    created_at: datetime = _time()
    archived_at: datetime | None = _time(nullable=True)


class DatasetVersion(SQLModel, table=True):
    """One row is one frozen state of a test set; ``report`` keeps what the import noticed."""

    __tablename__ = "dataset_version"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        UniqueConstraint("dataset_id", "content_hash"),
    )

    id: str = Field(primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    number: int
    content_hash: str
    columns: list[str] = _json()
    row_count: int
    source_name: str = ""
    report: dict[str, Any] = _json()
    created_by: str
    created_at: datetime = _time()


class ExampleRow(SQLModel, table=True):
    """One row is one input of a dataset version: its cells as text (null where there was none)."""

    __tablename__ = "example"

    __table_args__ = (UniqueConstraint("dataset_version_id", "position"),)

    id: str = Field(primary_key=True)
    dataset_version_id: str = Field(foreign_key="dataset_version.id")
    position: int
    cells: dict[str, str | None] = _json()
    content_hash: str


# --- experimenting -----------------------------------------------------------------------------------------------


class Experiment(SQLModel, table=True):
    """One row is one experiment: its file, its plan (locked when ``locked_at`` is set) and where it stands."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    state: str
    origin: str
    hypothesis: str = ""
    spec: dict[str, Any] = _canonical()
    design_hash: str = Field(index=True)
    plan_hash: str
    plan_version: int = 1
    locked_at: datetime | None = _time(nullable=True)
    dataset_version_id: str | None = Field(default=None, foreign_key="dataset_version.id")
    prompt_id: str | None = Field(default=None, foreign_key="prompt.id")
    simulated: bool = False
    sample: bool = False
    created_by: str
    created_at: datetime = _time()
    archived_at: datetime | None = _time(nullable=True)


class Variant(SQLModel, table=True):
    """One row is one arm of an experiment; position 0 is the control. Imported arms may have no prompt version."""

    __table_args__ = (
        UniqueConstraint("experiment_id", "name"),
        UniqueConstraint("experiment_id", "position"),
    )

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    position: int
    name: str
    model: str = ""
    prompt_version_id: str | None = Field(default=None, foreign_key="prompt_version.id")


class ScorerUse(SQLModel, table=True):
    """One row is a scorer as an experiment uses it; ``active`` false keeps scores of an earlier version readable."""

    __tablename__ = "scorer_use"
    __table_args__ = (UniqueConstraint("experiment_id", "metric", "fingerprint"),)

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    position: int
    metric: str
    scorer: str
    version: str
    entry: Any = _canonical()
    fingerprint: str
    kind: str
    direction: str
    unit: str
    active: bool = True
    created_at: datetime = _time()


class Run(SQLModel, table=True):
    """One row is one execution of an experiment's variants over its rows.

    ``spent_usd`` is settled, ``reserved_usd`` is the estimate of calls that are out; the budget stop counts both.
    ``revision`` grows with every change of the evidence, so that a computed analysis knows when it is stale.
    """

    __table_args__ = (UniqueConstraint("experiment_id", "number"),)

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    number: int
    kind: str
    state: str = Field(index=True)
    state_reason: str = ""
    repeats: int
    row_limit: int | None = None
    seed: int = Field(sa_column=Column(BigInteger, nullable=False))
    limits: dict[str, Any] = _json()
    planned_trials: int
    spent_usd: float = 0.0
    reserved_usd: float = 0.0
    revision: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = _time(nullable=True)
    created_by: str
    created_at: datetime = _time()
    started_at: datetime | None = _time(nullable=True)
    ended_at: datetime | None = _time(nullable=True)


class Attempt(SQLModel, table=True):
    """One row is one call that was about to leave: committed before it, settled with its result."""

    __table_args__ = (
        UniqueConstraint("run_id", "example_id", "variant_id", "repetition", "purpose", "number"),
        Index("ix_attempt_run_id_state", "run_id", "state"),
        Index("ix_attempt_started_at", "started_at"),
    )

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    variant_id: str = Field(foreign_key="variant.id")
    example_id: str = Field(foreign_key="example.id")
    repetition: int
    purpose: str
    number: int
    state: str
    model: str
    request_hash: str
    worker: str
    http_status: int | None = None
    error_kind: str | None = None
    error_message: str | None = Field(default=None, sa_column=Column(Text))
    estimated_cost_usd: float | None = None
    cost_usd: float | None = None
    cost_status: str
    started_at: datetime = _time()
    ended_at: datetime | None = _time(nullable=True)


class Output(SQLModel, table=True):
    """One row is the one final result of variant × example × repetition in a run: an answer, or why there is none."""

    __table_args__ = (
        UniqueConstraint("run_id", "example_id", "variant_id", "repetition"),
        Index("ix_output_request_hash", "request_hash", "status"),
        Index("ix_output_run_id_variant_id", "run_id", "variant_id", "status"),
    )

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    variant_id: str = Field(foreign_key="variant.id")
    example_id: str = Field(foreign_key="example.id")
    repetition: int
    status: str
    response_class: str | None = None
    text: str = _text()
    tool_calls: list[dict[str, Any]] | None = _json(nullable=True)
    finish_reason: str | None = None
    served_model: str | None = None
    request_hash: str
    attempt_id: str | None = None
    attempts: int
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_prompt_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_status: str
    latency_ms: float | None = None
    first_token_ms: float | None = None
    cached: bool = False
    simulated: bool = False
    sanitised: bool = False
    error_kind: str | None = None
    error_message: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = _time()


class Preview(SQLModel, table=True):
    """One row is one call of the prompt page's "try on a row": its request, then its answer and cost."""

    id: str = Field(primary_key=True)
    batch_id: str = Field(index=True)
    letter: str
    state: str = Field(index=True)
    request: dict[str, Any] = _json()
    answer: dict[str, Any] | None = _json(nullable=True)
    worker: str | None = None
    estimated_cost_usd: float | None = None
    cost_usd: float | None = None
    cost_status: str
    created_by: str
    created_at: datetime = _time()
    ended_at: datetime | None = _time(nullable=True)


# --- judging -----------------------------------------------------------------------------------------------------


class ScoreRow(SQLModel, table=True):
    """One row is what one scorer version says of one output; a null value carries its reason."""

    __tablename__ = "score"

    __table_args__ = (
        UniqueConstraint("output_id", "metric", "fingerprint"),
        Index("ix_score_metric_fingerprint", "metric", "fingerprint"),
    )

    id: str = Field(primary_key=True)
    output_id: str = Field(foreign_key="output.id")
    metric: str
    fingerprint: str
    value: float | None = None
    reason: str | None = Field(default=None, sa_column=Column(Text))
    details: dict[str, Any] | None = _json(nullable=True)
    created_at: datetime = _time()


class Rating(SQLModel, table=True):
    """One row is one person's judgement of one output under one metric."""

    __table_args__ = (
        UniqueConstraint("output_id", "metric", "rater_id"),
        Index("ix_rating_experiment_id", "experiment_id"),
    )

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    output_id: str = Field(foreign_key="output.id")
    metric: str
    rater_id: str
    value: float
    comment: str = ""
    created_at: datetime = _time()


class JudgementRow(SQLModel, table=True):
    """One row is what one paid call of a judge answered; its text is read again wherever a verdict is needed.

    ``request_hash`` holds model, messages, parameters and repeat, so the same text is not judged twice.
    """

    __tablename__ = "judgement"

    __table_args__ = (
        UniqueConstraint("run_id", "request_hash"),
        Index("ix_judgement_request_hash", "request_hash"),
    )

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    attempt_id: str = Field(foreign_key="attempt.id")
    request_hash: str
    metric: str
    fingerprint: str
    model: str
    text: str = _text()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_ms: float | None = None
    simulated: bool = False
    created_at: datetime = _time()


class QualityCheck(SQLModel, table=True):
    """One row is a named check of quality: a judge or a rule that experiments can use by its name."""

    __tablename__ = "quality_check"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_by: str
    created_at: datetime = _time()
    archived_at: datetime | None = _time(nullable=True)


class QualityCheckVersion(SQLModel, table=True):
    """One row is one immutable state of a check: the scorer entry that it stands for, known by its fingerprint."""

    __tablename__ = "quality_check_version"
    __table_args__ = (UniqueConstraint("check_id", "number"), UniqueConstraint("check_id", "fingerprint"))

    id: str = Field(primary_key=True)
    check_id: str = Field(foreign_key="quality_check.id")
    number: int
    entry: Any = _canonical()
    fingerprint: str
    note: str = ""
    created_by: str
    created_at: datetime = _time()


# --- comparing and deciding ----------------------------------------------------------------------------------------


class AnalysisRow(SQLModel, table=True):
    """One row is one computed analysis: the result as shown, and the hashes of what it was computed from."""

    __tablename__ = "analysis"

    __table_args__ = (UniqueConstraint("experiment_id", "number"),)

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    number: int
    plan_hash: str
    data_version: str
    data_hash: str
    engine: str
    result: dict[str, Any] = _canonical()
    created_at: datetime = _time()


class LookRow(SQLModel, table=True):
    """One row is one opening of results that showed something new: how much there was, who looked, what stood there."""

    __tablename__ = "look"

    __table_args__ = (Index("ix_look_experiment_id", "experiment_id"),)

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id")
    n_units: int
    n_values: int
    detail: dict[str, Any] = _canonical()
    actor: str
    at: datetime = _time()


class Decision(SQLModel, table=True):
    """One row is one decision with its evidence frozen: verdict, choice, who, why."""

    id: str = Field(primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id", index=True)
    analysis_id: str = Field(foreign_key="analysis.id")
    verdict: str
    choice: str
    variant_id: str | None = Field(default=None, foreign_key="variant.id")
    prompt_version_id: str | None = Field(default=None, foreign_key="prompt_version.id")
    label: str
    actor: str
    reason: str = ""
    evidence: dict[str, Any] = _canonical()
    evidence_hash: str
    created_at: datetime = _time()


# --- keeping -----------------------------------------------------------------------------------------------------


class AuditEvent(SQLModel, table=True):
    """One row is one change of state (or one refusal), chained to the row before it by its hash."""

    __tablename__ = "audit_event"

    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = _time()
    actor: str
    action: str
    subject: str
    details: dict[str, Any] = _canonical()
    previous_hash: str
    hash: str = Field(unique=True)


class ApiKey(SQLModel, table=True):
    """One row is one key of an application: its scopes and the SHA-256 of its secret; the secret is not kept."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    name: str
    secret_hash: str
    scopes: list[str] = _json()
    created_by: str
    created_at: datetime = _time()
    expires_at: datetime | None = _time(nullable=True)
    revoked_at: datetime | None = _time(nullable=True)
    last_used_on: str | None = None


class Setting(SQLModel, table=True):
    """One row is one setting of the installation."""

    key: str = Field(primary_key=True)
    value: Any = _json(nullable=True)
    updated_by: str
    updated_at: datetime = _time()


class ModelPrice(SQLModel, table=True):
    """One row is a price somebody typed in, in US dollars per million tokens; it wins over the shipped snapshot."""

    __tablename__ = "model_price"

    model: str = Field(primary_key=True)
    input_per_million: float
    output_per_million: float
    cached_input_per_million: float | None = None
    set_by: str
    set_at: datetime = _time()


class WorkerRow(SQLModel, table=True):
    """One row is one worker process that was seen; a stale heartbeat means it is gone."""

    __tablename__ = "worker"

    id: str = Field(primary_key=True)
    host: str
    process: int
    version: str
    started_at: datetime = _time()
    heartbeat_at: datetime = _time()
    stopped_at: datetime | None = _time(nullable=True)
