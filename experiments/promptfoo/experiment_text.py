"""An experiment → the YAML text of its file, which reads back as the same experiment."""

from __future__ import annotations

from typing import Any

import yaml

from experiments.experiment_file import ExperimentSpec

_PLAIN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_PLAIN_SIGNS = frozenset("0123456789 ._/@-")
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


class _Dumper(yaml.SafeDumper):
    """Quotes every text that any YAML reader could take for something else; knows no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=_style(value))


def _style(value: str) -> str | None:
    plain = value[:1] in _PLAIN_LETTERS and set(value) <= _PLAIN_LETTERS | _PLAIN_SIGNS
    if plain and value == value.strip() and value.lower() not in _RESERVED:
        return None
    lines = value.split("\n")
    readable = len(lines) > 1 and all(line == line.rstrip() and line.isprintable() for line in lines)
    return "|" if readable and not lines[0].startswith(" ") else '"'


_Dumper.add_representer(str, _text)


def experiment_text(spec: ExperimentSpec) -> str:
    """The YAML of an experiment without what is left at its default; ``parse_experiment`` gives it back."""
    content = spec.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
