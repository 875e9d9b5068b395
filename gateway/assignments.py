"""Plain assignments: ``POST /api/v1/assignments`` for applications that call their model themselves."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from experiments.errors import BakeoffError, NotFound, nearest
from experiments.live.assignment import Served
from experiments.live.events import LONGEST_UNIT
from experiments.live.units import UNIT_OR_NONE, is_blank
from experiments.plain_text import TEXTS_BY_NAME, is_storable
from experiments.prompts.content import content_of, variables_of
from experiments.prompts.rendering import render
from experiments.vocabulary import Scope
from gateway.auth import live_scoped
from gateway.key_check import Caller
from gateway.live import LiveGateway
from gateway.spill import SpillFull

ContextValue = StrictBool | StrictInt | StrictFloat | StrictStr


class AssignmentBody(BaseModel):
    """Which unit meets which experiment; ``context`` for targeting, ``variables`` to get the messages filled in."""

    model_config = ConfigDict(extra="forbid")

    experiment: str = Field(min_length=1, max_length=120)
    unit: str | None = Field(default=None, max_length=LONGEST_UNIT, json_schema_extra={"pattern": UNIT_OR_NONE})
    context: dict[str, ContextValue] = Field(default_factory=dict, max_length=100)
    variables: dict[str, str] | None = Field(default=None, json_schema_extra=TEXTS_BY_NAME)


def add_routes(app: FastAPI, live: LiveGateway) -> None:
    """Add the routes of this file."""
    assigner = live_scoped(live, Scope.ASSIGN)

    @app.post("/v1/assignments", tags=["live"])
    async def assigned(body: AssignmentBody, _caller: Caller = Depends(assigner)) -> dict[str, Any]:
        """The variant that a unit meets, with its prompt; the exposure is on disk when the answer leaves."""
        tests = live.known.config().tests
        test = tests.get(body.experiment)
        if test is None:
            raise NotFound(
                "no_such_live_test",
                f"There is no live test with the key '{body.experiment}'.",
                nearest(body.experiment, sorted(tests)),
            )
        met = live.exposures.meet(test, checked_unit(body.unit), body.context, source="assignments")
        served = test.served[met.assignment.variant]
        messages = _messages(served, body.variables)
        try:
            await live.exposures.keep([met])
        except SpillFull:
            raise NotKept from None
        assignment = met.assignment
        return {
            "experiment": test.key,
            "unit": body.unit,
            "variant": assignment.variant,
            "reason": assignment.reason.value,
            "counted": assignment.counted,
            "phase": assignment.phase,
            "exposure": assignment.exposure or None,
            **served_json(served),
            "messages": messages,
        }


class NotKept(BakeoffError):
    """An exposure or outcome that the disk did not take."""

    status = 503

    def __init__(self) -> None:
        super().__init__("not_kept", "The event log is full; nothing was kept.", "Free some space, then try again.")


def checked_unit(unit: str | None) -> str | None:
    """The unit, or None for none. Raises BakeoffError for what no database stores, and for blanks: nobody's name."""
    if unit and not is_storable(unit):
        raise BakeoffError("bad_unit", "'unit' holds a character that cannot be stored.", "Send plain text.")
    if unit and is_blank(unit):
        raise BakeoffError("blank_unit", "'unit' is blank.", "Name the user, or leave 'unit' out.")
    return unit or None


def served_json(served: Served) -> dict[str, Any]:
    """What a prompt version serves, as every live route gives it."""
    return {
        "prompt": served.prompt,
        "version": served.version,
        "messages": [dict(message) for message in served.messages],
        "variables": list(variables_of(m["content"] for m in served.messages)),
        "model": served.model,
        "parameters": dict(served.parameters),
        "content_hash": served.content_hash,
    }


def _messages(served: Served, variables: dict[str, str] | None) -> list[dict[str, Any]]:
    if variables is None:
        return [dict(message) for message in served.messages]
    content = content_of("chat", served.messages, served.model, served.parameters)
    return [dict(message) for message in render(content, variables).messages]
