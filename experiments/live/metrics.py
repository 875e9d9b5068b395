"""What live traffic is measured by: outcomes that applications report, and what every model call tells by itself."""

from __future__ import annotations

from experiments.experiment_file import LiveSpec
from experiments.plans.plan import MetricDefinition
from experiments.vocabulary import Direction, MetricKind

CALL_METRICS: dict[str, MetricDefinition] = {
    m.name: m
    for m in (
        MetricDefinition("failed", MetricKind.BINARY, Direction.LOWER),
        MetricDefinition("refused", MetricKind.BINARY, Direction.LOWER),
        MetricDefinition("abandoned", MetricKind.BINARY, Direction.LOWER),
        MetricDefinition("answer_chars", MetricKind.COST, Direction.LOWER, "characters"),
    )
}
"""Metrics of model calls that only live traffic has; cost, latency and tokens are ``plan.SYSTEM_METRICS``.

``failed``: the variant's provider gave no answer (also where the control answered in its place). ``refused``: the
model refused or its filter did. ``abandoned``: the caller closed the connection before the answer was complete; such
a call is in no other measure but cost. ``answer_chars``: length of the answer.
"""
_UNITS = {MetricKind.COST: "usd", MetricKind.LATENCY: "ms", MetricKind.ORDINAL: "score", MetricKind.SCORE: "score"}


def live_metrics(live: LiveSpec) -> dict[str, MetricDefinition]:
    """Every metric of a live test by name, except ``plan.SYSTEM_METRICS`` and those of its scorers."""
    reported = {
        outcome.metric: MetricDefinition(
            outcome.metric,
            MetricKind(outcome.kind),
            Direction(outcome.direction),
            _UNITS.get(MetricKind(outcome.kind), "points"),
        )
        for outcome in live.outcomes
    }
    return CALL_METRICS | reported
