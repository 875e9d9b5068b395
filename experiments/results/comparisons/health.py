"""Whether the evidence may be judged at all: same rows, failures, split, size, duration, raters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.errors import nearest
from experiments.results.comparisons.columns import Flags
from experiments.results.comparisons.question import Study
from experiments.results.comparisons.targets import Target
from experiments.results.comparisons.unit_table import MetricValues
from experiments.stats.paired import PairTable, mcnemar_mid_p
from experiments.stats.proportions import score_test
from experiments.stats.srm import split_check
from experiments.vocabulary import Design, HealthStatus, MetricKind
from experiments.wording import count, metric_name

APART = 0.02
"""Failure rates further apart than this block the verdict, whatever their p-value."""
DIFFERENT = 0.05
CROSSED = 0.01
FEW_CLUSTERS = 15
FEWEST_CLUSTERS = 6
LIVE_DAYS = 7
RETRY = "Retry those first, or count failures as 0."
LOOK = "Look at why there is none before reading any result."
MINIMUM_OFFLINE = 30
MINIMUM_LIVE = 100


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check: its name, ``ok``, ``warn`` or ``fail`` (blocks the verdict), and a sentence for people."""

    check: str
    status: HealthStatus
    message: str

    def to_json(self) -> dict[str, str]:
        """Plain JSON values."""
        return {"check": self.check, "status": self.status.value, "message": self.message}


def passed(check: str, message: str) -> HealthCheck:
    """A check that is fine."""
    return HealthCheck(check, HealthStatus.OK, message)


def warned(check: str, message: str) -> HealthCheck:
    """A check that is shown beside the verdict."""
    return HealthCheck(check, HealthStatus.WARN, message)


def failed(check: str, message: str) -> HealthCheck:
    """A check that blocks the verdict."""
    return HealthCheck(check, HealthStatus.FAIL, message)


def control_check(study: Study) -> HealthCheck:
    """The control has rows, and there is somebody to compare with it."""
    if not study.table.has(study.control):
        told = f"The control {study.control} has no results; there is nothing to compare with."
        return failed("control", f"{told} {nearest(study.control, sorted(study.table.seen))}")
    if not study.challengers:
        return failed("control", f"Only {study.control} has results; there is nothing to compare it with.")
    return passed("control", f"Compared with {study.control}.")


def same_rows_check(study: Study, primary: Target, *, complete: bool) -> HealthCheck | None:
    """Every variant has the same rows; while a run is under way rows that are still to come only count as such."""
    if study.design is not Design.PAIRED:
        return None
    checks = []
    for name, values, control, treatment in _challengers(study, primary):
        # People rate what they get to see: an output nobody has rated yet is no missing row.
        complete = complete and not values.rated
        seen = study.mask & (values.present[control] | values.present[treatment])
        gone = (~values.present[control][seen], ~values.present[treatment][seen])
        check = _gap(
            "same_rows", (study.control, name), gone, verb="rows are missing", cure="Run the missing rows first."
        )
        under_way = not complete and check.status is HealthStatus.FAIL
        checks.append(warned(check.check, check.message) if under_way else check)
    return _worst(checks) or passed("same_rows", "Every variant has the same rows.")


def error_rates_check(study: Study, primary: Target) -> HealthCheck:
    """Failures do not fall on one variant: McNemar's test on the same rows, else the score test; or 2 points.

    A failure is a call without an answer. An answer without a score is none: ``unscored_check``.
    """
    rows = "rows failed" if study.design is Design.PAIRED else "users' calls failed"
    checks = [
        _lost("error_rates", study, name, (control, treatment), (values.errors, values.present), verb=rows, cure=RETRY)
        for name, values, control, treatment in _challengers(study, primary)
    ]
    return _worst(checks) or passed("error_rates", "No variant failed more often than another.")


def unscored_check(study: Study, primary: Target) -> HealthCheck | None:
    """Answers without a score do not fall on one variant; tested as failures are. None when they do not."""
    what = f"{'rows' if study.design is Design.PAIRED else 'users'} have no {metric_name(primary.metric)}"
    checks = [
        _lost(
            "unscored",
            study,
            name,
            (control, treatment),
            (values.failed & ~values.errors, values.present & ~values.errors),
            verb=what,
            cure=LOOK,
        )
        for name, values, control, treatment in _challengers(study, primary)
    ]
    found = _worst(checks)
    return found if found is not None and found.status is HealthStatus.FAIL else None


def _lost(
    check: str,
    study: Study,
    name: str,
    codes: tuple[int, int],
    flags: tuple[Flags, Flags],
    *,
    verb: str,
    cure: str,
) -> HealthCheck:
    """The finding on one challenger from flags (variants × units) of what was lost and what there is."""
    lost, there = ([held[code] for code in codes] for held in flags)
    names = (study.control, name)
    if study.design is Design.PAIRED:
        both = study.mask & there[0] & there[1]
        return _gap(check, names, (lost[0][both], lost[1][both]), verb=verb, cure=cure)
    counts = [(int((lost[i] & there[i] & study.mask).sum()), int((there[i] & study.mask).sum())) for i in (0, 1)]
    return _gap_of_counts(check, names, (counts[0], counts[1]), verb=verb, cure=cure)


def lost_check(control: str, lost: Mapping[str, tuple[int, int]]) -> HealthCheck:
    """The same for independent users known by counts only: (without a value, all) per variant."""
    checks = [
        _gap_of_counts("error_rates", (control, name), (lost[control], lost[name]), verb="have no value", cure=LOOK)
        for name in sorted(lost)
        if name != control and control in lost
    ]
    return _worst(checks) or passed("error_rates", "No variant lost more values than another.")


def _challengers(study: Study, primary: Target) -> list[tuple[str, MetricValues, int, int]]:
    values = study.table.metrics.get(primary.metric)
    if values is None or not study.table.has(study.control) or values.definition.kind is MetricKind.PREFERENCE:
        return []
    control = study.table.code(study.control)
    known = [name for name in study.challengers if study.table.has(name)]
    return [(name, values, control, study.table.code(name)) for name in known]


def _gap(check: str, names: tuple[str, str], lost: tuple[Flags, Flags], *, verb: str, cure: str) -> HealthCheck:
    """Compares the share of lost rows of two variants on the same rows, by McNemar's test."""
    table = PairTable.of(lost[0].astype(np.float64), lost[1].astype(np.float64))
    counts = [(int(flags.sum()), len(flags)) for flags in lost]
    return _judged_gap(check, names, (counts[0], counts[1]), mcnemar_mid_p(table), verb=verb, cure=cure)


def _gap_of_counts(
    check: str, names: tuple[str, str], counts: tuple[tuple[int, int], tuple[int, int]], *, verb: str, cure: str
) -> HealthCheck:
    """Compares the share of lost users of two independent variants, by the score test."""
    p_value = score_test(*counts) if min(size for _, size in counts) else 1.0
    return _judged_gap(check, names, counts, p_value, verb=verb, cure=cure)


def _judged_gap(
    check: str,
    names: tuple[str, str],
    counts: tuple[tuple[int, int], tuple[int, int]],
    p_value: float,
    *,
    verb: str,
    cure: str,
) -> HealthCheck:
    (lost0, all0), (lost1, all1) = counts
    if lost0 + lost1 == 0 or not min(all0, all1):
        return passed(check, "")
    told = f"{lost0} of {all0} {verb} for {names[0]}, {lost1} of {all1} for {names[1]}"
    apart = abs(lost0 / all0 - lost1 / all1) > APART and abs(lost0 - lost1) > 1
    if apart or p_value < DIFFERENT:
        return failed(check, f"{told}. {cure}")
    return warned(check, f"{told}; they are left out.")


def _worst(checks: Sequence[HealthCheck]) -> HealthCheck | None:
    """The first failing check, else the first warning, else None."""
    for status in (HealthStatus.FAIL, HealthStatus.WARN):
        for check in checks:
            if check.status is status:
                return check
    return None


def units_check(n_units: int, *, minimum: int, live: bool) -> HealthCheck:
    """There are enough independent units for any verdict."""
    told = f"{count(n_units, 'user')} per variant" if live else count(n_units, "row")
    if n_units < minimum:
        return failed("units", f"Only {told} so far; a verdict needs at least {minimum}.")
    return passed("units", f"{told}.")


def clusters_check(study: Study) -> HealthCheck | None:
    """There are enough clusters to know how much they differ."""
    if study.table.clusters is None:
        return None
    n_clusters = len(np.unique(study.table.clusters[study.mask])) if study.mask.any() else 0
    if n_clusters < FEWEST_CLUSTERS:
        return failed(
            "clusters", f"All rows come from {count(n_clusters, 'cluster')}; at least {FEWEST_CLUSTERS} are needed."
        )
    if n_clusters < FEW_CLUSTERS:
        return warned("clusters", f"All rows come from only {n_clusters} clusters, so ranges are wide.")
    return passed("clusters", f"{count(n_clusters, 'cluster')}.")


def missing_check(study: Study, metrics: Sequence[str]) -> HealthCheck:
    """Which metrics have no value on some rows that were run; their pairs are left out where they are compared."""
    gaps = []
    for name in metrics:
        values = study.table.metrics.get(name)
        if values is None:
            continue
        lost, tried = int((values.failed & study.mask).sum()), int((values.present & study.mask).sum())
        if lost:
            gaps.append(f"{metric_name(name)} on {lost:,} of {tried:,}")
    if not gaps:
        return passed("missing", "Every row that was run has all its values.")
    return warned("missing", f"Values are missing: {', '.join(gaps)}; those rows are left out of these comparisons.")


def duplicates_check(study: Study) -> HealthCheck | None:
    """No row of the table stands there twice."""
    repeated = sum(values.duplicates for values in study.table.metrics.values())
    if not repeated:
        return None
    return warned("duplicates", f"In the table {count(repeated, 'row')} came more than once; each counts once.")


def removed_check(seen_before: int, seen_now: int, *, unit: str) -> HealthCheck | None:
    """No unit left the evidence after its effects were seen: choosing what stays is choosing the result."""
    if seen_now >= seen_before:
        return None
    gone = count(seen_before - seen_now, unit)
    return failed(
        "removed",
        f"The result was read with {count(seen_before, unit)} and has {seen_now:,} now: {gone} removed after a look. "
        "Bring them back, or plan a new experiment on rows that nobody has seen.",
    )


def split_checks(
    counts: Mapping[str, int], weights: Mapping[str, float] | None, *, crossed: int, watched: bool
) -> list[HealthCheck]:
    """Live traffic was split as planned, and few units met two variants; without weights the split is even."""
    planned = weights or dict.fromkeys(counts, 1.0)
    total, weight = sum(counts.values()), sum(planned.values())
    check = split_check(counts, planned, watched=watched)
    told = ", ".join(f"{count(seen, 'user')} saw {name}" for name, seen in sorted(counts.items()))
    shares = ", ".join(f"{name} {100 * planned.get(name, 0.0) / weight:.3g} %" for name in sorted(counts))
    found = [
        failed("srm", f"The split is off: {told}; planned was {shares}. Fix the assignment before reading any result.")
        if check.off
        else passed("srm", f"The split is as planned: {told}.")
    ]
    if crossed and crossed >= CROSSED * (total + crossed):
        found.append(failed("crossover", f"{count(crossed, 'user')} met more than one variant. Fix the assignment."))
    elif crossed:
        found.append(warned("crossover", f"Left out: {count(crossed, 'user')} who met more than one variant."))
    return found


def duration_check(days: float | None, *, least: float = LIVE_DAYS) -> HealthCheck:
    """A live test covers all days of the week, unless ``least`` asks for fewer days."""
    if days is None:
        return warned("duration", f"It is not known how long this ran; a live test needs {least:g} full days.")
    if days < least:
        return failed("duration", f"It has run for {int(days)} of {least:g} days; weekdays and weekends differ.")
    return passed("duration", f"It has run for {int(days)} days.")
