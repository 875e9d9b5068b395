"""A scorer together with its options: one metric of an experiment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.plans.plan import MetricDefinition
from experiments.scoring.context import ScoringContext
from experiments.scoring.reasons import one_line, plain_details, quote
from experiments.vocabulary import Direction, MetricKind, Score

_LACKING = {
    "reference": "no reference",
    "messages": "no prompt was recorded",
    "cost_usd": "the cost is unknown",
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """Turns a value into pass (1) or fail (0): at least ``limit``, or at most when lower values are better."""

    limit: float
    lower_is_better: bool

    def applied(self, score: Score) -> Score:
        """1 or 0 with the value kept in the details; a score without a value stays as it is."""
        if score.value is None:
            return score
        passed = score.value <= self.limit if self.lower_is_better else score.value >= self.limit
        details = {**(score.details or {}), "value": score.value}
        if passed:
            return Score(1.0, None, details)
        told = f"{score.value:.4g} is {'above' if self.lower_is_better else 'below'} {self.limit:g}"
        return Score(0.0, one_line(f"{told}; {score.reason}" if score.reason else told), details)


@dataclass(frozen=True, slots=True)
class BoundScorer:
    """What ``bind`` returns.

    ``options`` are those that differ from the defaults, ``columns`` the test-set columns that are read.
    ``fingerprint`` (SHA-256 of scorer, version, options, threshold) differs whenever scores may: scores of two
    fingerprints are not comparable. ``blocking`` tells that a score waits for another process: use a thread.
    """

    metric: str
    scorer: str
    version: str
    kind: MetricKind
    direction: Direction
    unit: str
    needs: frozenset[str]
    columns: tuple[str, ...]
    options: Mapping[str, Any]
    threshold: Threshold | None
    fingerprint: str
    function: Callable[[ScoringContext], Score] = field(repr=False, compare=False)
    blocking: bool = False

    def definition(self) -> MetricDefinition:
        """The metric as plans and analysis tables know it."""
        return MetricDefinition(self.metric, self.kind, self.direction, self.unit)

    def score(self, ctx: ScoringContext) -> Score:
        """A finite value, or None with a one-line reason. Never raises."""
        try:
            lacking = self._lacking(ctx)
            found = Score(None, lacking) if lacking is not None else storable(self.function(ctx))
        except Exception as error:  # one odd row must not end a run; the reason is stored in place of the value
            return Score(None, one_line(f"the scorer failed: {type(error).__name__}: {error}"))
        if self.threshold is not None:
            return self.threshold.applied(found)
        if self.kind is MetricKind.BINARY and found.value not in (0.0, 1.0, None):
            return Score(None, f"the scorer gave {found.value:g} where only 0 and 1 are possible", found.details)
        return found

    def _lacking(self, ctx: ScoringContext) -> str | None:
        for need in self.needs:
            value = getattr(ctx, need)
            if value is None or value == () or (isinstance(value, str) and not value.strip()):
                return _LACKING[need]
        for column in self.columns:
            if not (ctx.row.get(column) or "").strip():
                return f"no value in the column {quote(column)}"
        return None


def storable(found: object) -> Score:
    """The score with a finite float value or None with a reason, and reason and details that can be stored."""
    if not isinstance(found, Score):
        return Score(None, f"the scorer returned {type(found).__name__}, not a score")
    reason = None if found.reason is None else one_line(found.reason)
    details = None if found.details is None else plain_details(found.details)
    if found.value is None:
        return Score(None, reason or "the scorer gave no value", details)
    try:
        value = float(found.value)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        told = f"{value:g}" if isinstance(found.value, float) else f"a {type(found.value).__name__}"
        return Score(None, f"the scorer gave {told}, which is no finite number", details)
    return Score(value, reason, details)
