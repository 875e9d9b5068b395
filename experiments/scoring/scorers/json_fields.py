"""A JSON answer field by field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from experiments.scoring.context import ScoringContext
from experiments.scoring.json_text import NotJson, Path, leaves, parse_json, same_value, written_path
from experiments.scoring.reasons import quote_some
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score


@scorer(
    kind=MetricKind.SCORE,
    version="2",
    needs={"reference"},
    main="fields",
    example={"fields": ["total", "customer.name"]},
)
def json_fields(
    ctx: ScoringContext,
    *,
    fields: tuple[str, ...] = (),
    tolerance: Annotated[float, Field(ge=0)] = 1e-9,
    ignore_case: bool = False,
    allow_fence: bool = True,
    count_extra: bool = False,
) -> Score:
    """0 to 1: share of the reference's JSON fields that the output has with the same value.

    A field is each text, number, true, false, null, and each empty list or mapping, at any depth; list items are
    compared by position. Outer spaces of texts do not count. An output that is no JSON scores 0.

    Options:
        fields: Only these fields and what is inside them, written as in customer.name or items[0].
        tolerance: Largest difference of two numbers that still counts as equal.
        ignore_case: Treat A and a as the same letter.
        allow_fence: Accept JSON inside one ``` code fence.
        count_extra: Count fields that only the output has as wrong.
    """
    assert ctx.reference is not None
    try:
        wanted = _fields(parse_json(ctx.reference, allow_fence=True), fields, ignore_case)
    except NotJson as error:
        return Score(None, f"the reference is no JSON: {error}")
    if not wanted:
        return Score(None, "the reference has none of these fields")
    try:
        given = _fields(parse_json(ctx.output, allow_fence=allow_fence), fields, ignore_case)
    except NotJson as error:
        return Score(0.0, str(error))
    wrong = [
        path
        for path, value in wanted.items()
        if path not in given or not same_value(given[path], value, tolerance=tolerance)
    ]
    if count_extra:
        wrong += [path for path in given if path not in wanted]
    total = len(wanted.keys() | given.keys()) if count_extra else len(wanted)
    if not wrong:
        return Score(1.0)
    named = quote_some([written_path(path) for path in wrong[:3]])
    return Score(1 - len(wrong) / total, f"{len(wrong):,} of {total:,} fields differ, such as {named}")


def _fields(value: object, only: tuple[str, ...], ignore_case: bool) -> dict[Path, object]:
    return {path: _comparable(leaf, ignore_case) for path, leaf in leaves(value) if not only or _is_inside(path, only)}


def _is_inside(path: Path, names: tuple[str, ...]) -> bool:
    written = written_path(path)
    return any(written == name or written.startswith((f"{name}.", f"{name}[")) for name in names)


def _comparable(leaf: object, ignore_case: bool) -> object:
    if not isinstance(leaf, str):
        return leaf
    return leaf.strip().casefold() if ignore_case else leaf.strip()
