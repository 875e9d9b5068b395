"""The words of the field: states, kinds, and the small frozen values that every part of Bakeoff shares.

Imports nothing of ours. An enum's value is what is stored, exported and sent, so values never change.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC time; passed in wherever time matters, so that tests own it."""


def utc_now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


_drawn: list[str] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)  # or parent and child would give the same ids


def new_id() -> str:
    """A 28-character id that sorts by the millisecond it was made in and cannot be guessed."""
    return f"{time.time_ns() // 1_000_000:012x}{_random_end()}"


def _random_end() -> str:
    """16 hex digits of the system's randomness, drawn for 256 ids at once.

    Each draw is a system call that lets go of the interpreter; getting it back takes long while other threads work.
    """
    try:
        return _drawn.pop()
    except IndexError:
        drawn = secrets.token_hex(8 * 256)
        _drawn.extend(drawn[at : at + 16] for at in range(16, len(drawn), 16))
        return drawn[:16]


def canonical_json(value: object) -> str:
    """The one JSON text of a value: keys sorted, no spaces, no NaN. Raises ValueError for non-finite numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: object) -> str:
    """SHA-256 (64 hex digits) of the canonical JSON of a value; lone surrogates are kept apart, not refused."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


SIMULATED_PREFIX = "demo/"


def is_simulated(model: str) -> bool:
    """True for the demo models, whose answers are made by rules; everything that shows them says so."""
    return model.startswith(SIMULATED_PREFIX)


# --- experiments and runs -----------------------------------------------------------------------------------


class ExperimentState(StrEnum):
    """Where an experiment stands; the side states ``invalid`` and ``cancelled`` end it."""

    DRAFT = "draft"
    DESIGNED = "designed"
    RUNNING = "running"
    PAUSED = "paused"
    ANALYSED = "analysed"
    DECIDED = "decided"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    INVALID = "invalid"
    CANCELLED = "cancelled"
    CLOSED = "closed"


class RunState(StrEnum):
    """``queued`` and ``running`` are worked on; ``stopped`` ended early by a guard (see the stop reason)."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class AttemptState(StrEnum):
    """``sending`` is committed before the call leaves; ``unknown`` means a process died while it was out."""

    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """Why a call was paid for."""

    GENERATE = "generate"
    JUDGE = "judge"
    GATEWAY = "gateway"


class OutputStatus(StrEnum):
    """``ok``: the model answered, in whatever way; ``failed``: there is no answer and ``error_kind`` says why."""

    OK = "ok"
    FAILED = "failed"


class ResponseClass(StrEnum):
    """How a model answered. All of these are answers: they are scored and stay in the denominator."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    EMPTY = "empty"
    CUT_AT_LENGTH = "cut_at_length"
    TOOL_CALL = "tool_call"
    BAD_JSON = "bad_json"


class FailureKind(StrEnum):
    """Why there is no answer. Failed items leave the pairs and are counted per variant."""

    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    AUTH = "auth"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"
    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    MODEL_NOT_FOUND = "model_not_found"
    MALFORMED_RESPONSE = "malformed_response"
    INTERRUPTED = "interrupted"
    IMPORTED = "imported"


STOPS_THE_RUN = frozenset({FailureKind.AUTH, FailureKind.QUOTA, FailureKind.MODEL_NOT_FOUND})
"""Failures that the next call would meet as well: the run stops instead of burning the test set."""


class CostStatus(StrEnum):
    """``known``: reported tokens × a known price; ``estimated``: one of the two guessed; ``unknown``: no price."""

    KNOWN = "known"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


# --- metrics and verdicts ------------------------------------------------------------------------------------


class MetricKind(StrEnum):
    """What a metric's values are; together with the design it chooses the statistical method."""

    BINARY = "binary"
    SCORE = "score"
    ORDINAL = "ordinal"
    RATIO = "ratio"
    COST = "cost"
    LATENCY = "latency"
    PREFERENCE = "preference"


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"


class MetricRole(StrEnum):
    """Primary decides, guardrails may veto, secondary informs."""

    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    SECONDARY = "secondary"


class Design(StrEnum):
    """``paired``: every variant saw the same rows; ``independent``: each unit met one variant."""

    PAIRED = "paired"
    INDEPENDENT = "independent"


class RowStatus(StrEnum):
    """Status of one row of the analysis table."""

    OK = "ok"
    ERROR = "error"
    SKIPPED = "skipped"
    REFUSED = "refused"


class VerdictOutcome(StrEnum):
    """The four answers of the decision rule."""

    SHIP = "ship"
    KEEP_CONTROL = "keep_control"
    KEEP_COLLECTING = "keep_collecting"
    CANNOT_DECIDE = "cannot_decide"


class HealthStatus(StrEnum):
    """``fail`` blocks the verdict, ``warn`` is shown beside it."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


# --- human ratings --------------------------------------------------------------------------------------------


class QuestionKind(StrEnum):
    """What raters are asked: which of two answers is better, or how good one is."""

    PAIRWISE = "pairwise"
    SCALE = "scale"
    THUMBS = "thumbs"
    CATEGORIES = "categories"


class TaskState(StrEnum):
    """``leased`` is in a rater's hands; a lease that ran out counts no more, the other three are final until undone."""

    LEASED = "leased"
    RATED = "rated"
    SKIPPED = "skipped"
    REPORTED = "reported"


# --- people and keys -----------------------------------------------------------------------------------------


class Role(StrEnum):
    """What a person may do; each role includes the ones before it, except rater, which stands alone."""

    RATER = "rater"
    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key may do."""

    ASSIGN = "assign"
    INGEST = "ingest"
    READ = "read"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something: a person with a role, or an API key with scopes. Every action takes one."""

    name: str
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()


# --- one model call ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """Exactly what is sent to a model. ``parameters`` holds sampling settings, tools, response_format and the like.

    ``embeds`` asks for the vector of the one message's text instead of an answer to it.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    embeds: bool = False

    def payload(self) -> dict[str, Any]:
        """The request as plain JSON values; an answer's payload is what it was before there were vectors."""
        kind = {"embeds": True} if self.embeds else {}
        messages = [dict(m) for m in self.messages]
        return {"model": self.model, "messages": messages, "parameters": dict(self.parameters), **kind}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the provider reported them; None where it did not, or reported nonsense.

    ``cached_prompt_tokens`` are part of the prompt's, ``reasoning_tokens`` part of the completion's.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_prompt_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    ``text`` holds no NUL and no lone surrogates (``sanitised`` tells that some were replaced).
    ``latency_ms`` is wall time of the one attempt that answered; ``first_token_ms`` is None unless streamed.
    ``cost_usd`` is None when ``cost_status`` is unknown.
    """

    text: str
    response_class: ResponseClass
    finish_reason: str | None
    served_model: str | None
    usage: Usage
    cost_usd: float | None
    cost_status: CostStatus
    latency_ms: float
    first_token_ms: float | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    provider_request_id: str | None = None
    sanitised: bool = False
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no answer. ``message`` is one line, redacted; ``may_be_billed`` counts its estimate."""

    kind: FailureKind
    message: str
    retryable: bool
    http_status: int | None = None
    retry_after_s: float | None = None
    may_be_billed: bool = False
    latency_ms: float | None = None


# --- one score -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer says of one output: a finite ``value``, or None with the ``reason`` why there is none."""

    value: float | None
    reason: str | None = None
    details: Mapping[str, Any] | None = None
