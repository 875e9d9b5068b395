"""What waits for the next commit of a ledger: calls that want to leave, and results that came back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from experiments.storable import storable
from experiments.vocabulary import FailureKind, OutputStatus


class Grant(StrEnum):
    """Answer to a call that wants to leave."""

    GO = "go"
    OVER_BUDGET = "over_budget"
    NOT_RUNNING = "not_running"
    TAKEN = "taken"


@dataclass(slots=True)
class PendingCall:
    """A call that wants to leave: the columns of its attempt row, and the run's budget (None: no stop)."""

    row: Mapping[str, Any]
    budget_usd: float | None
    future: asyncio.Future[Grant]
    first_tried: float = field(default_factory=time.monotonic)
    retried: bool = False


@dataclass(slots=True)
class PendingResult:
    """What became of an attempt, and, when the trial is over, its output and scores, or what a judge answered."""

    run_id: str
    attempt: Mapping[str, Any] | None
    output: Mapping[str, Any] | None
    scores: Sequence[Mapping[str, Any]]
    judgement: Mapping[str, Any] | None
    reserved_usd: float
    cost_usd: float
    future: asyncio.Future[None]
    first_tried: float = field(default_factory=time.monotonic)
    retried: bool = False

    def storable(self) -> PendingResult:
        """The same with every value that no database takes replaced: the answer is worth more than one odd number."""
        return replace(
            self,
            attempt=storable(self.attempt),
            output=storable(self.output),
            scores=[storable(row) for row in self.scores],
            judgement=storable(self.judgement),
            cost_usd=storable(self.cost_usd) or 0.0,
        )

    def without_answer(self) -> PendingResult:
        """The attempt with its cost, and a failure in the place of the answer."""
        found = self.storable()
        output = None
        if found.output is not None:
            output = {
                **found.output,
                **dict.fromkeys(("response_class", "tool_calls", "finish_reason", "served_model")),
                "text": "",
                "status": OutputStatus.FAILED.value,
                "error_kind": FailureKind.MALFORMED_RESPONSE.value,
                "error_message": "The answer holds something that the database cannot store.",
            }
        return replace(found, output=output, scores=())


@dataclass(slots=True)
class PendingWrites:
    """What the next commit is to hold."""

    wishes: list[PendingCall] = field(default_factory=list)
    settlements: list[PendingResult] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.wishes) + len(self.settlements)
