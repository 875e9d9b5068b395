"""Which column is what: a proposal that its owner confirms or changes, never a decision."""

from __future__ import annotations

import re
from dataclasses import dataclass

from experiments.datasets.profiles import ColumnProfile, TableProfile

REFERENCE_NAMES = ("reference", "expected", "expected_output", "answer", "target", "ideal", "label")
"""Names under which test sets keep the right answer, the most telling first."""

_UNIT_NAME = re.compile(r"(?:^|[_ .-])(?:id|uuid|key|nr|no|number)$", re.IGNORECASE)
_CLUSTER_NAME = re.compile(
    r"(?:customer|client|user|account|conversation|thread|session|document|author|patient|company|organi[sz]ation)"
    r"(?:[_ .-]?(?:id|uuid|key|name))?$",
    re.IGNORECASE,
)
_MAX_ID_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class RoleProposal:
    """Column names by role; each column has at most one, and ``inputs`` are those left over."""

    inputs: tuple[str, ...]
    reference: str | None
    unit: str | None
    cluster: str | None
    slices: tuple[str, ...]


def propose_roles(profile: TableProfile) -> RoleProposal:
    """The likely roles of the columns of a table, from their names and contents.

    A unit id is unique, short, without white space and named like an id. A cluster is named like an owner
    and repeats. Slices have few levels. A single remaining column is never given away: something must be the
    input.
    """
    left = {column.name: column for column in profile.columns}
    reference = reference_column(list(left))
    unit = next((c.name for c in left.values() if _is_unit(c)), None)
    taken = {reference, unit}
    cluster = next((c.name for c in left.values() if c.name not in taken and _is_cluster(c)), None)
    taken.add(cluster)
    slices = tuple(c.name for c in left.values() if c.name not in taken and c.levels)
    inputs = tuple(name for name in left if name not in taken and name not in slices)
    if not inputs and slices:
        inputs, slices = slices[:1], slices[1:]
    elif not inputs:
        return RoleProposal(tuple(left), None, None, None, ())
    return RoleProposal(inputs, reference, unit, cluster, slices)


def reference_column(names: list[str]) -> str | None:
    """The column that is named like the right answer, or None; case and separators do not matter."""
    plain = {re.sub(r"[\s_-]+", "_", name).lower(): name for name in reversed(names)}
    return next((plain[name] for name in REFERENCE_NAMES if name in plain), None)


def _is_unit(column: ColumnProfile) -> bool:
    example = column.example or ""
    short = column.longest_characters <= _MAX_ID_CHARACTERS and not re.search(r"\s", example)
    return column.unique and short and _UNIT_NAME.search(column.name) is not None


def _is_cluster(column: ColumnProfile) -> bool:
    return column.distinct > 1 and column.repeated.count > 0 and _CLUSTER_NAME.search(column.name) is not None
