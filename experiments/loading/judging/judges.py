"""Judges as experiments name them: saved checks by name and version, and the number that a judge's version has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.errors import BakeoffError, NotFound, nearest
from experiments.experiment_file import ExperimentSpec, ScorerEntry
from experiments.judges import JUDGE, Judge
from experiments.judges.ready_made import READY_MADE
from storage.records import CheckVersionRecord
from storage.store import Transaction


def with_checks(tx: Transaction, entries: Iterable[ScorerEntry]) -> list[ScorerEntry]:
    """The entries with what saved checks stand for in place of their names (``check: helpful@2``).

    What stands beside ``check`` is laid over the saved entry (another ``name``, another ``model``).

    Raises:
        NotFound: no check or version of that name; BakeoffError ``bad_check``.
    """
    return [_resolved(tx, entry) for entry in entries]


def with_resolved_checks(tx: Transaction, spec: ExperimentSpec) -> ExperimentSpec:
    """The spec with its scorers resolved as in ``with_checks``, so that it holds what was meant when it was made."""
    scorers = tuple(with_checks(tx, spec.scorers))
    return spec if scorers == spec.scorers else spec.model_copy(update={"scorers": scorers})


def find_check_version(tx: Transaction, reference: str) -> tuple[str, CheckVersionRecord]:
    """(``name@number``, the version) that ``NAME`` (newest) or ``NAME@NUMBER`` names. Raises NotFound."""
    name, _, number = reference.partition("@")
    check = tx.checks.by_name(name)
    if check is None:
        known = [*(c.name for c in tx.checks.all()), *READY_MADE]
        raise NotFound("no_such_check", f"There is no quality check '{name[:120]}'.", nearest(name, known))
    versions = tx.checks.versions(check.id)
    found = versions[0] if not number else next((v for v in versions if str(v.number) == number), None)
    if found is None:
        told = f"The quality check '{name}' has no version {number[:20]}."
        raise NotFound("no_such_version", told, f"The newest is {versions[0].number}.")
    return f"{check.name}@{found.number}", found


def judge_label(tx: Transaction, experiment_id: str, judge: Judge) -> str:
    """``name@number`` of a judge: its saved check's, else the count of versions that its metric has had here."""
    if judge.spec.check is not None:
        return judge.spec.check
    uses = [u for u in tx.experiments.scorers(experiment_id, active_only=False) if u.metric == judge.metric]
    number = next((i for i, use in enumerate(uses, 1) if use.fingerprint == judge.fingerprint), len(uses))
    return f"{judge.metric}@{number}"


def _resolved(tx: Transaction, entry: ScorerEntry) -> ScorerEntry:
    options = _options(entry)
    if options is None or "check" not in options or "rubric" in options or "criteria" in options:
        return entry
    ready = READY_MADE.get(str(options["check"]))
    if ready is not None and tx.checks.by_name(str(options["check"])) is None:
        return {JUDGE: {**ready, **{k: v for k, v in options.items() if k != "check"}}}
    label, version = find_check_version(tx, str(options["check"]))
    saved = version.entry.get(JUDGE) if isinstance(version.entry, Mapping) else None
    if not isinstance(saved, Mapping):
        raise BakeoffError("bad_check", f"'{label}' is no judge.", "Write its rule under 'scorers' itself.")
    return {JUDGE: {**saved, **options, "check": label}}


def _options(entry: ScorerEntry) -> Mapping[str, Any] | None:
    if not isinstance(entry, dict) or JUDGE not in entry:
        return None
    given = entry[JUDGE]
    if isinstance(given, str):
        return {"check": given}
    return given if isinstance(given, Mapping) else None
