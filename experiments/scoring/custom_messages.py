"""What a custom scorer's process and ours say to each other, as plain JSON values."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from experiments.scoring.binding import Entry
from experiments.scoring.bound_scorer import BoundScorer
from experiments.scoring.context import ScoringContext
from experiments.scoring.options import OptionDescription
from experiments.scoring.registry import ScorerDescription
from experiments.vocabulary import Direction, MetricKind, ResponseClass, Score

_CONTEXT_FIELDS = tuple(field.name for field in fields(ScoringContext))


def entry_message(entry: Entry) -> dict[str, Any]:
    """The entry as JSON values."""
    return asdict(entry)


def entry_from(message: dict[str, Any]) -> Entry:
    """The entry that a message holds."""
    return Entry(**message)


def context_message(ctx: ScoringContext) -> dict[str, Any]:
    """The context as JSON values."""
    message: dict[str, Any] = {name: getattr(ctx, name) for name in _CONTEXT_FIELDS}
    message["variables"], message["row"] = dict(ctx.variables), dict(ctx.row)
    message["messages"] = [dict(one) for one in ctx.messages]
    message["tool_calls"] = [dict(one) for one in ctx.tool_calls]
    return message


def context_from(message: dict[str, Any]) -> ScoringContext:
    """The context that a message holds."""
    return ScoringContext(
        **{
            **message,
            "messages": tuple(message["messages"]),
            "tool_calls": tuple(message["tool_calls"]),
            "response_class": ResponseClass(message["response_class"]),
        }
    )


def bound_message(bound: BoundScorer) -> dict[str, Any]:
    """What the other side must know of a bound scorer."""
    return {
        "version": bound.version,
        "kind": bound.kind,
        "direction": bound.direction,
        "unit": bound.unit,
        "needs": sorted(bound.needs),
        "columns": list(bound.columns),
        "options": dict(bound.options),
    }


def score_from(message: dict[str, Any]) -> Score:
    """The score that a message holds."""
    return Score(message["value"], message.get("reason"), message.get("details"))


def description_from(message: dict[str, Any], *, revision: str) -> ScorerDescription:
    """The description that a message holds, with the revision of the code added to its version."""
    options = tuple(OptionDescription(**{**one, "choices": tuple(one["choices"])}) for one in message["options"])
    return ScorerDescription(
        **{
            **message,
            "kind": MetricKind(message["kind"]),
            "direction": Direction(message["direction"]),
            "needs": tuple(message["needs"]),
            "instead_of_reference": tuple(message["instead_of_reference"]),
            "options": options,
            "version": f"{message['version']}+{revision}",
        }
    )
