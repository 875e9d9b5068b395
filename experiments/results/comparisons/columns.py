"""The columns of the analysis table as arrays: codes for names, numbers for values, one sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.errors import BakeoffError
from experiments.stats.clustered import Codes, Floats
from experiments.vocabulary import RowStatus

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("variant", "unit_id", "metric", "value")
ANSWERED = (RowStatus.OK.value, RowStatus.REFUSED.value)
LARGEST = 1e60
"""Beyond this size third and fourth powers, which skewness and spread need, leave the range of floating point."""
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]


def check_columns(table: pd.DataFrame, slices: Sequence[str]) -> None:
    """Nothing when the table has what it needs.

    Raises:
        BakeoffError: ``bad_table``.
    """
    missing = [name for name in (*REQUIRED, *slices) if name not in table.columns]
    if missing:
        raise _bad(f"no column {missing[0]!r}.", f"It needs {', '.join(REQUIRED)}, and a column for each slice.")
    for name in ("variant", "unit_id", "metric"):
        empty = table[name].isna().to_numpy()
        if empty.any():
            raise _bad_row(int(empty.argmax()), f"it has no {name!r}.", "Fill it in or remove the row.")


def factorize(column: pd.Series, known: Sequence[str] = ()) -> tuple[Codes, list[str]]:
    """Codes and names; names in sorted order, those ``known`` beforehand among them."""
    import pandas as pd

    codes, found = pd.factorize(column)
    names = [str(name) for name in found]
    unique = sorted({*names, *known})
    place = {name: position for position, name in enumerate(unique)}
    return np.array([place[name] for name in names], dtype=np.intp)[codes], unique


def optional_codes(table: pd.DataFrame, name: str) -> tuple[Codes, tuple[str, ...]]:
    """Codes and names of a column that may be missing; −1 where there is no value."""
    import pandas as pd

    if name not in table.columns:
        return np.full(len(table), -1, dtype=np.intp), ()
    codes, names = pd.factorize(table[name])
    return codes.astype(np.intp), tuple(str(value) for value in names)


def ordered_codes(table: pd.DataFrame, name: str) -> Codes:
    """The same, codes in the order of the names (2 before 10) and not of the rows."""
    codes, names = optional_codes(table, name)
    if not names:
        return codes
    rank = np.empty(len(names), dtype=np.intp)
    rank[sorted(range(len(names)), key=lambda i: (len(names[i]), names[i]))] = np.arange(len(names))
    return np.where(codes < 0, -1, rank[codes])


def codes_among(table: pd.DataFrame, name: str, names: Sequence[str]) -> Codes:
    """Positions of a column's values among ``names``; −1 where there is none."""
    if name not in table.columns:
        return np.full(len(table), -1, dtype=np.intp)
    place = {text: position for position, text in enumerate(names)}
    return np.array([place.get(str(value), -1) for value in table[name]], dtype=np.intp)


def numbers(table: pd.DataFrame, name: str) -> Floats:
    """A column of numbers, NaN where there is none; true and false are 1 and 0.

    Raises:
        BakeoffError: ``bad_table`` for text that is no number, and for numbers beyond 10^60.
    """
    import pandas as pd

    column = table[name]
    found = pd.to_numeric(column, errors="coerce")
    if column.dtype.kind not in "fiub":
        bad = (found.isna() & column.notna() & (column.astype(str).str.strip() != "")).to_numpy()
        if bad.any():
            row = int(bad.argmax())
            shown = str(column.iloc[row])[:40]
            raise _bad_row(row, f"{name} {shown!r} is no number.", "Write numbers, with 1 and 0 for yes and no.")
    values = found.to_numpy(dtype=np.float64, na_value=np.nan)
    beyond = np.isfinite(values) & (np.abs(values) > LARGEST)
    if beyond.any():
        row = int(beyond.argmax())
        raise _bad_row(row, f"{name} {values[row]:.3g} is too large.", "Give it in a larger unit, or leave it empty.")
    return values


def status(table: pd.DataFrame) -> Texts:
    """The status of each row, ok where none is given.

    Raises:
        BakeoffError: ``bad_table`` for an unknown one.
    """
    if "status" not in table.columns:
        return np.full(len(table), RowStatus.OK.value, dtype=object)
    found = table["status"].fillna(RowStatus.OK.value).astype(str).to_numpy(dtype=object)
    unknown = set(found) - {state.value for state in RowStatus}
    if unknown:
        raise _bad(f"the status {min(unknown)[:40]!r}.", "Known are ok, error, skipped and refused.")
    return found


def clusters(table: pd.DataFrame, units: Codes, n_units: int) -> Codes | None:
    """The cluster code of each unit, None when the table has no clusters.

    Raises:
        BakeoffError: ``bad_table`` for a row without a cluster among others, or a unit in two of them.
    """
    if "cluster_id" not in table.columns or table["cluster_id"].isna().all():
        return None
    codes = optional_codes(table, "cluster_id")[0]
    if (codes < 0).any():
        row = int((codes < 0).argmax())
        raise _bad_row(row, "it has no cluster_id.", "Give every row its cluster; a row that stands alone is its own.")
    of_unit = np.full(n_units, -1, dtype=np.intp)
    of_unit[units] = codes
    torn = of_unit[units] != codes
    if torn.any():
        row = int(torn.argmax())
        unit = str(table["unit_id"].iloc[row])[:40]
        raise _bad_row(row, f"the unit {unit!r} stands in two clusters.", "Each unit belongs to one cluster.")
    return of_unit


def one_per_unit(column: pd.Series, units: Codes, n_units: int) -> Texts:
    """The slice value of each unit, '' where it has none; the smallest in the alphabet where it has several."""
    texts: Texts = np.full(n_units, "", dtype=object)
    known = column.notna().to_numpy()
    held = column[known].astype(str).to_numpy(dtype=object)
    order = np.argsort(held, kind="stable")[::-1]
    texts[units[known][order]] = held[order]
    return texts


def times(table: pd.DataFrame) -> tuple[str | None, str | None, float | None]:
    """First and last time (ISO 8601) and the days between; None without times.

    Raises:
        BakeoffError: ``bad_table`` for what is no time.
    """
    import pandas as pd

    if "at" not in table.columns or table["at"].isna().all():
        return None, None, None
    found = pd.to_datetime(table["at"], utc=True, format="ISO8601", errors="coerce")
    unread = (found.isna() & table["at"].notna()).to_numpy()
    if unread.any():
        raise _bad_row(int(unread.argmax()), "'at' is no time.", "Write times like 2026-11-23T10:00:00Z.")
    first, last = found.min(), found.max()
    return first.isoformat(), last.isoformat(), (last - first).total_seconds() / 86_400


def _bad(what: str, hint: str) -> BakeoffError:
    return BakeoffError("bad_table", f"The analysis table has {what}", hint)


def _bad_row(row: int, what: str, hint: str) -> BakeoffError:
    return BakeoffError("bad_table", f"Row {row + 1} of the analysis table: {what}", hint)
