"""A judge's answer, read strictly: exactly the verdicts that were asked for, or why it counts for nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.judges.questions import VerdictScale, answers_of
from experiments.judges.spec import JudgeSpec
from experiments.scoring.reasons import one_line, quote
from experiments.thinking import without_thinking

ONE_FENCE = re.compile(r"\A```(?:json)?\s*\n(?P<body>.*?)\n?```\Z", re.DOTALL)
WHOLE = ""
"""The name of the question of a judge without criteria."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict: its value, the word for it, the judge's reason on one line."""

    value: float
    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that is no verdict, and why."""

    reason: str


def read_verdicts(spec: JudgeSpec, text: str) -> dict[str, Finding] | Unreadable:
    """Criterion (``WHOLE`` without any) → what the judge found; all of them, or nothing.

    The JSON object may stand in one code fence, and reasoning (``<think>…</think>``) before it. Words around it,
    further keys and verdicts that were not offered are refused: a judge talked into something else does not count.
    """
    body = without_thinking(text).strip()
    if fence := ONE_FENCE.match(body):
        body = fence["body"]
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Unreadable(f"no JSON: {quote(text)}" if body else "the judge gave an empty answer")
    if not isinstance(found, dict):
        return Unreadable(f"no JSON object: {quote(text)}")
    answers = answers_of(spec)
    if not spec.criteria:
        finding = _finding(found, answers)
        return finding if isinstance(finding, Unreadable) else {WHOLE: finding}
    if set(found) != set(spec.criteria):
        return Unreadable(f"other criteria than asked for: {quote(', '.join(map(str, found)))}")
    findings: dict[str, Finding] = {}
    for name, part in found.items():
        finding = _finding(part, answers)
        if isinstance(finding, Unreadable):
            return Unreadable(f"{name}: {finding.reason}")
        findings[name] = finding
    return findings


def _finding(part: object, answers: VerdictScale) -> Finding | Unreadable:
    if not isinstance(part, Mapping):
        return Unreadable("no object with 'reason' and 'verdict'")
    if set(part) != {"reason", "verdict"}:
        return Unreadable(f"the keys {quote(', '.join(map(str, part)))} instead of 'reason' and 'verdict'")
    reason: Any = part["reason"]
    if not isinstance(reason, str):
        return Unreadable("a 'reason' that is no text")
    value = answers.value(part["verdict"])
    if value is None:
        return Unreadable(f"the verdict {quote(str(part['verdict']))}, which was not offered")
    return Finding(value, _word(part["verdict"]), one_line(reason) or "no reason given")


def _word(verdict: object) -> str:
    if isinstance(verdict, bool):
        return "pass" if verdict else "fail"
    return str(int(verdict)) if isinstance(verdict, int | float) else str(verdict).strip().lower()
