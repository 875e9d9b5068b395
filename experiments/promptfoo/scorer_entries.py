"""The checks of all tests → entries of ``scorers:``, and columns for what differs from test to test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.datasets.plain_names import nearest_plain_name
from experiments.experiment_file import ScorerEntry
from experiments.plans.plan import SYSTEM_METRICS
from experiments.promptfoo.checks import REFERENCE, Check
from experiments.promptfoo.findings import Findings
from experiments.promptfoo.whole_test import joined_patterns
from experiments.vocabulary import canonical_json

WHOLE_TEST = "passes_test"
Subject = str | tuple[str, ...] | Mapping[str, Any] | None


@dataclass(slots=True)
class ScorerPlan:
    """What the checks became: ``entries`` for the experiment file, ``metrics`` in their order, columns by name.

    ``columns[name][i]`` is the cell of test ``i``, None where that test does not have the check.
    """

    entries: list[ScorerEntry] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    columns: dict[str, list[str | None]] = field(default_factory=dict)
    reference: str | None = None


def plan_scorers(
    checks: Sequence[Sequence[Check]], variables: Sequence[Mapping[str, str]], findings: Findings
) -> ScorerPlan:
    """One scorer for each group of like checks; ``checks[i]`` and ``variables[i]`` belong to test ``i``.

    A subject that is the same in all tests becomes an option, else a column. What has neither is refused: a
    scorer without a column scores every row.
    """
    plan = ScorerPlan()
    for group in _groups(checks).values():
        first = next(iter(group.values()))
        metric = _free_name(first.assertion.metric or first.metric, [*plan.metrics, *SYSTEM_METRICS])
        options = dict(first.options)
        subjects: list[Subject] = [group[i].subject if i in group else None for i in range(len(checks))]
        everywhere = len(group) == len(checks)
        same = everywhere and len({_key(subject) for subject in subjects}) == 1
        if first.subject_option == REFERENCE:
            if not _use_reference(plan, group, subjects, variables, findings):
                continue
        elif same and first.subject_option is not None:
            options[first.subject_option] = _listed(first.subject)
        elif first.by_column:
            options["column"] = _column(plan, f"expected_{metric}", [_cell(s, first) for s in subjects], variables)
        elif not same:
            for check in group.values():
                what = "which only some tests ask" if not everywhere else "which differs from test to test"
                findings.refuse(check.assertion.place, f"{check.assertion.spelled()}, {what}")
            continue
        plan.entries.append(_entry(first.scorer, metric, options))
        plan.metrics.append(metric)
    _add_whole_tests(plan, checks, variables, findings)
    return plan


def _add_whole_tests(
    plan: ScorerPlan,
    checks: Sequence[Sequence[Check]],
    variables: Sequence[Mapping[str, str]],
    findings: Findings,
) -> None:
    """Put "the test passes" in front when no check is asked of every test and all of them can be joined."""
    patterns = joined_patterns(checks)
    if patterns is None or not plan.metrics:
        return
    metric = _free_name(WHOLE_TEST, plan.metrics)
    plan.entries.insert(
        0, _entry("regex", metric, {"column": _column(plan, f"expected_{metric}", patterns, variables)})
    )
    plan.metrics.insert(0, metric)
    findings.note(f"No check is asked of every test, so '{metric}' was added: 1 when an answer passes its whole test.")


def _groups(checks: Sequence[Sequence[Check]]) -> dict[tuple[str, str, str, int], dict[int, Check]]:
    """Like checks of different tests: the same scorer, options and label, counted within each test."""
    groups: dict[tuple[str, str, str, int], dict[int, Check]] = {}
    for index, row in enumerate(checks):
        seen: dict[tuple[str, str, str], int] = {}
        for check in row:
            label = check.assertion.metric or check.metric
            like = (check.scorer, canonical_json(check.options), label)
            seen[like] = seen.get(like, 0) + 1
            groups.setdefault((*like, seen[like]), {})[index] = check
    return groups


def _use_reference(
    plan: ScorerPlan,
    group: Mapping[int, Check],
    subjects: Sequence[Subject],
    variables: Sequence[Mapping[str, str]],
    findings: Findings,
) -> bool:
    """Whether the subjects are the expected output of the experiment, which there is only one of."""
    cells = [subject if isinstance(subject, str) else None for subject in subjects]
    if plan.reference is None:
        plan.reference = _column(plan, "expected", cells, variables)
        return True
    known = plan.columns.get(plan.reference) or [row.get(plan.reference) for row in variables]
    if known == cells:
        return True
    for check in group.values():
        what = f"{check.assertion.spelled()} with another expected text (an experiment has one per row)"
        findings.refuse(check.assertion.place, what)
    return False


def _column(plan: ScorerPlan, name: str, cells: list[str | None], variables: Sequence[Mapping[str, str]]) -> str:
    """The variable that holds exactly these cells, else a new column."""
    for variable in variables[0]:
        if [row.get(variable) for row in variables] == cells:
            return variable
    taken = [*plan.columns, *{variable for row in variables for variable in row}]
    free = _free_name(name, taken)
    plan.columns[free] = cells
    return free


def _cell(subject: Subject, check: Check) -> str | None:
    """The text of a column: a list of texts as JSON; so is one text that would be read as several."""
    if subject is None or (isinstance(subject, str) and check.subject_option == "pattern"):
        return subject
    if isinstance(subject, str) and subject == subject.strip() and not re.search(r"[\r\n]|^\[", subject):
        return subject
    return canonical_json([subject] if isinstance(subject, str) else _listed(subject))


def _listed(subject: Subject) -> Any:  # noqa: ANN401
    return list(subject) if isinstance(subject, tuple) else subject


def _key(subject: Subject) -> str:
    return canonical_json(_listed(subject))


def _free_name(wanted: str, taken: Sequence[str]) -> str:
    name = nearest_plain_name(wanted, otherwise="check")
    number = 2
    free = name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def _entry(scorer: str, metric: str, options: dict[str, Any]) -> ScorerEntry:
    if metric == scorer and not options:
        return scorer
    named = {} if metric == scorer else {"name": metric}
    return {scorer: {**named, **options}}
