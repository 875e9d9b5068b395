"""Prompt variables ↔ columns of a dataset: what fits by itself, what is proposed, what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.errors import BakeoffError

How = Literal["given", "same_name", "same_letters"]
_NEAR = 70.0


@dataclass(frozen=True, slots=True)
class Match:
    """One variable; without a ``column``, ``proposal`` may name one that is spelled alike.

    ``how``: given by the user, the same name, or the same letters (case and separators aside). ``example``
    is the first text of the column in the sample rows, empty cells aside.
    """

    variable: str
    column: str | None
    how: How | None
    proposal: str | None
    example: str | None


@dataclass(frozen=True, slots=True)
class Matching:
    """All variables in their order."""

    matches: tuple[Match, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables without a column; a run may not start while there are any."""
        return tuple(m.variable for m in self.matches if m.column is None)

    def inputs(self) -> dict[str, str]:
        """Variable → column, without the missing ones."""
        return {m.variable: m.column for m in self.matches if m.column is not None}

    def require_complete(self) -> None:
        """Raise BakeoffError ``missing_columns`` that names the variables without a column."""
        if not self.missing:
            return
        names = ", ".join(f"{{{{{name}}}}}" for name in self.missing)
        near = [f"{m.variable}: {m.proposal}" for m in self.matches if m.column is None and m.proposal]
        what = f"No column gives {names}."
        add = f" Perhaps {', '.join(near)}?" if near else ""
        raise BakeoffError("missing_columns", what, f"Name the column under 'inputs'.{add}")


def match_columns(
    variables: Sequence[str],
    columns: Sequence[str],
    *,
    mapping: Mapping[str, str] | None = None,
    sample: Iterable[Mapping[str, str | None]] = (),
) -> Matching:
    """The column of each variable: as mapped, else of the same name, else the only one of the same letters.

    Near spellings are proposals only. ``sample`` holds rows of the dataset for the example values.

    Raises:
        BakeoffError: ``unknown_column`` or ``unknown_variable`` when the mapping names what does not exist.
    """
    given = dict(mapping or {})
    _check_mapping(given, variables, columns)
    rows = list(sample)
    matches = []
    for variable in dict.fromkeys(variables):
        column, how = _column_of(variable, columns, given)
        proposal = None if column else nearest(variable, columns)
        matches.append(Match(variable, column, how, proposal, _example(rows, column)))
    return Matching(tuple(matches))


def check_column(name: str, columns: Sequence[str], *, role: str) -> str:
    """The column itself when it exists; ``role`` says what it was wanted for.

    Raises:
        BakeoffError: ``unknown_column`` with the nearest name.
    """
    if name in columns:
        return name
    near = nearest(name, columns)
    hint = f"Did you mean '{near}'?" if near else f"There are: {', '.join(columns[:12])}."
    raise BakeoffError("unknown_column", f"There is no column '{name}' ({role}).", hint)


def nearest(name: str, names: Sequence[str]) -> str | None:
    """The name that is spelled most alike, or None when none is near."""
    from rapidfuzz import fuzz, process

    found = process.extractOne(_letters(name), [_letters(n) for n in names], scorer=fuzz.WRatio, score_cutoff=_NEAR)
    return names[found[2]] if found else None


def _check_mapping(given: Mapping[str, str], variables: Sequence[str], columns: Sequence[str]) -> None:
    for variable, column in given.items():
        if variable not in variables:
            near = nearest(variable, variables)
            hint = f"Did you mean '{near}'?" if near else f"The prompts use: {', '.join(variables) or 'none'}."
            raise BakeoffError("unknown_variable", f"No prompt has the variable '{variable}'.", hint)
        check_column(column, columns, role=f"wanted for the variable '{variable}'")


def _column_of(variable: str, columns: Sequence[str], given: Mapping[str, str]) -> tuple[str | None, How | None]:
    if variable in given:
        return given[variable], "given"
    if variable in columns:
        return variable, "same_name"
    for fold in (str.casefold, _letters):
        alike = [column for column in columns if fold(column) == fold(variable)]
        if len(alike) == 1:
            return alike[0], "same_letters"
        if alike:
            break
    return None, None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold() or name


def _example(rows: Sequence[Mapping[str, str | None]], column: str | None) -> str | None:
    if column is None:
        return None
    return next((cell for row in rows if (cell := row.get(column)) and cell.strip()), None)
