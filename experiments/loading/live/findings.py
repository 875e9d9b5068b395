"""What the units and the reports of a live test say about its health: placeholders, one heavy unit, lost outcomes."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.live.assignment import BUCKETS
from experiments.live.layers import size
from experiments.live.units import PLACEHOLDERS
from experiments.loading.live.folds import fold_of
from experiments.loading.runs.blueprint import Blueprint
from experiments.vocabulary import HealthStatus
from experiments.wording import count, metric_name
from storage.live_findings import Reporter, busiest_caller, busiest_reporter, report_counts, units_named
from storage.live_sums import Traffic
from storage.records import LivePhaseRecord
from storage.store import Transaction

HEAVY = 0.01
"""A unit with a larger share of its variant's reports is pointed out, unless units are so few that it is usual."""
TIMES_USUAL = 5
SWAMPS = 0.2
"""A placeholder with a larger share is most of what its variant's measure says, wherever each report counts."""
BLOCKS = 0.1
"""From this share on, and 10 times the usual one, a user stops a ship, as in ``comparisons.heavy_users``."""
TIMES_BLOCKING = 10
MOSTLY = 0.5
MOST_NAMED = 3
Fact = tuple[str, HealthStatus, str]


def findings(tx: Transaction, blueprint: Blueprint, phase: LivePhaseRecord, traffic: Traffic) -> Iterator[Fact]:
    """The facts, each with the name of its check."""
    yield from _units(tx, blueprint, phase)
    yield from _reports(tx, phase)
    yield from _unknown_cost(blueprint, traffic)


def _units(tx: Transaction, blueprint: Blueprint, phase: LivePhaseRecord) -> Iterator[Fact]:
    metric = blueprint.spec.plan.primary.metric
    live = blueprint.spec.live
    outcome = next((o for o in live.outcomes if o.metric == metric), None) if live else None
    heaviest = busiest_reporter(tx.session, phase, metric) if outcome else busiest_caller(tx.session, phase)
    named = units_named(tx.session, phase, PLACEHOLDERS)
    heavy = heaviest is not None and _is_heavy(heaviest)
    if named:
        names = ", ".join(f"'{name}'" for name in sorted(named, key=lambda n: (-named[n], n))[:MOST_NAMED])
        which = f"{names} is a placeholder" if len(named) == 1 else f"{names} are placeholders"
        message = f"The user {which} of a missing name, not one person"
        if len(named) > 1:
            message = f"The users {which} of missing names, not persons"
        reports = sum(named.values())
        swamped = False
        if heaviest is not None and heavy and heaviest.unit in named:
            message += f": {_share(heaviest, blueprint)}"
            counts_each = outcome is None or fold_of(outcome) == "requests"
            swamped = counts_each and heaviest.events > SWAMPS * heaviest.of_variant
        elif reports:
            message += f", with {count(reports, 'report')}"
        status = HealthStatus.FAIL if swamped else HealthStatus.WARN
        yield ("placeholder_units", status, f"{message}. Send real names, or none; then begin a new phase.")
    if heaviest is not None and heavy and heaviest.unit not in named:
        message = f"One user makes {_share(heaviest, blueprint)}; it may be a bot."
        counts_each = outcome is None or fold_of(outcome) == "requests"
        share = heaviest.events / heaviest.of_variant
        if counts_each and share >= max(BLOCKS, TIMES_BLOCKING / heaviest.units):
            yield ("outliers", HealthStatus.FAIL, f"{message} Leave it out, then begin a new phase.")
        else:
            yield ("outliers", HealthStatus.WARN, message)


def _is_heavy(heaviest: Reporter) -> bool:
    return heaviest.events / heaviest.of_variant > max(HEAVY, TIMES_USUAL / heaviest.units)


def _share(heaviest: Reporter, blueprint: Blueprint) -> str:
    outcomes = blueprint.spec.live.outcomes if blueprint.spec.live else ()
    metric = blueprint.spec.plan.primary.metric
    reported = any(outcome.metric == metric for outcome in outcomes)
    what = f"reports of {metric_name(metric)}" if reported else "requests"
    per_cent = 100 * heaviest.events / heaviest.of_variant
    return f"{per_cent:.3g} % of the {what} of {heaviest.variant} ({heaviest.events:,} of {heaviest.of_variant:,})"


def _reports(tx: Transaction, phase: LivePhaseRecord) -> Iterator[Fact]:
    counts = report_counts(tx.session, phase)
    if counts.voided:
        yield ("voided", HealthStatus.OK, f"{count(counts.voided, 'outcome')} voided; they are in no sum.")
    if counts.too_large:
        message = f"{count(counts.too_large, 'outcome')} too large to be summed up; they are in no sum."
        yield ("out_of_range", HealthStatus.WARN, f"{message} Take them back: bakeoff outcomes void ID --reason …")
    if counts.unmatched:
        enrols_all = size((first, end) for first, end in phase.enrolled) == BUCKETS and not phase.settings["targeting"]
        lost = enrols_all and counts.unmatched > MOSTLY * counts.reported
        message = f"{counts.unmatched:,} of {count(counts.reported, 'outcome')} name users who met no variant so far."
        hint = " Report with the very name that was assigned." if lost else ""
        yield ("unmatched", HealthStatus.WARN if lost else HealthStatus.OK, message + hint)


def _unknown_cost(blueprint: Blueprint, traffic: Traffic) -> Iterator[Fact]:
    """A limit on cost that cannot act, because nobody knows what the calls cost."""
    plan = blueprint.spec.plan
    deciding = {plan.primary.metric, *(guardrail.metric for guardrail in plan.guardrails)}
    if plan.swap_goal is not None:
        deciding.add(plan.swap_goal.metric)
    unknown = int(sum(arm["unknown"] for arm in traffic.calls.values()))
    if "cost_usd" in deciding and unknown:
        calls = int(sum(arm["calls"] for arm in traffic.calls.values()))
        cannot = (
            "the plan's limit on cost cannot act"
            if unknown == calls
            else "what the plan says of cost rests on the rest"
        )
        message = f"The cost of {unknown:,} of {count(calls, 'call')} is unknown: {cannot}."
        yield ("cost_unknown", HealthStatus.WARN, f"{message} Type the model's price into Settings.")
