"""The keys of the JSON object that a prompt or its response_format asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY_LIST = re.compile(
    r"\b(?:keys?|fields?|properties|schlüssel(?:n)?|clés?|claves?)\s*(?:are|named|called|=|:)?\s*[:(]?\s*(?P<list>[^\n.;{}]{2,300})",
    re.I,
)
TEMPLATE = re.compile(r"\{[^{}]*\}", re.S)
TEMPLATE_KEY = re.compile(
    r"[\"'](?P<key>[A-Za-z_][\w-]{0,60})[\"']\s*:\s*(?P<value>\[[^\]]*\]|\"[^\"]*\"|'[^']*'|[^,}\n]*)"
)
WORD_KEY = re.compile(r"^[A-Za-z_][\w-]{0,60}$")
ENUM_HINT = re.compile(r"[|/]")
MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Field:
    """One key: its name, the JSON type wanted ("string" unless said), and the values allowed, if any."""

    name: str
    type: str = "string"
    choices: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


def asked_fields(instructions: str, parameters: Mapping[str, Any]) -> tuple[tuple[Field, ...], bool]:
    """The fields of the JSON object asked for, and whether ``response_format`` enforces JSON.

    Without any JSON asked for: no fields. JSON asked for without keys: one field ``answer``.
    """
    response_format = parameters.get("response_format")
    form = response_format if isinstance(response_format, Mapping) else {}
    if form.get("type") == "json_schema":
        holder = form.get("json_schema")
        schema = holder.get("schema") if isinstance(holder, Mapping) else None
        return (_schema_fields(schema) or (Field("answer"),)), True
    enforced = form.get("type") == "json_object"
    if not enforced and not re.search(r"\bjson\b", instructions, re.I):
        return (), False
    return (_template_fields(instructions) or _listed_fields(instructions) or (Field("answer"),)), enforced


def _schema_fields(schema: object) -> tuple[Field, ...]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return ()
    return tuple(_schema_field(str(name), spec) for name, spec in list(properties.items())[:MOST_FIELDS])


def _schema_field(name: str, spec: object) -> Field:
    if not isinstance(spec, Mapping):
        return Field(name)
    kind = spec.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "string")
    choices = spec.get("enum")
    return Field(
        name,
        type=kind if isinstance(kind, str) else "string",
        choices=tuple(str(c) for c in choices) if isinstance(choices, list) else (),
        fields=_schema_fields(spec),
    )


def _template_fields(instructions: str) -> tuple[Field, ...]:
    for template in TEMPLATE.finditer(instructions):
        found = [_template_field(m["key"], m["value"].strip()) for m in TEMPLATE_KEY.finditer(template.group(0))]
        if found:
            return tuple(found[:MOST_FIELDS])
    return ()


def _template_field(name: str, value: str) -> Field:
    plain = value.strip("\"' <>")
    choices = tuple(c.strip("\"' <>") for c in ENUM_HINT.split(plain)) if ENUM_HINT.search(plain) else ()
    if value.startswith("["):
        return Field(name, type="array")
    if re.search(r"\b(?:true|false|boolean|bool)\b", plain, re.I):
        return Field(name, type="boolean")
    if re.search(r"\b(?:number|float|int|integer)\b|^\d", plain, re.I):
        return Field(name, type="number")
    return Field(name, choices=choices if all(choices) and len(choices) > 1 else ())


def _listed_fields(instructions: str) -> tuple[Field, ...]:
    match = KEY_LIST.search(instructions)
    if match is None:
        return ()
    words = [w.strip(" \"'`()[]") for w in re.split(r",|\band\b|\bund\b|\bet\b|\by\b|\s", match["list"])]
    return tuple(Field(w) for w in dict.fromkeys(words) if WORD_KEY.match(w) and len(w) > 1)[:MOST_FIELDS]
