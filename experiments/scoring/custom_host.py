"""The inside of a custom scorer's process: loads the code, then answers questions line by line.

Run by ``custom_process``, never imported by the rest of the project.
"""

from __future__ import annotations

import importlib
import json
import signal
import socket
import sys
from dataclasses import asdict
from types import ModuleType
from typing import Any

from experiments.errors import BakeoffError
from experiments.scoring.binding import bind_scorer
from experiments.scoring.bound_scorer import BoundScorer
from experiments.scoring.custom_messages import bound_message, context_from, entry_from
from experiments.scoring.reasons import one_line
from experiments.scoring.registry import Scorer, declared, describe, scorers_of

_GRACE_S = 1.0


def main(arguments: list[str]) -> None:
    """Serves one connection until it is closed. Arguments: file descriptor, seconds for a score, bytes of memory."""
    descriptor, limit_s, memory_bytes = int(arguments[0]), float(arguments[1]), int(arguments[2])
    _limit_memory(memory_bytes)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rwb") as stream:
        scorer: Scorer | None = None
        bound: dict[str, BoundScorer] = {}
        for line in stream:
            if scorer is None:
                scorer, answer = _loaded(json.loads(line))
            else:
                # When the other side is gone nobody is left to end an endless loop: the alarm's default action does.
                signal.setitimer(signal.ITIMER_REAL, limit_s + _GRACE_S)
                answer = _answer(scorer, json.loads(line), bound)
                signal.setitimer(signal.ITIMER_REAL, 0)
            stream.write(json.dumps(answer).encode() + b"\n")
            stream.flush()


def _answer(scorer: Scorer, request: dict[str, Any], bound: dict[str, BoundScorer]) -> dict[str, Any]:
    if request["do"] == "describe":
        return asdict(describe(scorer))
    key = json.dumps(request["entry"])
    if key not in bound:
        try:
            bound[key] = bind_scorer(scorer, entry_from(request["entry"]))
        except BakeoffError as error:
            return {"problem": [error.code, error.message, error.hint]}
    if request["do"] == "bind":
        return bound_message(bound[key])
    score = bound[key].score(context_from(request["context"]))
    return {"value": score.value, "reason": score.reason, "details": score.details}


def _loaded(load: dict[str, str]) -> tuple[Scorer | None, dict[str, Any]]:
    try:
        scorer = _scorer_of_code(load["name"], load["code"]) if "code" in load else _scorer_of_entry_point(load)
        describe(scorer)
    except BaseException as error:  # SystemExit of a careless file as well: whatever it is, the other side is told
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        told = error.msg if isinstance(error, SyntaxError) else f"{type(error).__name__}: {error}"
        return None, {"broken": one_line(line + told)}
    return scorer, {"ready": True}


def _scorer_of_code(name: str, code: str) -> Scorer:
    module = ModuleType(f"bakeoff_custom_{name}")
    sys.modules[module.__name__] = module
    exec(compile(code, f"{name}.py", "exec"), module.__dict__)  # noqa: S102 – running it is what this process is for
    return _the_one(scorers_of(module), name)


def _scorer_of_entry_point(load: dict[str, str]) -> Scorer:
    module_name, _, attributes = load["entry_point"].partition(":")
    found: Any = importlib.import_module(module_name)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    if isinstance(found, ModuleType):
        return _the_one(scorers_of(found), load["name"])
    scorer = declared(found)
    if scorer is None:
        raise ValueError("the entry point is no function with @scorer")
    return scorer


def _the_one(scorers: tuple[Scorer, ...], name: str) -> Scorer:
    for scorer in scorers:
        if scorer.name == name:
            return scorer
    raise ValueError(f"it defines no function '{name}' with @scorer")


def _limit_memory(memory_bytes: int) -> None:
    import resource  # not on Windows, where discovery imports this module too

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    except (ValueError, OSError):  # macOS does not limit address space; there the time limit has to do
        return
