"""A value from before that cannot be one: named beside the verdict, which then stands without it."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.results.comparisons.health import HealthCheck, warned
from experiments.stats.estimates import Comparison
from experiments.vocabulary import MetricRole
from experiments.wording import metric_name


def covariate_checks(comparisons: Sequence[Comparison]) -> list[HealthCheck]:
    """The check ``covariate`` of the deciding metric, one per reason; empty where the value from before is used."""
    reasons = {
        str(comparison.details["covariate"]): comparison.metric
        for comparison in comparisons
        if comparison.role is MetricRole.PRIMARY and "covariate" in comparison.details
    }
    return [
        warned("covariate", f"The value from before of {metric_name(metric)} is {reason}.")
        for reason, metric in reasons.items()
    ]
