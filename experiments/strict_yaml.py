"""YAML text → pydantic model, for files people write by hand: every complaint names a line and what to do.

Scalars follow YAML 1.2's core schema (``no`` is a word, ``007`` stays text, ``1e-3`` is a number); anchors are
refused, because a few nested ones expand without bound.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from experiments.errors import BakeoffError
from experiments.plain_text import is_storable

MAX_CHARACTERS = 2_000_000
Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]


class _CoreLoader(yaml.SafeLoader):
    """SafeLoader with the YAML 1.2 core scalars only."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node))


_SCALARS = (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$",
        "-+0123456789.",
    ),
)
for _tag, _pattern, _first in _SCALARS:
    _CoreLoader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
_CoreLoader.add_constructor("tag:yaml.org,2002:float", _float)


def parse_model(model: type[Model], text: str, *, source: str) -> Model:
    """The model that the text describes.

    Raises:
        BakeoffError: ``bad_yaml``, ``unknown_key`` or ``invalid_value``; each names ``source`` and the line.
    """
    data, lines = parse_yaml(text, source=source)
    if not isinstance(data, dict):
        raise BakeoffError("bad_yaml", f"{source} holds no keys.", f"It should begin with {_first_keys(model)}.")
    _refuse_unknown_keys(model, data, (), lines, source)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _first_problem(error, lines, source) from None


def parse_yaml(text: str, *, source: str) -> tuple[Any, dict[Path, int]]:
    """(plain values, line number of each path). Raises BakeoffError ``bad_yaml``."""
    if len(text) > MAX_CHARACTERS:
        raise BakeoffError("too_large", f"{source} is longer than {MAX_CHARACTERS:,} characters.")
    lines: dict[Path, int] = {}
    try:
        loader = _CoreLoader(text)
        node = loader.get_single_node()
        value = _construct(loader, node, (), lines) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join(str(error.problem or error.context or "not readable").split())
        raise BakeoffError("bad_yaml", f"{source}{line}: {problem}.", "Check indentation and quotes.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise BakeoffError("bad_yaml", f"{source} is not readable as YAML.", "Check for control characters.") from None
    return value, lines


def _construct(loader: _CoreLoader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:  # noqa: ANN401
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if node.start_mark is not None and getattr(node, "_bakeoff_seen", False):
        raise yaml.MarkedYAMLError(problem="anchors are not allowed here", problem_mark=node.start_mark)
    node._bakeoff_seen = True  # type: ignore[attr-defined]
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, child, (*path, i), lines) for i, child in enumerate(node.value)]
    value = loader.construct_object(node, deep=True)
    if isinstance(value, str) and not is_storable(value):
        raise yaml.MarkedYAMLError(
            problem="here stands a character that cannot be stored (NUL, or half of one)", problem_mark=node.start_mark
        )
    return value


def _construct_mapping(loader: _CoreLoader, node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> Any:  # noqa: ANN401
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key_node.start_mark)
        key = key_node.value
        if not is_storable(key):
            raise yaml.MarkedYAMLError(problem="a key cannot be stored", problem_mark=key_node.start_mark)
        if key in result:
            raise yaml.MarkedYAMLError(problem=f"the key '{key}' stands twice", problem_mark=key_node.start_mark)
        lines[*path, key] = key_node.start_mark.line + 1
        result[key] = _construct(loader, value_node, (*path, key), lines)
    return result


def _refuse_unknown_keys(model: type[BaseModel], data: object, path: Path, lines: dict[Path, int], source: str) -> None:
    if not isinstance(data, dict):
        return
    known = list(model.model_fields)
    for key, value in data.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known keys here: {', '.join(known)}."
            raise BakeoffError("unknown_key", f"{source}, line {lines[*path, key]}: unknown key '{key}'.", hint)
        inner = _model_inside(model.model_fields[key].annotation)
        if inner is None:
            continue
        if isinstance(value, dict):
            nested = value.values() if _is_mapping_of_models(model.model_fields[key].annotation) else None
            if nested is None:
                _refuse_unknown_keys(inner, value, (*path, key), lines, source)
            else:
                for name, item in value.items():
                    _refuse_unknown_keys(inner, item, (*path, key, name), lines, source)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                _refuse_unknown_keys(inner, item, (*path, key, i), lines, source)


def _model_inside(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_inside(argument)
        if found is not None:
            return found
    return None


def _is_mapping_of_models(annotation: object) -> bool:
    return getattr(annotation, "__origin__", None) is dict


def _first_problem(error: ValidationError, lines: dict[Path, int], source: str) -> BakeoffError:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path: Path = tuple(problem["loc"])
    while path and path not in lines:
        path = path[:-1]
    where = ".".join(str(p) for p in problem["loc"] if not str(p).startswith(("function-", "constrained-")))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "is missing"
    named = f" '{where}'" if where else ""
    return BakeoffError("invalid_value", f"{source}, line {lines.get(path, 1)}:{named} {message}.".replace("..", "."))


def _first_keys(model: type[BaseModel]) -> str:
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    return ", ".join(f"'{name}:'" for name in required[:3])
