"""JSON schemas that are safe on hostile output: nothing is fetched, no pattern runs away, checks stay linear."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import unquote

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from experiments.scoring.json_text import written_path
from experiments.scoring.patterns import compiled, found

if TYPE_CHECKING:
    from jsonschema import ValidationError


class Descends(Protocol):
    """What the keywords below need of a validator."""

    def descend(
        self, instance: object, schema: object, path: str | None = None, schema_path: str | None = None
    ) -> Iterator[ValidationError]:
        """The violations of an inner value."""


class CompiledSchema:
    """A checked schema. ``source`` is the schema as it was written."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Raises ValueError when it is no schema, refers outside itself, or holds a pattern that does not compile."""
        from jsonschema import Draft202012Validator, SchemaError, validators
        from referencing.jsonschema import EMPTY_REGISTRY

        dialect: Any = validators.validator_for(source, default=Draft202012Validator)
        try:
            dialect.check_schema(source)
        except SchemaError as error:
            raise ValueError(
                f"is no JSON schema: at {written_path(tuple(error.absolute_path))}, {error.message}"
            ) from None
        _refuse_outside(source)
        self.source = source
        guarded = validators.extend(dialect, _guards())  # type: ignore[no-untyped-call]
        self._validator = guarded(source, registry=EMPTY_REGISTRY)

    def first_violation(self, value: object) -> str | None:
        """``items[0].price: 'x' is not of type 'number'``, or None when the value fits.

        Raises:
            PatternTooSlow: a pattern of the schema took too long.
        """
        error = next(self._validator.iter_errors(value), None)
        return None if error is None else f"{written_path(tuple(error.absolute_path))}: {error.message}"


def _compile(source: object) -> CompiledSchema:
    if isinstance(source, CompiledSchema):
        return source
    if not isinstance(source, dict):
        raise ValueError("should be a mapping: the JSON schema itself")
    return CompiledSchema(source)


Schema = Annotated[
    CompiledSchema,
    BeforeValidator(_compile),
    PlainSerializer(lambda schema: schema.source, return_type=dict),
    WithJsonSchema({"type": "object"}),
]
"""The type of an option that is a JSON schema."""


def _refuse_outside(schema: Mapping[str, Any]) -> None:
    """Raises ValueError for references that lead outside or nowhere, and for patterns that do not compile."""
    waiting: list[object] = [schema]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, list):
            waiting.extend(inner)
        if not isinstance(inner, dict):
            continue
        waiting.extend(inner.values())
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(inner.get(keyword), str):
                _check_reference(schema, inner[keyword])
        if isinstance(inner.get("pattern"), str):
            compiled(inner["pattern"])
        if isinstance(inner.get("patternProperties"), dict):
            if "unevaluatedProperties" in inner:
                raise ValueError("'patternProperties' together with 'unevaluatedProperties' is not supported")
            for pattern in inner["patternProperties"]:
                compiled(pattern)


def _check_reference(schema: Mapping[str, Any], reference: str) -> None:
    if not reference.startswith("#"):
        raise ValueError(f"the reference {reference!r} points outside the schema; copy it into $defs")
    place: object = schema
    for step in reference[1:].split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        elif isinstance(place, dict) and name in place:
            place = place[name]
        else:
            raise ValueError(f"the reference {reference!r} points to nothing")


def _guards() -> dict[str, Any]:
    """The keywords that a hostile value could make slow, done safely."""
    return {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }


def _pattern(validator: Descends, pattern: str, value: object, schema: object) -> Iterator[ValidationError]:  # noqa: ARG001
    from jsonschema import ValidationError

    if isinstance(value, str) and not found(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Descends,
    patterns: Mapping[str, Any],
    value: object,
    schema: object,  # noqa: ARG001
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, inner in patterns.items():
            for key, member in value.items():
                if found(pattern, key):
                    yield from validator.descend(member, inner, path=key, schema_path=pattern)


def _additional_properties(
    validator: Descends, allowed: object, value: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if not isinstance(value, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key in value:
        if key in named or any(found(pattern, key) for pattern in patterns):
            continue
        if isinstance(allowed, dict):
            yield from validator.descend(value[key], allowed, path=key)
        elif not allowed:
            yield ValidationError(f"the property {key!r} is not allowed")


def _unique_items(validator: Descends, wanted: object, value: object, schema: object) -> Iterator[ValidationError]:  # noqa: ARG001
    from jsonschema import ValidationError

    if not wanted or not isinstance(value, list):
        return
    if len({json.dumps(_one_form(item), sort_keys=True) for item in value}) < len(value):
        yield ValidationError("two items are the same")


def _one_form(value: object) -> object:
    """The value with 1.0 written as 1, because both are the same number."""
    if isinstance(value, dict):
        return {key: _one_form(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_one_form(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
