"""Which column of a table of recorded answers is what: from names and contents, overridden by options."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from experiments.datasets.cell_text import cell_text
from experiments.datasets.matching import check_column, nearest
from experiments.datasets.numbers_in_text import is_not_finite, number_of
from experiments.datasets.roles import REFERENCE_NAMES, reference_column
from experiments.datasets.table import Table
from experiments.errors import BakeoffError
from experiments.exports import restored
from experiments.plans.plan import SYSTEM_METRICS
from experiments.value_ranges import ANY

REQUIRED = ("example_id", "variant", "output")
MEASURES = ("prompt_tokens", "completion_tokens", "cost_usd", "latency_ms", "first_token_ms")
KNOWN = (
    *(*REQUIRED, *MEASURES, "repetition", "model", "status", "error_kind", "error_message", "rater_id"),
    *("finish_reason", "response_class"),
)
EXPORTED = (
    "experiment", "run", "variant", "model", "example_id", "repetition", "status", "text", "messages", "variables",
    "reference", "finish_reason", "served_model", "prompt_tokens", "completion_tokens", "cost_usd", "cost_status",
    "latency_ms", "first_token_ms", "cached", "error_kind", "error_message", "created_at", "response_class",
    "tool_calls", "attempts", "simulated", "cached_prompt_tokens", "reasoning_tokens",
)  # fmt: skip
"""The columns of our own export of outputs, which can be imported again."""
CALL_RECORDS = frozenset((set(EXPORTED) | set(SYSTEM_METRICS)) - {*KNOWN, "text", "variables", "reference"})
"""Columns of our own exports that describe a call and are neither inputs nor scores."""

_ALIASES = {"output": ("text",)}
_MANY = 3


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What the owner of the file says of it; None and empty mean: recognise it.

    ``columns`` maps known names (``example_id``, ``output``, ``reference`` …) to columns of the file.
    ``scores`` are columns that hold scores beside those named ``score:<metric>``. ``variants`` is their
    order, ``control`` the one that the others are compared with (default: the first).

    ``unit`` names what a row of the test set is about (default: ``example_id``; rows of one unit belong together),
    ``cluster`` what belongs together across units, ``slices`` the columns whose values are looked at apart. Each is the
    same for all answers of an example.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] | None = None
    scores: tuple[str, ...] | None = None
    lower_is_better: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    variants: tuple[str, ...] | None = None
    control: str | None = None
    unit: str | None = None
    cluster: str | None = None
    slices: tuple[str, ...] = ()

    def attributes(self) -> tuple[str, ...]:
        """The columns of unit, cluster and slices that are named, each once."""
        named = (self.unit, self.cluster, *self.slices)
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class OutputColumns:
    """The columns by role; ``known`` maps known names, ``scores`` and ``ratings`` metrics, to columns.

    ``inputs`` includes the reference. ``left_out`` are columns that are neither, for the message to the
    owner.
    """

    known: Mapping[str, str]
    inputs: tuple[str, ...]
    reference: str | None
    scores: Mapping[str, str]
    ratings: Mapping[str, str]
    left_out: tuple[str, ...]


def recognise_columns(table: Table, options: OutputOptions) -> OutputColumns:
    """The role of every column.

    A column is an input when it is the same in all rows of each example, and a score when it holds nothing
    but numbers that differ within some example. A text that differs is an error while it does so in at most
    half of the examples (then it is an input gone wrong), and is left out when it differs in most of them.

    Raises:
        BakeoffError: ``missing_columns``, ``unknown_column``, ``unknown_option``, ``inputs_differ``,
            ``not_finite``, ``bad_metric_name``.
    """
    _check_options(table, options)
    known = _known(table, options)
    scores = _prefixed(table, "score:", options) | {name: name for name in options.scores or ()}
    ratings = _prefixed(table, "rating:", options)
    groups = _groups(table, known["example_id"])
    reference = options.columns.get("reference")
    attributes = [name for name in options.attributes() if name != known["example_id"]]
    inputs = list(dict.fromkeys([*(options.inputs or ()), *([reference] if reference else []), *attributes]))
    for column in inputs:
        refuse_difference(table, column, groups)
    left_out = [name for name in options.ignore if name not in inputs]
    taken = {*known.values(), *scores.values(), *ratings.values(), *inputs, *left_out}
    for column in table.columns:
        if column in taken:
            continue
        if _holds_scores(table, column, groups, options):
            scores[column] = column
        elif _is_input(table, column, groups, options):
            inputs.append(column)
        else:
            left_out.append(column)
    _check_metric_names([*scores, *ratings])
    inputs.sort(key=table.columns.index)
    return OutputColumns(known, tuple(inputs), reference or reference_column(inputs), scores, ratings, tuple(left_out))


def with_variables(table: Table) -> Table:
    """The table with the keys of the JSON objects in a column ``variables`` as columns of their own.

    A key that a column has already is left out where both say the same, and is called ``variables.<key>`` where they do
    not (a variable ``text`` beside the answer). The table itself when there is no such column, or a cell of it is
    something else.
    """
    if "variables" not in table.columns:
        return table
    at = table.columns.index("variables")
    try:
        objects = [json.loads(row[at] or "{}") for row in table.rows]
    except (ValueError, RecursionError):
        return table
    if not all(isinstance(item, dict) for item in objects):
        return table
    names = tuple(dict.fromkeys(name for item in objects for name in item))
    cells = {name: [cell_text(item.get(name)) for item in objects] for name in names}
    own = {
        name if name not in table.columns else f"variables.{name}": column
        for name, column in cells.items()
        if name not in table.columns or any(a != (b or "") for a, b in zip(column, table.column(name), strict=True))
    }
    if not names or set(own) & set(table.columns):
        return table
    kept = [i for i in range(len(table.columns)) if i != at]
    rows = [(*(row[i] for i in kept), *(cell[n] for cell in own.values())) for n, row in enumerate(table.rows)]
    return replace(table, columns=(*(table.columns[i] for i in kept), *own), rows=rows)


def without_guards(table: Table) -> Table:
    """The table of our own CSV export without the apostrophes that keep formulas from running; any other unchanged."""
    if table.report.format != "csv" or not set(EXPORTED[:10]) <= set(table.columns):
        return table
    return replace(table, rows=[tuple([cell and restored(cell) for cell in row]) for row in table.rows])


def refuse_difference(table: Table, column: str, groups: Sequence[Sequence[int]]) -> None:
    """Raise BakeoffError ``inputs_differ`` at the first example whose rows disagree about a column."""
    cells = table.column(column)
    for group in groups:
        other = next((i for i in group if cells[i] != cells[group[0]]), None)
        if other is not None:
            raise BakeoffError(
                "inputs_differ",
                f"'{column}' differs within one example: {table.place(group[0])} and {table.place(other)}.",
                "All variants must answer the same input: correct it, or leave the column out.",
            )


def not_finite(table: Table, index: int, column: str) -> BakeoffError:
    """The error ``not_finite``: a number that is none."""
    what = f"{table.place(index)}: '{column}' holds a number that is not finite."
    return BakeoffError("not_finite", what, "Leave the cell empty where there is no value.")


def _check_options(table: Table, options: OutputOptions) -> None:
    roles = (*KNOWN, "reference")
    for role, column in options.columns.items():
        if role not in roles:
            near = nearest(role, roles)
            hint = f"Did you mean '{near}'?" if near else f"Known names: {', '.join(roles)}."
            raise BakeoffError("unknown_option", f"'{role}' is not a known name of a column.", hint)
        check_column(column, table.columns, role=f"wanted as {role}")
    for word, names in (
        ("as an input", options.inputs),
        ("as a score", options.scores),
        ("out", options.ignore),
        ("as a unit, cluster or slice", options.attributes()),
    ):
        for name in names or ():
            check_column(name, table.columns, role=f"wanted {word}")


def _known(table: Table, options: OutputOptions) -> dict[str, str]:
    spoken_for = {
        *options.ignore,
        *options.columns.values(),
        *(options.inputs or ()),
        *(options.scores or ()),
        *options.attributes(),
    }
    plain = {_plain(column): column for column in reversed(table.columns) if column not in spoken_for}
    known = {role: column for role, column in options.columns.items() if role != "reference"}
    for role in KNOWN:
        for spelling in (role, *_ALIASES.get(role, ())):
            if role not in known and spelling in plain:
                known[role] = plain[spelling]
    if options.unit is not None:
        known.setdefault("example_id", options.unit)
    missing = [role for role in REQUIRED if role not in known]
    if missing:
        names = " and ".join(f"'{role}'" for role in missing)
        near = nearest(missing[0], table.columns)
        hint = f"Is it '{near}'? Then rename it." if near else f"There are: {', '.join(table.columns[:12])}."
        raise BakeoffError("missing_columns", f"The file has no column {names}.", hint)
    return known


def _prefixed(table: Table, prefix: str, options: OutputOptions) -> dict[str, str]:
    spoken_for = {*options.ignore, *options.columns.values(), *(options.inputs or ())}
    found = {}
    for column in table.columns:
        if column.lower().startswith(prefix) and column not in spoken_for:
            found[column[len(prefix) :].strip()] = column
    return found


def _check_metric_names(names: Sequence[str]) -> None:
    for name in names:
        if not name:
            raise BakeoffError("bad_metric_name", "A column 'score:' or 'rating:' names no metric.", "Name it.")
        if name in SYSTEM_METRICS:
            what = f"A score cannot be called '{name}': every output has a metric of that name."
            raise BakeoffError("bad_metric_name", what, "Use another name.")
        if names.count(name) > 1:
            raise BakeoffError("bad_metric_name", f"Two columns give the metric '{name}'.", "Rename one of them.")


def _groups(table: Table, example_column: str) -> list[list[int]]:
    groups: dict[str | None, list[int]] = defaultdict(list)
    for index, cell in enumerate(table.column(example_column)):
        groups[cell].append(index)
    return list(groups.values())


def _is_input(table: Table, column: str, groups: Sequence[Sequence[int]], options: OutputOptions) -> bool:
    """Whether a column belongs to the examples. Raises BakeoffError ``inputs_differ`` when it almost does."""
    cells = table.column(column)
    if options.inputs is not None or _plain(column) in CALL_RECORDS or not any(cells):
        return False
    differing = _differing(cells, groups)
    if differing and _numbers(cells) is None and _plain(column) not in REFERENCE_NAMES:
        comparable = sum(len(group) > 1 for group in groups)
        if comparable < _MANY or differing <= comparable / 2:
            refuse_difference(table, column, groups)
    return not differing


def _holds_scores(table: Table, column: str, groups: Sequence[Sequence[int]], options: OutputOptions) -> bool:
    """Whether a column of an unknown name differs within examples and holds nothing but finite numbers.

    Row numbers (whole, ascending, each once) are no scores. Raises BakeoffError ``not_finite``.
    """
    if options.scores is not None or _plain(column) in {*REFERENCE_NAMES, *CALL_RECORDS}:
        return False
    cells = table.column(column)
    if not any(cells) or not _differing(cells, groups):
        return False
    numbers = _numbers(cells)
    if numbers is None:
        filled = [cell for cell in cells if cell and cell.strip()]
        if all(number_of(cell) is not None or is_not_finite(cell) for cell in filled):
            at = next(i for i, cell in enumerate(cells) if cell and is_not_finite(cell))
            raise not_finite(table, at, column)
        return False
    if not all(map(ANY.holds, numbers)):
        return False  # times in milliseconds, hashes: no measure has such values
    ascending = len(set(numbers)) == len(cells) > _MANY and numbers == sorted(numbers)
    return not (ascending and all(number.is_integer() for number in numbers))


def _numbers(cells: Sequence[str | None]) -> list[float] | None:
    """The numbers of the cells that are not empty, or None when one of them is something else."""
    numbers = [number_of(cell) for cell in cells if cell and cell.strip()]
    known = [number for number in numbers if number is not None]
    return known if len(known) == len(numbers) else None


def _differing(cells: Sequence[str | None], groups: Sequence[Sequence[int]]) -> int:
    """In how many examples the rows disagree."""
    return sum(any(cells[i] != cells[group[0]] for i in group) for group in groups)


def _plain(column: str) -> str:
    return re.sub(r"[\s_.-]+", "_", column.strip()).lower()
