"""``/ofrep``: live tests and prompts as feature flags, for any OpenFeature SDK (Remote Evaluation Protocol 0.3).

A flag's value is an object: the variant's messages, model and parameters. Evaluating a live test is an exposure, in
bulk as well; a bulk answer that has not changed (304) was one already.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs

from starlette._utils import get_route_path
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from experiments.live.assignment import Reason
from experiments.live.config import LiveConfig
from experiments.live.events import LONGEST_UNIT
from experiments.live.units import is_blank
from experiments.plain_text import is_storable
from experiments.prompts.labels import PRODUCTION
from experiments.vocabulary import Scope, canonical_json
from gateway.asgi import BodyRefused, CallerGone, read_body, send_whole
from gateway.assignments import served_json
from gateway.exposing import Met
from gateway.key_check import Refused
from gateway.live import LiveGateway
from gateway.spill import SpillFull

logger = logging.getLogger(__name__)

FLAGS = "/v1/evaluate/flags"
LAST_MODIFIED = "flagConfigLastModified"
MOST_BODY_BYTES = 1_000_000
JSON_TYPE = "application/json"
REASONS = {
    Reason.SPLIT: "SPLIT",
    Reason.FROZEN: "SPLIT",
    Reason.FORCED: "TARGETING_MATCH",
    Reason.NO_UNIT: "UNKNOWN",
}
"""What is not here met what it would have met without a test: ``STATIC``."""


@dataclass(frozen=True, slots=True)
class _Context:
    """Who is evaluated for; ``unit`` is None where the targeting key names nobody that could be kept."""

    unit: str | None
    values: Mapping[str, str | int | float | bool]
    whole: Mapping[str, Any]


class _Failed(Exception):
    """An evaluation that fails: HTTP status and the protocol's error code."""

    def __init__(self, status: int, code: str, details: str) -> None:
        super().__init__(details)
        self.status = status
        self.code = code
        self.details = details


class FlagDoor:
    """The ASGI app under ``/ofrep``; all of it needs the scope ``assign``."""

    def __init__(self, live: LiveGateway) -> None:
        self._live = live

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        path = get_route_path(scope)
        key = path.removeprefix(f"{FLAGS}/") if path.startswith(f"{FLAGS}/") else ""
        try:
            caller = await self._live.gate.caller(scope["headers"], Scope.ASSIGN)
            if path != FLAGS and not key:
                raise Refused(404, "not_found", "There is no such address here.")
            if scope["method"] != "POST":
                await _send_error(send, 405, "method_not_allowed", "This address takes POST.", {"Allow": "POST"})
                return
            with self._live.gate.open_call(caller):
                body = await read_body(receive, MOST_BODY_BYTES)
                await (self._one(key, body, send) if key else self._all(body, scope, send))
        except CallerGone:
            return
        except Refused as refused:
            await _send_error(send, refused.status, refused.code, refused.message, refused.headers())
        except BodyRefused as refused_body:
            await _send_error(send, refused_body.status, "too_large", refused_body.message, {})
        except _Failed as failed:
            told = {"errorCode": failed.code, "errorDetails": failed.details}
            await _send(send, failed.status, {"key": key, **told} if key else told)
        except SpillFull:
            await _send(send, 500, {"errorDetails": "The event log is full; nothing was kept."})
        except Exception as error:
            logger.error("unexpected error at %s", path, exc_info=error)
            await _send(send, 500, {"errorDetails": "Something went wrong on our side."})

    async def _one(self, key: str, body: bytes, send: Send) -> None:
        config = self._live.known.config()
        if not _exists(config, key):
            raise _Failed(404, "FLAG_NOT_FOUND", f"Flag '{key[:120]}' was not found")
        flag, met = self._evaluated(config, key, _context(body))
        if met is not None:
            await self._live.exposures.keep([met])
        await _send(send, 200, flag)

    async def _all(self, body: bytes, scope: AsgiScope, send: Send) -> None:
        config, context = self._live.known.config(), _context(body)
        _check_last_modified(scope)
        etag = _etag(config, context)
        if etag in _asked_etags(scope):
            await send_whole(send, 304, {"etag": etag}, b"")
            return
        keys = [*config.tests, *(n for n in config.prompts if n not in config.tests and _exists(config, n))]
        evaluated = [self._evaluated(config, key, context) for key in keys]
        await self._live.exposures.keep([met for _, met in evaluated if met is not None])
        flags = {"flags": [flag for flag, _ in evaluated], "metadata": {"version": config.version}}
        await _send(send, 200, flags, {"etag": etag})

    def _evaluated(self, config: LiveConfig, key: str, context: _Context) -> tuple[dict[str, Any], Met | None]:
        test = config.tests.get(key)
        if test is None:
            served = config.prompts[key].at(PRODUCTION)
            assert served is not None, "asked for before"
            metadata: dict[str, Any] = {"label": PRODUCTION, "version": served.version}
            flag = {"key": key, "reason": "STATIC", "variant": str(served.version), "value": served_json(served)}
            return {**flag, "metadata": metadata}, None
        met = self._live.exposures.meet(test, context.unit, context.values, source="ofrep")
        assignment = met.assignment
        metadata = {
            "experiment": test.key,
            "phase": assignment.phase,
            "why": assignment.reason.value,
            "counted": assignment.counted,
        }
        if assignment.exposure:
            metadata["exposure"] = assignment.exposure
        flag = {
            "key": key,
            "reason": REASONS.get(assignment.reason, "STATIC"),
            "variant": assignment.variant,
            "value": {"variant": assignment.variant, **served_json(test.served[assignment.variant])},
            "metadata": metadata,
        }
        return flag, met


def _exists(config: LiveConfig, key: str) -> bool:
    prompt = config.prompts.get(key)
    return key in config.tests or (prompt is not None and prompt.at(PRODUCTION) is not None)


def _context(body: bytes) -> _Context:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise _Failed(400, "PARSE_ERROR", "The body is not JSON") from None
    context = request.get("context") if isinstance(request, dict) else None
    if not isinstance(context, dict):
        raise _Failed(400, "INVALID_CONTEXT", "The body has no object 'context'")
    if "targetingKey" not in context:
        raise _Failed(400, "TARGETING_KEY_MISSING", "Context is missing required targetingKey property")
    unit = context["targetingKey"]
    if not isinstance(unit, str):
        raise _Failed(400, "INVALID_CONTEXT", "targetingKey must be a string")
    # the protocol takes any text here: one that names nobody is answered, and is no unit
    is_kept = 0 < len(unit) <= LONGEST_UNIT and is_storable(unit) and not is_blank(unit)
    values = {k: v for k, v in context.items() if k != "targetingKey" and isinstance(v, str | int | float)}
    return _Context(unit if is_kept else None, values, context)


def _etag(config: LiveConfig, context: _Context) -> str:
    try:
        text = canonical_json([config.version, context.whole])
    except ValueError:
        raise _Failed(400, "INVALID_CONTEXT", "The context holds a number that is not finite") from None
    return f'"{blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()}"'


def _asked_etags(scope: AsgiScope) -> list[str]:
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
    return [tag.strip().removeprefix("W/") for value in given for tag in value.split(",")]


def _check_last_modified(scope: AsgiScope) -> None:
    """Nothing when ``flagConfigLastModified`` is a time, or not there: it tells us nothing that we need."""
    for value in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get(LAST_MODIFIED, []):
        try:
            if not value.isdecimal():
                datetime.fromisoformat(value)
        except ValueError:
            raise _Failed(400, "INVALID_CONTEXT", f"{LAST_MODIFIED} is no time") from None


async def _send(send: Send, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
    content = json.dumps(body).encode()
    await send_whole(send, status, {"content-type": JSON_TYPE, **(headers or {})}, content)


async def _send_error(send: Send, status: int, code: str, message: str, headers: Mapping[str, str]) -> None:
    await _send(send, status, {"error": {"code": code, "message": message, "hint": ""}}, headers)
