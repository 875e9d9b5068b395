"""A scorer's keyword-only parameters as a checked form, and as words for the docs table and the settings form."""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from experiments.errors import BakeoffError, nearest
from experiments.vocabulary import Score

RESERVED = ("name", "threshold")
"""Keys that every entry may hold beside the options of its scorer."""

_WORDS = {
    "boolean": "true or false",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "object": "mapping",
}
_OPTION_LINE = re.compile(r"^ {4}(\w+): (.*)$")
_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class OptionDescription:
    """One option: ``type`` in words, its ``default`` (None when ``required``), bounds and choices where it has any."""

    name: str
    type: str
    required: bool
    default: Any
    description: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class OptionsForm:
    """The options of one scorer. A plain dataclass holds the values, so any option name is free to use."""

    scorer: str
    names: tuple[str, ...]
    required: frozenset[str]
    adapter: TypeAdapter[Any] = field(repr=False)

    def read(self, raw: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The checked values, defaults included, as attributes.

        Raises:
            BakeoffError: ``unknown_option`` with the nearest known one, ``missing_option`` or ``bad_option``.
        """
        for key in raw:
            if key not in self.names:
                hint = nearest(str(key), [*self.names, *RESERVED])
                raise BakeoffError("unknown_option", f"The scorer '{self.scorer}' has no option {key!r}.", hint)
        for name in sorted(self.required - set(raw)):
            raise BakeoffError("missing_option", f"The scorer '{self.scorer}' needs the option '{name}'.")
        try:
            return self.adapter.validate_json(json.dumps(raw), strict=True)
        except ValidationError as error:
            raise self._problem(error) from None
        except (TypeError, ValueError, RecursionError):
            message = f"The options of the scorer '{self.scorer}' are not plain values."
            raise BakeoffError("bad_option", message, "Use texts, numbers, lists and mappings.") from None

    def canonical(self, values: Any) -> dict[str, Any]:  # noqa: ANN401
        """The values that differ from the defaults, as plain JSON values."""
        plain: dict[str, Any] = self.adapter.dump_python(values, mode="json", exclude_defaults=True)
        return plain

    def describe(self, docstring: str) -> tuple[OptionDescription, ...]:
        """The options in the order of the signature, with the texts of the docstring's ``Options:`` section."""
        texts = option_texts(docstring)
        properties: dict[str, dict[str, Any]] = self.adapter.json_schema().get("properties", {})
        return tuple(
            _described(name, properties[name], name in self.required, texts.get(name, "")) for name in self.names
        )

    def _problem(self, error: ValidationError) -> BakeoffError:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        option = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        hint = "Put it in quotes to make it a text." if problem["type"] == "string_type" else ""
        return BakeoffError("bad_option", f"The option '{option}' of the scorer '{self.scorer}' {message}.", hint)


def options_form(function: Callable[..., Score]) -> OptionsForm:
    """The form of a scorer's options.

    Raises:
        TypeError: the function is not ``name(ctx, *, option: type = default)``.
    """
    parameters = list(inspect.signature(function).parameters.values())
    types = typing.get_type_hints(function, include_extras=True)
    name = function.__name__
    if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise TypeError(f"{name} must take the scoring context as its first argument")
    fields: list[Any] = []
    required = []
    for parameter in parameters[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or parameter.name not in types:
            raise TypeError(f"{name}: {parameter.name} must be a keyword-only parameter with a type")
        if parameter.name in RESERVED:
            raise TypeError(f"{name}: '{parameter.name}' is reserved for every entry and cannot be an option")
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
            fields.append((parameter.name, types[parameter.name]))
        else:
            fields.append((parameter.name, types[parameter.name], field(default=parameter.default)))
    values = make_dataclass(f"{name}_options", fields, kw_only=True, namespace={"__pydantic_config__": _CONFIG})
    return OptionsForm(name, tuple(p.name for p in parameters[1:]), frozenset(required), TypeAdapter(values))


def option_texts(docstring: str) -> dict[str, str]:
    """Option → its description, from a docstring's ``Options:`` section; continuation lines are joined."""
    _, _, section = inspect.cleandoc(docstring).partition("\nOptions:\n")
    texts: dict[str, str] = {}
    name = ""
    for line in section.split("\n"):
        if line and not line.startswith(" "):
            break
        match = _OPTION_LINE.match(line)
        if match:
            name = match[1]
            texts[name] = match[2].strip()
        elif name and line.strip():
            texts[name] += f" {line.strip()}"
    return texts


def prose(docstring: str) -> str:
    """The docstring without its sections, as one paragraph."""
    text = re.split(r"\n(?:Options|Source|Raises|Returns):", inspect.cleandoc(docstring))[0]
    return " ".join(text.split())


def _described(name: str, schema: Mapping[str, Any], required: bool, text: str) -> OptionDescription:
    branches = [branch for branch in schema.get("anyOf", [schema]) if branch.get("type") != "null"]
    kind = branches[0]
    inner = kind.get("items", kind)
    words = " or ".join(dict.fromkeys(_type_words(branch) for branch in branches))
    low, high = kind.get("minimum", kind.get("exclusiveMinimum")), kind.get("maximum", kind.get("exclusiveMaximum"))
    choices = tuple(str(choice) for choice in inner.get("enum", ()))
    return OptionDescription(name, words, required, schema.get("default"), text, choices, low, high)


def _type_words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    if schema.get("type") == "array":
        inner = _type_words(schema["items"])
        return f"list of {inner.removeprefix('one of ')}" if inner.startswith("one of") else f"list of {inner}s"
    return _WORDS[str(schema["type"])]
