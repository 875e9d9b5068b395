"""The model called the right tool with the right arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.json_text import NotJson, parse_json, same_value
from experiments.scoring.reasons import quote
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

Call = tuple[str, dict[str, Any] | None]


@scorer(kind=MetricKind.BINARY, version="2", needs={"reference"}, main="arguments", example={"arguments": "subset"})
def tool_call(
    ctx: ScoringContext,
    *,
    arguments: Literal["exact", "subset", "ignore"] = "exact",
    any_order: bool = False,
    tolerance: Annotated[float, Field(ge=0)] = 1e-9,
) -> Score:
    """1 when the model's tool calls are those of the reference, by name and arguments.

    The reference is JSON: {"name": "refund", "arguments": {"order": 7}}, a list of such, [] for no call at all, or
    just the name. A reference without arguments accepts any.

    Options:
        arguments: Compare all arguments (exact), only those the reference names (subset), or none (ignore).
        any_order: Several calls may come in any order.
        tolerance: Largest difference of two numbers that still counts as equal.
    """
    assert ctx.reference is not None
    try:
        wanted = expected_calls(ctx.reference)
        made = [_call(call) for call in ctx.tool_calls]
    except NotJson as error:
        return Score(None, f"the reference is no tool call: {error}")
    except ValueError as error:
        return Score(0.0, str(error))
    if len(made) != len(wanted):
        return Score(0.0, f"{len(made)} tool calls, expected {len(wanted)}")
    left = list(made)
    if any_order:  # the most particular first, so that a general one does not take its call
        wanted.sort(key=lambda call: -len(call[1] or {}))
    for name, expected in wanted:
        candidates = left if any_order else left[:1]
        match = next((call for call in candidates if _fits(call, name, expected, arguments, tolerance)), None)
        if match is None:
            same_name = any(call[0] == name for call in candidates)
            told = (
                f"other arguments for {quote(name)}"
                if same_name
                else f"called {quote(candidates[0][0])}, expected {quote(name)}"
            )
            return Score(0.0, told)
        left.remove(match)
    return Score(1.0)


def expected_calls(reference: str) -> list[Call]:
    """The calls a reference describes. Raises NotJson when it is neither JSON of that form nor a bare name."""
    text = reference.strip()
    if text.isidentifier():
        return [(text, None)]
    value = parse_json(text)
    calls = value if isinstance(value, list) else [value]
    try:
        return [_call(call) for call in calls]
    except ValueError as error:
        raise NotJson(str(error)) from None


def _call(call: object) -> Call:
    """Name and arguments of a call, flat or as OpenAI nests it, arguments as a mapping or as JSON text."""
    if isinstance(call, str):
        return call, None
    inner = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise ValueError("a tool call has no name")
    arguments = inner.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments) if arguments.strip() else {}
        except NotJson as error:
            raise ValueError(f"the arguments of {quote(inner['name'])} are no JSON: {error}") from None
    if arguments is not None and not isinstance(arguments, dict):
        raise ValueError(f"the arguments of {quote(inner['name'])} are no mapping")
    return inner["name"], arguments


def _fits(call: Call, name: str, expected: dict[str, Any] | None, how: str, tolerance: float) -> bool:
    if call[0] != name:
        return False
    if how == "ignore" or expected is None:
        return True
    given = call[1] or {}
    if how == "subset":
        given = {key: value for key, value in given.items() if key in expected}
    return same_value(given, expected, tolerance=tolerance)
