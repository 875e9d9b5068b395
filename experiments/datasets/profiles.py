"""What the columns of a table look like: gaps, repeats, constants, levels, personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.datasets.personal_data import PersonalKind, count_personal_data
from experiments.datasets.table import Notice, Table

FEW_PLACES = 5
MAX_LEVELS = 20
MIN_ROWS_PER_LEVEL = 5
_PERSONAL_WORDS: dict[PersonalKind, str] = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "card": "payment card numbers",
    "iban": "bank account numbers",
}


@dataclass(frozen=True, slots=True)
class Found:
    """How often something occurs, and where the first few are (``line 17``)."""

    count: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: ``missing`` cells have no value, ``empty`` ones only spaces, ``repeated`` ones stood above.

    ``levels`` are the distinct texts of a column that is fit for slices (2 to 20 short ones, five rows each
    on average), else none. ``example`` is the first text that is not empty. ``unique`` is true when every
    row has a text of its own.
    """

    name: str
    missing: Found
    empty: Found
    repeated: Found
    distinct: int
    longest_characters: int
    example: str | None
    constant: bool
    unique: bool
    levels: tuple[str, ...]
    personal_data: Mapping[PersonalKind, int]


@dataclass(frozen=True, slots=True)
class TableProfile:
    """All columns of a table, the rows that stand in it twice, and what its owner should hear of that."""

    rows: int
    repeated_rows: Found
    columns: tuple[ColumnProfile, ...]
    notices: tuple[Notice, ...]

    def column(self, name: str) -> ColumnProfile:
        """The profile of one column. Raises KeyError for an unknown name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def profile_table(table: Table) -> TableProfile:
    """The profile of a table; one pass per column, so that only one column's texts are indexed at a time."""
    columns = tuple(_profile(table, name) for name in table.columns)
    repeated = _repeated(table, table.rows)
    return TableProfile(len(table.rows), repeated, columns, tuple(_notices(repeated, columns)))


def _profile(table: Table, name: str) -> ColumnProfile:
    cells = table.column(name)
    counts = Counter(cell for cell in cells if cell and not cell.isspace())
    filled = counts.total()
    return ColumnProfile(
        name=name,
        missing=_found(table, [i for i, cell in enumerate(cells) if cell is None]),
        empty=_found(table, [i for i, cell in enumerate(cells) if cell is not None and not cell.strip()]),
        repeated=_repeated(table, [cell if cell and cell.strip() else None for cell in cells]),
        distinct=len(counts),
        longest_characters=max((len(text) for text in counts), default=0),
        example=next(iter(counts), None),
        constant=len(counts) == 1 and filled == len(cells) and len(cells) > 1,
        unique=len(counts) == len(cells) and len(cells) > 1,
        levels=_levels(counts, len(cells)),
        personal_data=count_personal_data(counts),
    )


def _levels(counts: Counter[str], rows: int) -> tuple[str, ...]:
    fit = 2 <= len(counts) <= MAX_LEVELS and rows >= MIN_ROWS_PER_LEVEL * len(counts)
    if not fit or any(len(level) > 60 or "\n" in level for level in counts):
        return ()
    return tuple(sorted(counts, key=lambda level: (-counts[level], level)))


def _repeated(table: Table, values: Sequence[object]) -> Found:
    seen: set[object] = set()
    again = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            again.append(index)
        seen.add(value)
    return _found(table, again)


def _found(table: Table, indices: Sequence[int]) -> Found:
    return Found(len(indices), tuple(table.place(i) for i in indices[:FEW_PLACES]))


def _notices(repeated: Found, columns: Sequence[ColumnProfile]) -> list[Notice]:
    notices = []
    if repeated.count:
        verb = "repeats" if repeated.count == 1 else "repeat"
        notices.append(Notice("repeated_rows", f"{_rows(repeated.count)} {verb} an earlier row: {_where(repeated)}."))
    for column in columns:
        gaps = column.missing.count + column.empty.count
        if gaps:
            first = column.missing if column.missing.count else column.empty
            text = f"'{column.name}' is empty in {_rows(gaps)}: {_where(first)}."
            notices.append(Notice("empty_cells", text))
        if column.constant:
            notices.append(Notice("constant_column", f"'{column.name}' is the same in every row."))
        for kind, count in column.personal_data.items():
            text = f"'{column.name}' seems to hold {_PERSONAL_WORDS[kind]} ({count} different cells)."
            notices.append(Notice("personal_data", text))
    return notices


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _where(found: Found) -> str:
    more = " and more" if found.count > len(found.places) else ""
    return ", ".join(found.places) + more
