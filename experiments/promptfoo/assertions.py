"""One promptfoo assertion, from YAML or from the short form of a CSV column such as ``contains: Paris``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from experiments.promptfoo.findings import Findings, Place

KINDS = (
    "equals", "contains", "icontains", "contains-any", "contains-all", "icontains-any", "icontains-all",
    "starts-with", "regex", "is-json", "contains-json", "levenshtein", "cost", "latency", "word-count", "is-refusal",
)  # fmt: skip
LIST_KINDS = ("contains-any", "contains-all", "icontains-any", "icontains-all")
_MODEL_GRADED = frozenset(
    (
        "agent-rubric", "answer-relevance", "classifier", "context-faithfulness", "context-recall",
        "context-relevance", "conversation-relevance", "factuality", "g-eval", "guardrails", "llama-guard",
        "llm-rubric", "max-score", "model-graded-closedqa", "model-graded-factuality", "moderation", "perplexity",
        "perplexity-score", "pi", "search-rubric", "select-best", "similar",
    )
)  # fmt: skip
_CODE = frozenset(("javascript", "python", "ruby", "webhook"))
_SHORT_FORM = re.compile(
    r"(?P<kind>(?:not-)?[a-z][a-z0-9:-]*?)(?:\((?P<threshold>\d+(?:\.\d+)?)\))?(?::(?P<value>.*))?", re.DOTALL
)
_LIST_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")*+)"\s*(?=,|\Z)|([^,]*))(,|\Z)')
_PLAIN_KEYS = ("type", "value", "threshold", "metric", "weight")


@dataclass(frozen=True, slots=True)
class Assertion:
    """One check of one test; ``value`` is as written, ``metric`` the label of its author."""

    place: Place
    kind: str
    negated: bool
    value: Any
    threshold: float | None
    metric: str | None

    def spelled(self) -> str:
        """The type as promptfoo writes it."""
        return f"not-{self.kind}" if self.negated else self.kind


def list_items(text: str) -> list[str]:
    """The texts of a list written with commas; one in double quotes may hold commas, and doubles its quotes."""
    items, at = [], 0
    while True:
        item = _LIST_ITEM.match(text, at)
        assert item is not None
        items.append(item[1].replace('""', '"') if item[1] is not None else item[2].strip())
        if not item[3]:
            return items
        at = item.end()


def read_assertions(value: Any, place: Place, findings: Findings) -> list[Assertion]:  # noqa: ANN401
    """The assertions of a list, sets without a threshold taken apart; the rest is refused by name."""
    if value is None:
        return []
    if not isinstance(value, list):
        findings.refuse(place, "assertions that are no list")
        return []
    found = []
    for index, entry in enumerate(value):
        at = place.at(index)
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            findings.refuse(at, "an assertion without a type")
        elif entry["type"] == "assert-set":
            found += _set(entry, at, findings)
        else:
            found += _one(entry, at, findings)
    return found


def assertion_of_cell(cell: str, place: Place, metric: str | None, findings: Findings) -> list[Assertion]:
    """The assertion of a ``__expected`` cell: ``type: value``, ``type(threshold): value``, or the text that is due."""
    text = cell.strip()
    prefix = text.split(":", 1)[0]
    if prefix in ("fn", "eval"):
        return _one({"type": "javascript"}, place, findings)
    if prefix == "grade":
        return _one({"type": "llm-rubric"}, place, findings)
    found = _SHORT_FORM.fullmatch(text)
    if found is None or found["kind"].removeprefix("not-") not in (*KINDS, *_MODEL_GRADED, *_CODE):
        return _one({"type": "equals", "value": cell, "metric": metric}, place, findings)
    value: Any = (found["value"] or "").strip() or None
    if found["kind"].removeprefix("not-") in LIST_KINDS:
        value = list_items(value or "")
    entry = {"type": found["kind"], "value": value, "metric": metric}
    if found["threshold"]:
        entry["threshold"] = float(found["threshold"])
    return _one(entry, place, findings)


def _set(entry: dict[str, Any], place: Place, findings: Findings) -> list[Assertion]:
    if entry.get("threshold") is not None:
        findings.refuse(place, "assert-set with a threshold")
        return []
    if entry.get("weight", 1) != 1:
        _note_weights(findings)
    return read_assertions(entry.get("assert"), place.at("assert"), findings)


def _one(entry: dict[str, Any], place: Place, findings: Findings) -> list[Assertion]:
    spelled = entry["type"]
    kind = spelled.removeprefix("not-")
    if kind in _MODEL_GRADED:
        findings.refuse(place, f"{spelled}, which asks a model (use a judge)")
        return []
    if kind in _CODE:
        findings.refuse(place, f"{spelled}, which is code")
        return []
    if kind not in KINDS:
        findings.refuse(place, f"the assertion {spelled[:60]}")
        return []
    for key in entry:
        if key not in _PLAIN_KEYS:
            findings.refuse(place.at(key), f"'{key}' of the assertion {spelled}")
    if entry.get("weight", 1) != 1:
        _note_weights(findings)
    metric = entry.get("metric")
    threshold = entry.get("threshold")
    number = float(threshold) if isinstance(threshold, int | float) else None
    label = metric if isinstance(metric, str) and metric.strip() else None
    return [Assertion(place, kind, spelled != kind, entry.get("value"), number, label)]


def _note_weights(findings: Findings) -> None:
    findings.note("Weights and thresholds of whole tests are not used: each check is a measure of its own.")
