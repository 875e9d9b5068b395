"""Files beside a promptfoo configuration: which references are read, and which are code, globs or addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from experiments.errors import BakeoffError
from experiments.promptfoo.findings import Findings, Place
from experiments.strict_yaml import parse_yaml

ReadFile = Callable[[str], bytes]
"""Path as written in the configuration → bytes. Decides what may be read; raises BakeoffError or OSError."""

TEXT_ENDINGS = ("txt", "md", "j2", "prompt")
DATA_ENDINGS = ("yaml", "yml", "json")
TABLE_ENDINGS = ("csv", "xlsx", "jsonl")
_CODE_ENDINGS = ("js", "cjs", "mjs", "ts", "py", "rb", "go", "sh", "bash", "pl", "exe")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def file_reference(text: str) -> str | None:
    """The path when a text is ``file://path`` or a bare path of one line with a known ending, else None."""
    if text.startswith("file://"):
        return text.removeprefix("file://")
    bare = re.fullmatch(r"[\w./ \\-]+\.([A-Za-z0-9]{1,5})(?::\w+)?", text.strip())
    endings = (*TEXT_ENDINGS, *DATA_ENDINGS, *TABLE_ENDINGS, *_CODE_ENDINGS)
    return text.strip() if bare and bare[1].lower() in endings else None


def ending(path: str) -> str:
    """The ending of a path in lower case, without the dot."""
    return path.rsplit(".", 1)[1].lower() if "." in path.rsplit("/", 1)[-1] else ""


def refuse_reference(path: str, place: Place, findings: Findings, *, allowed: tuple[str, ...]) -> bool:
    """True after refusing a path that is an address, a glob, code, or of a kind that is not allowed here."""
    named = re.sub(r":\w+$", "", path)  # file.py:function
    if _ADDRESS.match(path):
        findings.refuse(place, f"{path}, an address outside this folder")
    elif any(sign in path for sign in "*?["):
        findings.refuse(place, f"{path}, a pattern of file names")
    elif ending(named) in _CODE_ENDINGS:
        findings.refuse(place, f"{path}, which is code")
    elif ending(path) not in allowed:
        findings.refuse(place, f"{path}, a kind of file that is not read here (known: {', '.join(allowed)})")
    else:
        return False
    return True


def read_bytes(path: str, place: Place, findings: Findings, read_file: ReadFile) -> bytes | None:
    """The content of a file, or None after refusing one that cannot be read."""
    try:
        return read_file(path)
    except OSError:
        findings.refuse(place, f"{path}, a file that cannot be read")
    except BakeoffError as error:
        findings.refuse(place, f"{path}: {error.message.rstrip('.')}")
    return None


def read_text(path: str, place: Place, findings: Findings, read_file: ReadFile) -> str | None:
    """The UTF-8 text of a file, or None after refusing one that cannot be read."""
    content = read_bytes(path, place, findings, read_file)
    try:
        return None if content is None else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.refuse(place, f"{path}, which is not UTF-8 text")
        return None


def read_data(path: str, place: Place, findings: Findings, read_file: ReadFile) -> tuple[Any, Place] | None:
    """(value, its place) of a YAML or JSON file, or None after refusing one that cannot be read.

    Raises:
        BakeoffError: ``bad_yaml`` or ``bad_json`` with the line inside that file.
    """
    text = read_text(path, place, findings, read_file)
    if text is None:
        return None
    if ending(path) == "json":
        return parse_json(text, path), Place((), {}, path)
    value, lines = parse_yaml(text, source=path)
    return value, Place((), lines, path)


def parse_json(text: str, source: str) -> Any:  # noqa: ANN401
    """The value of a JSON text. Raises BakeoffError ``bad_json`` with line and column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{source}, line {error.lineno}, column {error.colno}"
        raise BakeoffError("bad_json", f"{where}: this is not valid JSON ({error.msg.lower()}).") from None
    except (ValueError, RecursionError):
        raise BakeoffError("bad_json", f"{source}: this JSON is nested too deeply or holds a huge number.") from None
