"""Frozen values of the rows that leave ``storage``: what actions and views work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

Record = TypeVar("Record")


def to_record(kind: type[Record], row: object) -> Record:
    """A record of the given dataclass, filled from the attributes of the same names."""
    return kind(**{f.name: getattr(row, f.name) for f in fields(kind)})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """A named prompt."""

    id: str
    name: str
    description: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One immutable version of a prompt."""

    id: str
    prompt_id: str
    number: int
    content_hash: str
    kind: str
    messages: list[dict[str, str]]
    model: str
    parameters: dict[str, Any]
    note: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """Where a label points; ``version_id`` None and ``revision`` 0 when it was never set."""

    prompt_id: str
    label: str
    version_id: str | None
    revision: int
    moved_at: datetime | None


@dataclass(frozen=True, slots=True)
class LabelEventRecord:
    """One move of a label."""

    id: str
    prompt_id: str
    label: str
    revision: int
    kind: str
    from_version_id: str | None
    to_version_id: str
    actor: str
    reason: str
    decision_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A named test set and the roles of its columns."""

    id: str
    name: str
    roles: dict[str, Any]
    created_by: str
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class DatasetVersionRecord:
    """One frozen state of a test set."""

    id: str
    dataset_id: str
    number: int
    content_hash: str
    columns: list[str]
    row_count: int
    source_name: str
    report: dict[str, Any]
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExampleRecord:
    """One input: position counts from 0."""

    id: str
    position: int
    cells: Mapping[str, str | None]
    content_hash: str


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """An experiment as stored."""

    id: str
    name: str
    state: str
    origin: str
    hypothesis: str
    spec: dict[str, Any]
    design_hash: str
    plan_hash: str
    plan_version: int
    locked_at: datetime | None
    dataset_version_id: str | None
    prompt_id: str | None
    simulated: bool
    sample: bool
    created_by: str
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """One arm; position 0 is the control."""

    id: str
    experiment_id: str
    position: int
    name: str
    model: str
    prompt_version_id: str | None


@dataclass(frozen=True, slots=True)
class ScorerUseRecord:
    """A scorer as an experiment uses it."""

    id: str
    experiment_id: str
    position: int
    metric: str
    scorer: str
    version: str
    entry: Any
    fingerprint: str
    kind: str
    direction: str
    unit: str
    active: bool


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution."""

    id: str
    experiment_id: str
    number: int
    kind: str
    state: str
    state_reason: str
    repeats: int
    row_limit: int | None
    seed: int
    limits: dict[str, Any]
    planned_trials: int
    spent_usd: float
    reserved_usd: float
    revision: int
    lease_owner: str | None
    lease_until: datetime | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class TypedPrice(NamedTuple):
    """A price somebody typed in, in US dollars per million tokens; None where cached prompt tokens have none."""

    input_per_million: float
    output_per_million: float
    cached_input_per_million: float | None


@dataclass(frozen=True, slots=True)
class PreviewRecord:
    """One call of "try on a row"."""

    id: str
    batch_id: str
    letter: str
    state: str
    request: dict[str, Any]
    answer: dict[str, Any] | None
    cost_usd: float | None
    cost_status: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AnalysisRecord:
    """One computed analysis."""

    id: str
    experiment_id: str
    number: int
    plan_hash: str
    data_version: str
    data_hash: str
    engine: str
    result: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision with its evidence."""

    id: str
    experiment_id: str
    analysis_id: str
    verdict: str
    choice: str
    variant_id: str | None
    prompt_version_id: str | None
    label: str
    actor: str
    reason: str
    evidence: dict[str, Any]
    evidence_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One link of the audit chain."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """A key without its secret."""

    id: str
    name: str
    secret_hash: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_on: str | None


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker that was seen."""

    id: str
    host: str
    process: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingSessionRecord:
    """A rating session as it was opened; ``items`` leaves gold items out."""

    id: str
    experiment_id: str
    run_id: str
    number: int
    metric: str
    kind: str
    spec: dict[str, Any]
    seed: int
    items: int
    seconds_per_item: float
    left_out: dict[str, Any]
    opened_by: str
    opened_at: datetime
    closes_at: datetime | None
    last_vote_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingLinkRecord:
    """A link for raters, without its token."""

    id: str
    session_id: str
    most_raters: int
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class RaterRecord:
    """One browser that opened a link; ``number`` is None until it looked at the rating page."""

    id: str
    session_id: str
    link_id: str
    key: str
    number: int | None
    name: str
    opened_at: datetime
    joined_at: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingItemRecord:
    """One thing to rate."""

    id: str
    session_id: str
    position: int
    gold: bool
    example_id: str | None
    first_output_id: str | None
    second_output_id: str | None
    wanted: int
    probability: float
    stratum: str
    texts: dict[str, Any] | None
    expected: str | None


@dataclass(frozen=True, slots=True)
class RatingTaskRecord:
    """One item in the hands of one rater."""

    id: str
    session_id: str
    item_id: str
    rater_id: str
    repeat: bool
    sequence: int
    swapped: bool
    state: str
    lease_until: datetime
    decided_at: datetime | None
    decision: int | None
    choice: str | None
    value: float | None
    milliseconds: int | None


@dataclass(frozen=True, slots=True)
class LivePhaseRecord:
    """One phase of a live test."""

    id: str
    experiment_id: str
    key: str
    number: int
    seed: str
    state: str
    state_reason: str
    everyone: str
    layer: str
    enrolled: list[list[int]]
    settings: dict[str, Any]
    pauses: list[list[str]]
    revision: int
    shadow_spent_usd: float
    judge_spent_usd: float
    created_by: str
    started_at: datetime
    frozen_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExposureRecord:
    """The first time that a unit met a variant in a phase."""

    id: str
    phase_id: str
    unit: str | None
    variant: str
    reason: str
    counted: bool
    replayed: bool
    crossed: bool
    first_at: datetime
    slices: dict[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """A reported outcome; the last three are None unless it was taken back."""

    id: str
    key: str
    unit: str
    metric: str
    value: float
    denominator: float
    at: datetime
    voided_at: datetime | None
    voided_by: str | None
    void_reason: str | None


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """A named quality check."""

    id: str
    name: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckVersionRecord:
    """One immutable version of a quality check: the scorer entry that it stands for."""

    id: str
    check_id: str
    number: int
    entry: Any
    fingerprint: str
    note: str
    created_by: str
    created_at: datetime
