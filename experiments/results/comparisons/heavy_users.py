"""One user who makes a large part of a variant's requests: a bot, or somebody's test."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.results.comparisons.arm_units import arm_units
from experiments.results.comparisons.carried_by_few import weighed
from experiments.results.comparisons.health import HealthCheck, failed, passed, warned
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.stats.sequential import Reading
from experiments.stats.summaries import UnitSums
from experiments.vocabulary import MetricKind

NOTABLE = 10
"""A user with this many times the requests of the average user of the variant is named."""
NOTABLE_SHARE = 0.01
BLOCKING_SHARE = 0.1
"""From this share of a variant's requests on, one user stops a ship."""


def heavy_users_of(study: Study, primary: Target) -> HealthCheck | None:
    """The check on the deciding metric of a table; None where users have one request each, or there are no values."""
    if not study.challengers or not study.table.has(study.control):
        return None
    question = study.question(primary, study.challengers[0], reading=Reading(study.plan.alpha))
    if question is None or question.kind in {MetricKind.SCORE, MetricKind.ORDINAL, MetricKind.PREFERENCE}:
        return None
    arms = {study.table.variants[code]: arm for code, arm in arm_units(question).items()}
    sums = {
        name: UnitSums.of(arm.held.y, arm.held.n).with_contributions(arm.held.largest, arm.held.cut)
        for name, arm in arms.items()
    }
    return heavy_user_check(sums)


def heavy_user_check(arms: Mapping[str, UnitSums]) -> HealthCheck | None:
    """One user who makes a large part of a variant's requests: a bot, or somebody's test. None where users are alike.

    Named from 10 times the average and 1 % of the requests on; from 10 % on it stops a ship, whatever the size.
    """
    known = [(arm.largest.share, name, arm) for name, arm in sorted(arms.items()) if arm.largest is not None]
    if not known or not weighed(list(arms.values())):
        return None
    share, name, arm = max(known, key=lambda one: one[0])
    if share < max(NOTABLE_SHARE, min(BLOCKING_SHARE, NOTABLE / arm.units)):
        return passed("outliers", "No user makes a large part of the requests.")
    message = f"One user makes {100 * share:.3g} % of the requests of {name}; it may be a bot."
    if share < max(BLOCKING_SHARE, NOTABLE / arm.units):
        return warned("outliers", f"{message} It counts for no more than the cap.")
    return failed("outliers", f"{message} Leave it out, or show that it is a user like all others.")
