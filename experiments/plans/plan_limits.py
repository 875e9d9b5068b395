"""Whether the numbers of a plan can be meant: a gain or a limit beyond what the metric can change by at all."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.errors import BakeoffError
from experiments.plans.plan import MetricDefinition, Plan
from experiments.vocabulary import Direction, MetricKind

WIDEST = {MetricKind.BINARY: 1.0, MetricKind.PREFERENCE: 0.5}
"""Largest difference that a kind allows: rates lie in 0 to 1, the share of votes is compared with a half."""
LARGEST_SHARE = 5.0
"""A relative limit from here on (500 %) is taken for per cent written without the point."""


def check_limits_fit(plan: Plan, metrics: Mapping[str, MetricDefinition]) -> None:
    """Nothing when every effect and margin can be reached by its metric; metrics that nobody described are skipped.

    Raises:
        BakeoffError: ``limit_out_of_range`` with the number to write instead.
    """
    primary = plan.primary
    numbers = [(primary.metric, "smallest_effect", primary.smallest_effect, primary.relative)]
    if primary.margin is not None:
        numbers.append((primary.metric, "margin", primary.margin, primary.relative))
    numbers += [(rail.metric, "margin", rail.margin, rail.relative) for rail in plan.guardrails]
    for metric, word, value, relative in numbers:
        definition = metrics.get(metric)
        if definition is None:
            continue
        if relative:
            _check_share(definition, word, value)
        else:
            _check_amount(definition, word, value)


def _check_amount(definition: MetricDefinition, word: str, value: float) -> None:
    widest = WIDEST.get(definition.kind)
    if definition.kind is MetricKind.SCORE and definition.unit == "points":
        widest = 1.0
    if widest is None or value <= widest:
        return
    what = "the share of votes beside a half" if definition.kind is MetricKind.PREFERENCE else "a share of 0 to 1"
    raise BakeoffError(
        "limit_out_of_range",
        f"'{word}: {value:g}' of {definition.name!r} can never be reached: it is {what}.",
        f"Write {value / 100:g} for {value:g} points.",
    )


def _check_share(definition: MetricDefinition, word: str, value: float) -> None:
    falls = definition.direction is Direction.LOWER and word == "smallest_effect"
    if value < LARGEST_SHARE and not (falls and value > 1):
        return
    raise BakeoffError(
        "limit_out_of_range",
        f"'{word}: {value:g}' of {definition.name!r} is relative: {100 * value:g} % of the control's value.",
        f"Write {value / 100:g} for {value:g} %, or give it in the metric's unit without 'relative'.",
    )
