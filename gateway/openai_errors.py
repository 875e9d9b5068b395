"""Errors in the shape that OpenAI clients turn into their exceptions: ``{"error": {message, type, param, code}}``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from experiments.vocabulary import Failure, FailureKind
from gateway.key_check import Refused

TYPES_BY_STATUS = {
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
CODES_BY_KIND = {
    FailureKind.QUOTA: "insufficient_quota",
    FailureKind.CONTEXT_LENGTH: "context_length_exceeded",
    FailureKind.MODEL_NOT_FOUND: "model_not_found",
    FailureKind.RATE_LIMIT: "rate_limit_exceeded",
}
STATUSES_BY_KIND = {
    FailureKind.RATE_LIMIT: 429,
    FailureKind.QUOTA: 429,
    FailureKind.AUTH: 401,
    FailureKind.TIMEOUT: 504,
    FailureKind.CONNECTION: 502,
    FailureKind.SERVER_ERROR: 502,
    FailureKind.BAD_REQUEST: 400,
    FailureKind.CONTEXT_LENGTH: 400,
    FailureKind.MODEL_NOT_FOUND: 404,
    FailureKind.MALFORMED_RESPONSE: 502,
}
LONGEST_WORD = 100


class ChatError(Exception):
    """Why a chat request gets no answer; ``param`` names the part of the request that is at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        kind: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.kind = kind or TYPES_BY_STATUS.get(status) or ("invalid_request_error" if status < 500 else "api_error")
        self.param = param
        self.headers = headers or {}

    def body(self) -> bytes:
        """The JSON that is sent, as a whole answer or as one event of a stream."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode()


def bad_request(message: str, *, param: str | None = None, code: str = "invalid_request") -> ChatError:
    """Something in the request can be fixed."""
    return ChatError(400, message, code=code, param=param)


def not_let_in(refused: Refused) -> ChatError:
    """A key that is missing, wrong, or used too much."""
    codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
    code = codes.get(refused.status, refused.code)
    return ChatError(refused.status, refused.message, code=code, headers=refused.headers())


def of_failure(failure: Failure, raw: bytes, redact: Callable[[str], str]) -> ChatError:
    """What the provider said, with its status, and its words without secrets.

    ``raw`` is the provider's error body, or empty where there is none. The code and type of the provider are kept,
    because applications branch on them.
    """
    told = _told(raw)
    status = failure.http_status if failure.http_status and failure.http_status >= 400 else None
    status = status or STATUSES_BY_KIND.get(failure.kind, 502)
    headers = {}
    if failure.retry_after_s is not None:
        headers["Retry-After"] = f"{failure.retry_after_s:g}"
    return ChatError(
        status,
        redact(str(told.get("message") or failure.message)),
        code=_word(told.get("code"), redact) or CODES_BY_KIND.get(failure.kind, failure.kind.value),
        kind=_word(told.get("type"), redact),
        param=_word(told.get("param"), redact),
        headers=headers,
    )


def _told(raw: bytes) -> dict[str, Any]:
    try:
        error = json.loads(raw).get("error") if raw else None
    except (ValueError, AttributeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}


def _word(value: object, redact: Callable[[str], str]) -> str | None:
    return redact(str(value))[:LONGEST_WORD] if isinstance(value, str | int) and not isinstance(value, bool) else None
