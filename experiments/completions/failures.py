"""Which kind of failure an error response is: by status, by the provider's code, and last by its words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from experiments.completions.answers import Answer
from experiments.completions.exchange import MOST_BYTES, Exchange
from experiments.vocabulary import Failure, FailureKind

Redact = Callable[[str], str]
LONGEST_RETRY_AFTER_S = 60.0
"""A provider that asks for more is asked again after this: a run should not stand still for its word alone."""
BODY_HEAD = 120
LONGEST_WORDS = 500

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "exceeded_current_quota_error",
        "insufficient_user_quota",
        "insufficient_balance",
    }
)
CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length", "context_window_exceeded"})
MODEL_CODES = frozenset({"model_not_found", "invalid_model", "model_not_available", "deploymentnotfound"})
FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})

NO_CREDIT_WORDS = re.compile(r"credit balance|insufficient (?:balance|credit|fund|quota)", re.IGNORECASE)
QUOTA_WORDS = re.compile(rf"{NO_CREDIT_WORDS.pattern}|exceeded your current quota|billing", re.IGNORECASE)
CONTEXT_WORDS = re.compile(
    r"(?:maximum|max) (?:context|model|input) ?(?:length|window|len|tokens)|context (?:length|window|size)"
    r"|prompt is too long|too many (?:input )?tokens|reduce the length"
    r"|input (?:is|token count)[^.]{0,40}(?:too long|exceeds)",
    re.IGNORECASE,
)
MODEL_WORDS = re.compile(
    r"model[^.]{0,80}(?:does not exist|not found|not exist|is not available|decommissioned|deprecated and)",
    re.IGNORECASE,
)
OUTPUT_LIMIT_WORDS = "max_tokens or model output limit was reached"
RETRY_DELAY = re.compile(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')

GATEWAY_STATUSES = frozenset({502, 504, 520, 521, 522, 523, 524})
"""Said by something in between: the model behind it may have answered, and billed, all the same."""


KINDS_BY_STATUS: Mapping[int, FailureKind] = {
    401: FailureKind.AUTH,
    402: FailureKind.QUOTA,
    403: FailureKind.AUTH,
    404: FailureKind.MODEL_NOT_FOUND,
    408: FailureKind.TIMEOUT,
    409: FailureKind.SERVER_ERROR,
    425: FailureKind.SERVER_ERROR,
}

RETRYABLE = frozenset(
    {
        FailureKind.RATE_LIMIT,
        FailureKind.TIMEOUT,
        FailureKind.CONNECTION,
        FailureKind.SERVER_ERROR,
        FailureKind.MALFORMED_RESPONSE,
    }
)
"""What another call may not meet again."""


def outcome_of_error(exchange: Exchange, redact: Redact) -> Answer | Failure:
    """What an error response means; mostly a failure.

    Two errors are answers: a prompt that the provider's content filter stopped (a property of the prompt, so it stays
    in the denominator), and an answer that did not fit into ``max_tokens`` at all.
    """
    status = exchange.status or 0
    code, message = _error_words(exchange.body)
    if status == 400 and code in FILTER_CODES:
        return Answer(text="", finish_reason="content_filter", provider_request_id=exchange.request_id())
    if status == 400 and OUTPUT_LIMIT_WORDS in message.lower():
        return Answer(text="", finish_reason="length", provider_request_id=exchange.request_id())
    kind = _kind(status, code, message, exchange)
    asked = asked_wait_s(exchange.headers, exchange.body) or 0.0
    far = f"Asks to wait {asked:,.0f} s, tried again after 60 s. " if asked > LONGEST_RETRY_AFTER_S else ""
    return Failure(
        kind=kind,
        message=redact(f"{far}HTTP {status}: {message or 'no message'}"),
        retryable=kind in RETRYABLE,
        http_status=status,
        retry_after_s=retry_after_s(exchange.headers, exchange.body),
        may_be_billed=status in GATEWAY_STATUSES or status == 408,
    )


def error_inside_success(exchange: Exchange, body: Mapping[str, Any], redact: Redact) -> Failure:
    """An error that came with status 200; its own code counts as the status where it is one, else 500."""
    error = body.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    inner = Exchange(
        host=exchange.host, sent=True, status=status, headers=exchange.headers, body=json.dumps(body).encode()
    )
    outcome = outcome_of_error(inner, redact)
    if isinstance(outcome, Failure):
        return Failure(
            kind=outcome.kind,
            message=outcome.message,
            retryable=outcome.retryable,
            http_status=exchange.status,
            retry_after_s=outcome.retry_after_s,
            may_be_billed=outcome.kind is FailureKind.SERVER_ERROR,
        )
    return malformed(exchange, "The response is an error inside a success.", redact)


def malformed(exchange: Exchange, reason: str, redact: Redact) -> Failure:
    """A response that is no chat completion; it may have been paid for."""
    if exchange.redirected:
        reason, retryable = "The server answered with a redirect, which is not followed.", False
    elif exchange.oversize:
        reason, retryable = f"The response is longer than {MOST_BYTES // 1024 // 1024} MB.", False
    else:
        retryable = True
        head = exchange.body[:BODY_HEAD].decode("utf-8", "replace").strip()
        if head and not head.startswith(("data:", "event:")):  # only one of the engines keeps the head of a stream
            reason = f"{reason} It begins: {head}"
    return Failure(
        kind=FailureKind.MALFORMED_RESPONSE,
        message=redact(reason),
        retryable=retryable,
        http_status=exchange.status,
        may_be_billed=not exchange.redirected,
    )


def broken_connection(exchange: Exchange, redact: Redact) -> Failure:
    """A connection that was refused, or that broke before the answer was complete."""
    words = "broke before the answer was complete" if exchange.sent else "could not be opened"
    return Failure(
        kind=FailureKind.CONNECTION,
        message=redact(f"The connection to {exchange.host} {words}."),
        retryable=True,
        http_status=exchange.status,
        may_be_billed=exchange.sent,
    )


def past_deadline(exchange: Exchange, deadline_s: float, redact: Redact) -> Failure:
    """No complete answer before our own deadline; it may have been paid for once the request had left."""
    return Failure(
        kind=FailureKind.TIMEOUT,
        message=redact(f"No complete answer from {exchange.host} within {deadline_s:g} s."),
        retryable=True,
        http_status=exchange.status,
        may_be_billed=exchange.sent,
    )


def refused_before_sending(message: str, redact: Redact, kind: FailureKind = FailureKind.BAD_REQUEST) -> Failure:
    """A request that cannot be sent as it is; nothing left, nothing was billed."""
    return Failure(kind=kind, message=redact(message), retryable=False)


def retry_after_s(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """Seconds to wait before the next call, from 0 to 60, or None when the provider does not say."""
    asked = asked_wait_s(headers, body)
    return None if asked is None else min(asked, LONGEST_RETRY_AFTER_S)


def asked_wait_s(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """Seconds that the provider asks to wait, at least 0, or None when it does not say.

    Read from ``retry-after-ms``, ``Retry-After`` (seconds or an HTTP date) or Google's ``retryDelay`` in the body.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    seconds = milliseconds / 1000 if milliseconds is not None else _seconds(headers)
    if seconds is None:
        delay = RETRY_DELAY.search(body[:20_000])
        seconds = float(delay[1]) if delay else None
    return None if seconds is None else max(seconds, 0.0)


def _kind(status: int, code: str, message: str, exchange: Exchange) -> FailureKind:
    if status == 429:
        return _kind_of_429(code, message, exchange)
    if code in QUOTA_CODES:
        return FailureKind.QUOTA
    if code in MODEL_CODES:
        return FailureKind.MODEL_NOT_FOUND
    if status >= 500:
        return FailureKind.SERVER_ERROR
    return KINDS_BY_STATUS.get(status) or _kind_of_bad_request(code, message)


def _kind_of_429(code: str, message: str, exchange: Exchange) -> FailureKind:
    if code in QUOTA_CODES:
        return FailureKind.QUOTA
    # Google words its limits per minute as an exceeded quota, but then says when to come back
    comes_back = code == "resource_exhausted" or retry_after_s(exchange.headers, exchange.body) is not None
    return FailureKind.QUOTA if QUOTA_WORDS.search(message) and not comes_back else FailureKind.RATE_LIMIT


def _kind_of_bad_request(code: str, message: str) -> FailureKind:
    if code in CONTEXT_CODES or CONTEXT_WORDS.search(message):
        return FailureKind.CONTEXT_LENGTH
    if MODEL_WORDS.search(message):
        return FailureKind.MODEL_NOT_FOUND
    if NO_CREDIT_WORDS.search(message):
        return FailureKind.QUOTA
    return FailureKind.BAD_REQUEST


def _error_words(body: bytes) -> tuple[str, str]:
    """The provider's code (lower case) and message, from the shapes in which providers word errors."""
    text = body[:20_000].decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "", "an HTML page instead of an answer" if text.startswith("<") else text
    error = value.get("error", value) if isinstance(value, Mapping) else value
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, Mapping):
        return "", str(error)
    codes = [error.get(name) for name in ("code", "status", "type")]
    inner = error.get("innererror")
    if isinstance(inner, Mapping):
        codes.append(inner.get("code"))
    words = [c.lower() for c in codes if isinstance(c, str)]
    known = QUOTA_CODES | CONTEXT_CODES | MODEL_CODES | FILTER_CODES | {"resource_exhausted"}
    code = next((w for w in words if w in known), words[0] if words else "")
    message = next((error[n] for n in ("message", "detail", "error") if isinstance(error.get(n), str)), "")
    return code, message or json.dumps(error)[:LONGEST_WORDS]


def _seconds(headers: Mapping[str, str]) -> float | None:
    header = headers.get("retry-after")
    number = _number(header)
    until = _moment(header)
    if number is not None or until is None:
        return number
    # counted from the provider's own clock where it shows it: ours may be wrong
    return (until - (_moment(headers.get("date")) or datetime.now(UTC))).total_seconds()


def _moment(header: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None
