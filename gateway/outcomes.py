"""What became of units: ``POST /api/v1/outcomes``, one or a batch, each item with a result of its own.

While the database answers, outcomes are stored before we answer; while it is gone they are on disk before we answer,
and delivered later by the same ids. So a key that stands with another body is refused at once in both cases, as far
back as this process knows; what it cannot know is refused when it is delivered.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from experiments.actions.live.record_events import Recorded, record_events
from experiments.errors import BakeoffError, Conflict, NotFound, nearest
from experiments.live.events import Outcome, checked_outcome, event_from_json
from experiments.live.units import VISIBLE
from experiments.value_ranges import ANY, DENOMINATORS
from experiments.vocabulary import Scope
from gateway.assignments import NotKept
from gateway.auth import live_scoped
from gateway.errors import error_response
from gateway.exposing import encoded
from gateway.key_check import Caller
from gateway.live import LiveGateway
from gateway.spill import SpillFull
from storage.refusals import COMES_BACK

MOST_OUTCOMES = 1_000
REMEMBERED = 200_000
KEY_REUSED = "key_reused"
REQUIRED = ("experiment", "unit", "metric", "value")
OPTIONAL = ("at", "exposure", "idempotency_key", "denominator")


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item: 200, or the status and words of what is wrong with it.

    ``outcome`` is the id under which it can be voided. ``matched`` is False when its unit met no variant so far, None
    when nobody can say while the database is gone.
    """

    status: int
    code: str | None = None
    message: str | None = None
    hint: str | None = None
    outcome: str | None = None
    matched: bool | None = None

    @classmethod
    def of(cls, error: BakeoffError) -> ItemResult:
        """The result of an item that was refused."""
        return cls(error.status, error.code, error.message, error.hint)

    def to_json(self, index: int) -> dict[str, Any]:
        """As it stands in the answer."""
        if self.code is not None:
            told: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        else:
            told = {"outcome": self.outcome} | ({} if self.matched is None else {"matched": self.matched})
        return {"index": index, "status": self.status, **told}


class Outcomes:
    """Takes outcomes. Remembers the bodies that stand on disk only, so that their keys are not taken twice."""

    def __init__(self, live: LiveGateway) -> None:
        self._live = live
        self._bodies: OrderedDict[str, str] | None = None

    async def take(self, items: Sequence[object]) -> list[ItemResult]:
        """A result for each item, in order."""
        results: list[ItemResult | None] = [None] * len(items)
        outcomes: dict[int, Outcome] = {}
        for index, item in enumerate(items):
            try:
                outcomes[index] = self._outcome(item)
            except BakeoffError as error:
                results[index] = ItemResult.of(error)
        kept = await self._keep(list(outcomes.values()))
        for index, result in zip(outcomes, kept, strict=True):
            results[index] = result
        return [result for result in results if result is not None]

    def _outcome(self, item: object) -> Outcome:
        given = _checked_shape(item)
        return checked_outcome(
            experiment=given["experiment"],
            unit=given["unit"],
            metric=given["metric"],
            value=_number(given["value"], "value"),
            denominator=_number(given.get("denominator", 1), "denominator"),
            received_at=self._live.store.clock(),
            sent_at=_time(given.get("at")),
            exposure=given.get("exposure"),
            idempotency_key=given.get("idempotency_key"),
        )

    async def _keep(self, outcomes: Sequence[Outcome]) -> list[ItemResult]:
        if not outcomes:
            return []
        try:
            recorded = await self._live.in_database(lambda: record_events(self._live.store, outcomes))
        except BakeoffError as error:
            if error.code not in COMES_BACK:
                raise
            return await self._keep_on_disk(outcomes)
        return [_result_of(one, self._met(outcome)) for one, outcome in zip(recorded, outcomes, strict=True)]

    def _met(self, outcome: Outcome) -> bool:
        """Whether this process knows an exposure of the unit that is still on its way to the database."""
        test = self._live.known.config().tests.get(outcome.experiment)
        return test is not None and self._live.exposures.has_met(test, outcome.unit)

    async def _keep_on_disk(self, outcomes: Sequence[Outcome]) -> list[ItemResult]:
        bodies, tests = self._remembered(), self._live.known.config().tests
        results, fresh = [], []
        for outcome in outcomes:
            body = outcome.body_hash()
            if outcome.experiment not in tests:
                results.append(ItemResult.of(_unknown(outcome.experiment, tests)))
            elif bodies.get(outcome.id, body) != body:
                results.append(ItemResult.of(conflict()))
            else:
                if outcome.id not in bodies:
                    fresh.append(outcome)
                    bodies[outcome.id] = body
                results.append(ItemResult(200, outcome=outcome.id))
        while len(bodies) > REMEMBERED:
            bodies.popitem(last=False)
        try:
            if fresh:
                await self._live.spill.append([encoded(outcome) for outcome in fresh])
        except SpillFull:
            for outcome in fresh:
                bodies.pop(outcome.id, None)
            raise NotKept from None
        return results

    def _remembered(self) -> OrderedDict[str, str]:
        """Ids and bodies of outcomes that may be on disk only; at first those that an earlier process left there."""
        if self._bodies is None:
            events = (event_from_json(json.loads(event)) for event in self._live.spill.left_over())
            self._bodies = OrderedDict((e.id, e.body_hash()) for e in events if isinstance(e, Outcome))
        return self._bodies


def add_routes(app: FastAPI, live: LiveGateway) -> None:
    """Add the routes of this file."""
    ingester, outcomes = live_scoped(live, Scope.INGEST), Outcomes(live)

    @app.post("/v1/outcomes", tags=["live"], openapi_extra=DESCRIPTION)
    async def reported(request: Request, _caller: Caller = Depends(ingester)) -> JSONResponse:
        """Outcomes are kept when the answer leaves; each joins to the first exposure of its unit.

        ``unmatched`` counts those whose unit met no variant so far: they count once it does, and not before.
        """
        items, single = _items(await request.body())
        results = await outcomes.take(items)
        first = results[0] if single else None
        if first is not None and first.status != 200:
            return error_response(first.status, first.code or "", first.message or "", first.hint or "")
        accepted = sum(result.status == 200 for result in results)
        return JSONResponse(
            {
                "accepted": accepted,
                "refused": len(results) - accepted,
                "unmatched": sum(result.matched is False for result in results),
                "results": [result.to_json(index) for index, result in enumerate(results)],
            }
        )


def _result_of(recorded: Recorded, met_here: bool) -> ItemResult:
    if recorded.code is None:
        return ItemResult(200, outcome=recorded.id, matched=recorded.matched or met_here)
    if recorded.code == KEY_REUSED:
        return ItemResult.of(conflict())
    status = 404 if recorded.code == "no_such_live_test" else 400
    return ItemResult(status, recorded.code, recorded.message, recorded.hint)


def conflict() -> Conflict:
    """The same key with another body."""
    return Conflict(
        KEY_REUSED,
        "This idempotency key stands with another body.",
        "The first one counts; use a key of its own for each outcome.",
    )


def _items(body: bytes) -> tuple[list[object], bool]:
    """The items of a body, and whether it was a single one."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BakeoffError("invalid_json", "The body is not JSON.", "Send one outcome, or a list.") from None
    if isinstance(value, dict) and set(value) == {"outcomes"}:
        value = value["outcomes"]
    if isinstance(value, dict):
        return [value], True
    if not isinstance(value, list) or not value:
        raise BakeoffError("invalid_body", "The body holds no outcome.", "Send one outcome, or a list of them.")
    if len(value) > MOST_OUTCOMES:
        raise BakeoffError("too_many", f"{len(value):,} outcomes came at once.", f"Send at most {MOST_OUTCOMES:,}.")
    return value, False


def _checked_shape(item: object) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise BakeoffError("invalid_body", "An outcome is an object.", f"It holds {', '.join(REQUIRED)}.")
    missing = [name for name in REQUIRED if item.get(name) is None]
    if missing:
        raise BakeoffError("invalid_body", f"'{missing[0]}' is missing.", f"An outcome holds {', '.join(REQUIRED)}.")
    unknown = [str(name) for name in item if name not in (*REQUIRED, *OPTIONAL)]
    if unknown:
        hint = nearest(unknown[0], (*REQUIRED, *OPTIONAL))
        raise BakeoffError("invalid_body", f"There is no field '{unknown[0][:60]}' in an outcome.", hint)
    for name in ("experiment", "unit", "metric", "exposure", "idempotency_key"):
        if item.get(name) is not None and not isinstance(item[name], str):
            raise BakeoffError("invalid_body", f"'{name}' must be a text.")
    return item


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BakeoffError("not_a_number", f"'{name}' must be a number.", "Send 1 or 0 for yes or no.")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise BakeoffError("bad_time", "'at' is no time.", "Write it in ISO 8601, like 2026-01-31T12:00:00Z.") from None


def _unknown(key: str, known: Iterable[str]) -> NotFound:
    message = f"There is no live test with the key '{key[:120]}'."
    return NotFound("no_such_live_test", message, nearest(key, sorted(known)))


def _text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[^\\u0000]*$"}


_OUTCOME = {
    "type": "object",
    "additionalProperties": False,
    "required": list(REQUIRED),
    "properties": {
        "experiment": _text(120),
        "unit": _text(512) | {"pattern": rf"^[^\u0000]*{VISIBLE}[^\u0000]*$"},
        "metric": _text(120),
        "value": {"type": "number", "minimum": ANY.lowest, "maximum": ANY.highest},
        "at": {"type": "string", "format": "date-time"},
        "exposure": _text(64),
        "idempotency_key": _text(200),
        "denominator": {"type": "number", "minimum": DENOMINATORS.lowest, "maximum": DENOMINATORS.highest},
    },
}
_BATCH = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_OUTCOMES,
    "items": {"description": "An outcome as above. One that is wrong is refused by itself, with its own result."},
}
DESCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        _OUTCOME,
                        _BATCH,
                        {
                            "type": "object",
                            "required": ["outcomes"],
                            "additionalProperties": False,
                            "properties": {"outcomes": _BATCH},
                        },
                    ]
                }
            }
        },
    }
}
