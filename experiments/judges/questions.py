"""What verdicts a judge may give: their words on the wire, their values, and the metrics they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.judges.spec import JudgeSpec
from experiments.plans.plan import MetricDefinition
from experiments.vocabulary import Direction, MetricKind

FIRST, SECOND, TIE = "first", "second", "tie"


@dataclass(frozen=True, slots=True)
class VerdictScale:
    """The verdicts of one question: word → value, the kind of metric, the unit beside its numbers."""

    values: Mapping[str, float]
    kind: MetricKind
    unit: str
    schema: Mapping[str, Any]
    described: str

    def value(self, verdict: object) -> float | None:
        """The value of a verdict as the judge wrote it; None for one that was not offered."""
        if isinstance(verdict, bool):
            return self.values.get("pass" if verdict else "fail") if "pass" in self.values else None
        if isinstance(verdict, int | float):
            return self.values.get(str(int(verdict))) if float(verdict).is_integer() else None
        return self.values.get(verdict.strip().lower()) if isinstance(verdict, str) else None


def answers_of(spec: JudgeSpec) -> VerdictScale:
    """The verdicts that a judge may give."""
    if spec.pairwise:
        values = {FIRST: 0.0, SECOND: 1.0, TIE: 0.5}
        told = f'"{FIRST}" or "{SECOND}" for the better answer, "{TIE}" when neither is better'
        return VerdictScale(values, MetricKind.PREFERENCE, "points", _words(values), told)
    if isinstance(spec.scale, dict):
        low, high = min(spec.scale), max(spec.scale)
        anchors = "\n".join(f"  {grade}: {text}" for grade, text in sorted(spec.scale.items()))
        return VerdictScale(
            {str(grade): float(grade) for grade in range(low, high + 1)},
            MetricKind.ORDINAL,
            "score",
            {"type": "integer", "enum": list(range(low, high + 1))},
            f"a whole number from {low} to {high}, where\n{anchors}",
        )
    if spec.categories:
        values = {word.lower(): value for word, value in spec.categories.items()}
        shares = all(0 <= value <= 1 for value in values.values())
        kind = MetricKind.BINARY if set(values.values()) <= {0.0, 1.0} else MetricKind.SCORE
        told = "one of " + ", ".join(f'"{word}"' for word in values)
        return VerdictScale(values, kind, "points" if shares else "score", _words(values), told)
    values = {"pass": 1.0, "fail": 0.0}
    return VerdictScale(values, MetricKind.BINARY, "points", _words(values), '"pass" or "fail"')


def metrics_of(spec: JudgeSpec) -> tuple[MetricDefinition, ...]:
    """The metrics that a judge gives: its own, and with criteria one for each, named ``judge.criterion``.

    With criteria the judge's own metric is their mean.
    """
    answers = answers_of(spec)
    if not spec.criteria:
        return (MetricDefinition(spec.name, answers.kind, Direction.HIGHER, answers.unit),)
    single = [
        MetricDefinition(criterion_metric(spec, name), answers.kind, Direction.HIGHER, answers.unit)
        for name in spec.criteria
    ]
    return (MetricDefinition(spec.name, MetricKind.SCORE, Direction.HIGHER, answers.unit), *single)


def criterion_metric(spec: JudgeSpec, criterion: str) -> str:
    """The name of one criterion's metric."""
    return f"{spec.name}.{criterion}"


def _words(values: Mapping[str, float]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}
